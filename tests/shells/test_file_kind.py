"""A kind of one page that replaces a file: the kit watches it, keeps what a change replaces, and puts that back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pytest

from engine.kit import HostPath, Reversible, Watchable
from engine.kit.testing import contract_suite
from engine.model import Script
from engine.run.backup import keeping, place
from tests.harness import SHELLS, apply, converge, observe, script, watch


class Note(Watchable, Reversible):
    """A file holds one text and nothing else.

    motd:
      note: { path: /etc/motd, text: Welcome }
    """

    path: Annotated[HostPath, "Where the file is."]
    text: Annotated[str, "What it holds."]

    attributes = ("text",)
    replaces = "path"
    probe_sh = r"""
    look_at_path
    report_path
    case $type in
      file)
        must_be_readable
        text=$(cat <"$file" && printf x)
        fact text "${text%x}"
        ;;
      absent) ;;
      *) fact refused "$path is in the way: it is no file" ;;
    esac
    """
    apply_sh = r"""
    look_at_path
    prepare_file
    open_new
    printf '%s' "$text" >&3 || write_failed
    settle_file
    """


TestNote = contract_suite(
    Note, {"path": "{place}/note", "text": "one"}, other={"text": "two"}, odd=["text"], obstacle="directory"
)


@pytest.fixture(params=list(SHELLS))
def shell(request: pytest.FixtureRequest) -> Sequence[str]:
    return SHELLS[request.param]


def applied(note: Note, shell: Sequence[str], run: str) -> None:
    """Keep what is there as a run does, and apply."""
    change = observe(note, shell).change
    assert change is not None
    kept = note.keep(change)
    assert kept is not None
    keep = keeping(kept, run, "note")
    script(Script(f"phase=apply\n{keep.text}", keep.vars, keep.args), shell)
    apply(note, shell)


def test_what_it_replaces_is_put_back(shell: Sequence[str], tmp_path: Path) -> None:
    path, run = tmp_path / "note", f"2026-{shell[0]}{len(shell)}"
    path.write_text("before\n\n")
    path.chmod(0o640)
    note = Note(path=HostPath(str(path)), text="after")
    applied(note, shell, run)
    assert path.read_text() == "after"

    restored = note.restored({"text": "before\n\n"}, ("text",), place(run, "note"))
    assert restored is not None
    assert converge(restored, shell)
    assert path.read_text() == "before\n\n"
    assert path.stat().st_mode & 0o777 == 0o640


def test_what_was_not_there_is_removed_again(shell: Sequence[str], tmp_path: Path) -> None:
    path, run = tmp_path / "note", f"2027-{shell[0]}{len(shell)}"
    note = Note(path=HostPath(str(path)), text="after")
    applied(note, shell, run)
    restored = note.restored(None, ("text",), place(run, "note"))
    assert restored is not None
    assert converge(restored, shell)
    assert not path.exists()


def test_it_is_watched(shell: Sequence[str], tmp_path: Path) -> None:
    note = Note(path=HostPath(str(tmp_path / "note")), text="one")
    none = watch(note, shell)
    apply(note, shell)
    one = watch(note, shell)
    assert none[1] == ""
    assert float(one[1]) > 0
    apply(note.replace(text="two"), shell)
    assert len({fingerprint for fingerprint, _ in (none, one, watch(note, shell))}) == 3
