"""The one door to paths (`engine/kit/files.sh`) on this machine: as whom it acts, and what it refuses."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from engine.errors import HostFailed, Refused
from engine.kinds.file_sync import FileSync
from engine.kit.files import sh
from engine.model import HostPath, Script, Secret
from tests.command_stubs import Commands
from tests.harness import SHELLS, Failed, apply, carry_out, observe, script

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give directories to users")
USER = 23007
"""A number that no user and no group of the machine has."""


@pytest.fixture(params=[pytest.param(n, marks=[pytest.mark.full] if "bash" in n else []) for n in SHELLS])
def shell(request: pytest.FixtureRequest) -> Sequence[str]:
    return SHELLS[request.param]


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that everybody can look into; `theirs` in it belongs to a user."""
    with tempfile.TemporaryDirectory(prefix="engine-door-") as made:
        top = Path(made)
        top.chmod(0o755)
        (top / "theirs").mkdir()
        os.chown(top / "theirs", USER, USER)
        yield top


def content(path: Path, **more: object) -> FileSync:
    return FileSync(path=HostPath(str(path)), content="new\n", **more)


def test_a_glance_vouches_only_where_nobody_else_can_write(shell: Sequence[str], place: Path) -> None:
    (place / "theirs/below").mkdir()
    (place / "ours").mkdir()
    (place / "open").mkdir()
    (place / "open").chmod(0o775)
    (place / "way").symlink_to("ours")
    names = ["ours/a", "ours/none", "open/a", "open/none", "theirs/a", "theirs/below/a", "way/a", "nowhere/a"]
    for name in names:
        if not name.endswith("none") and not name.startswith(("nowhere", "way")):
            (place / name).write_text("x")
    text = f'x=$(\n{sh("inspect_together.sh")}\n)\nfact said "$x"'
    said = script(Script(text, args=tuple(str(place / name) for name in names)), shell)
    lines = said.facts["said"].splitlines()
    assert sorted(line.split()[0] for line in lines) == ["1", "2"]
    assert "2 absent" in lines


def test_the_owner_gets_three_descriptors_and_no_group_of_a_name(shell: Sequence[str], place: Path) -> None:
    os.chown(place / "theirs", USER, 0)
    text = 'pin "$path"\nx=$(id -u; id -G)\nfact who "$x"\nx=$(sh -c "ls /proc/self/fd" 2>&1)\nfact open "$x"'
    facts = script(Script(text, {"path": str(place / "theirs/x")}), shell).facts
    assert facts["who"].split() == [str(USER), str(USER)]
    # What the program of that user opened itself leads to root by pipes of this section alone.
    assert {int(number) for number in facts["open"].split()} <= {0, 1, 2, 3, 8, 9}


def test_what_was_planned_for_root_is_not_written_by_another(shell: Sequence[str], place: Path) -> None:
    login = place / "theirs/login"
    login.mkdir()
    secret = FileSync(path=HostPath(str(login / "PASSWORD")), content=Secret("canary"))
    change = observe(secret, shell).change
    login.rename(place / "theirs/away")
    login.mkdir()
    os.chown(login, USER, USER)
    with pytest.raises(Failed, match="belongs to another user than when this was planned"):
        carry_out([secret], [change], shell)
    assert os.listdir(login) == []


def test_where_others_can_write_it_is_made_out_of_their_reach(shell: Sequence[str], place: Path) -> None:
    shared = place / "shared"
    shared.mkdir()
    shared.chmod(0o2777)
    (shared / "file").write_text("old\n")
    (shared / "file").chmod(0o640)
    apply(content(shared / "file", backup=1), shell)
    apply(content(shared / "new/deep/file", parents=True, mode="0600"), shell)
    apply(FileSync(path=HostPath(str(shared / "file")), mode="0604"), shell)
    assert (shared / "file").read_text() == "new\n"
    assert stat.S_IMODE((shared / "file").stat().st_mode) == 0o604
    assert (shared / "file.bak").read_text() == "old\n"
    assert (shared / "new/deep/file").read_text() == "new\n"
    assert {path.name for path in shared.rglob("*")} == {"file", "file.bak", "new", "deep"}


def ages(path: Path) -> None:
    """A directory is as it was two days ago."""
    long_ago = time.time() - 2 * 86400
    os.utime(path, (long_ago, long_ago))


def test_what_a_killed_run_left_where_others_can_write_is_removed(place: Path, tmp_path: Path) -> None:
    """A day later, by the next one: a run that lasts is not disturbed."""
    shared = place / "shared"
    shared.mkdir()
    shared.chmod(0o2777)
    secret = FileSync(path=HostPath(str(shared / "file")), content=Secret("canary"), mode="0640")
    commands = Commands(tmp_path / "bin", ("chmod",))
    change = observe(secret).change
    with commands.at(1), suppress(Failed, HostFailed):
        carry_out([secret], [change])
    (room,) = shared.iterdir()
    assert stat.S_IMODE(room.stat().st_mode) & 0o777 == 0o700
    assert "canary" in (room / "new").read_text()
    apply(content(shared / "one"))
    assert room.exists()
    ages(room)
    apply(content(shared / "two"))
    assert sorted(path.name for path in shared.iterdir()) == ["one", "two"]


def test_what_looks_like_a_leftover_and_is_none_is_left(shell: Sequence[str], place: Path) -> None:
    """Others may have moved anything of ours to such a name, or made it."""
    place.chmod(0o1777)
    ours, theirs = place / ".engine-aaaaaaaaaa", place / ".engine-bbbbbbbbbb"
    for path, owner, names in ((ours, 0, ("new", "old")), (theirs, USER, (".engine-room", "new"))):
        path.mkdir(mode=0o700)
        for name in names:
            (path / name).write_text("keep\n")
        os.chown(path, owner, owner)
        ages(path)
    (place / ".engine-cccccccccc").symlink_to(theirs)
    apply(content(place / "file"), shell)
    assert sorted(path.name for path in ours.iterdir()) == ["new", "old"]
    assert sorted(path.name for path in theirs.iterdir()) == [".engine-room", "new"]


def test_an_mv_that_would_move_into_a_directory_is_not_used(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "bin").mkdir()
    real = shutil.which("mv")
    (place / "bin/mv").write_text(f'#!/bin/sh\n[ "$1" != -T ] || exit 1\nexec {real} "$@"\n')
    (place / "bin/mv").chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}/bin:{os.environ['PATH']}")
    place.chmod(0o1777)
    with pytest.raises(Failed, match="mv of this host has no -T"):
        apply(content(place / "file"))
    assert not (place / "file").exists()


@pytest.mark.parametrize("marks", [{"owner": "root"}, {"mode": "0600"}])
def test_what_the_owner_cannot_have_is_refused_in_the_plan(place: Path, marks: dict[str, str]) -> None:
    file = place / "theirs/file"
    file.write_text("old\n")
    resource = content(file, **marks)
    found = observe(resource)
    assert found.change is not None
    with pytest.raises(Refused, match=f"declare owner: {USER}, or give the directory to root"):
        list(resource.actions(found.change))


def test_a_pipe_in_the_place_of_a_backup_is_replaced(shell: Sequence[str], place: Path) -> None:
    for directory in (place, place / "theirs"):
        file = directory / "file"
        file.write_text("old\n")
        os.chown(file, directory.stat().st_uid, directory.stat().st_gid)
        os.mkfifo(directory / "file.bak")
        apply(content(file, backup=1), shell)
        assert (directory / "file.bak").read_text() == "old\n"


def test_nothing_is_given_away_where_files_have_no_owners(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "bin").mkdir()
    words = {
        "stat": f'[ "$1 $2 $3" != "-f -c %T" ] || {{ echo msdos; exit; }}\nexec {shutil.which("stat")} "$@"',
        "chown": f"touch {place}/tried",
    }
    for name, text in words.items():
        (place / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (place / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}/bin:{os.environ['PATH']}")
    with pytest.raises(Failed, match=r"file system without owners \(msdos\)"):
        apply(content(place / "file", owner="1"))
    assert sorted(path.name for path in place.iterdir()) == ["bin", "theirs"]
