"""Scripts that go on as another user: what is executed (`trust`), and watches that pin a path."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.kit.services import SERVICES, watch_variables
from engine.kit.shell import pins
from engine.model import HostPath, Script, Watch
from tests.harness import SHELLS, Failed, script

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")

WHO = """
trust "$path" "$other"
who=$(id -u)
fact who "$who"
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory of root's that others can reach."""
    with tempfile.TemporaryDirectory(prefix="engine-test-") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


def user(path: Path, uid: int, mode: int = 0o755) -> Path:
    """A directory of this user's, with a file `tool` of the same user's."""
    path.mkdir()
    (path / "tool").touch()
    for each in (path, path / "tool"):
        each.chmod(mode)
        os.chown(each, uid, uid)
    return path


def linked(place: Path, target: Path) -> Path:
    (place / "link").symlink_to(target)
    return place / "link"


def foreign(place: Path) -> Path:
    """A file of user 2 in a directory of user 1."""
    os.chown(user(place / "one", 1) / "tool", 2, 2)
    return place / "one/tool"


WAYS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "root's": (lambda place: user(place / "root", 0) / "tool", "0"),
    "root's, with the group's hand": (lambda place: user(place / "root", 0, 0o775) / "tool", "0"),
    "a user's": (lambda place: user(place / "one", 1) / "tool", "1"),
    "a user's, missing": (lambda place: user(place / "one", 1) / "missing", "1"),
    "root's link to a user's": (lambda place: linked(place, user(place / "one", 1)) / "tool", "1"),
    "a user's link to root's": (lambda place: linked(user(place / "one", 1), Path("/bin/sh")), "1"),
    "root's directory in a user's": (lambda place: user(user(place / "one", 1) / "root", 0) / "tool", "1"),
    "two users'": (foreign, "refused"),
    "everybody's": (lambda place: user(place / "all", 0, 0o777) / "tool", "refused"),
    "missing where everybody can make it": (lambda place: user(place / "all", 0, 0o1777) / "missing", "refused"),
}


@pytest.mark.parametrize("shell", [pytest.param(argv, id=name) for name, argv in SHELLS.items()])
@pytest.mark.parametrize("way", WAYS)
def test_what_somebody_else_can_write_runs_as_that_user(way: str, shell: tuple[str, ...], place: Path) -> None:
    make, expected = WAYS[way]
    text = Script(WHO, {"path": HostPath(make(place)), "other": "/bin/sh"})
    facts = script(text, shell).facts
    assert (facts.get("who") or next(iter(facts))) == expected


def test_a_step_that_may_not_trust_fails(place: Path) -> None:
    text = Script(f"phase=apply{WHO}", {"path": HostPath(foreign(place)), "other": "/bin/sh"})
    with pytest.raises(Failed, match=r"several users can write .*; nothing of it was run"):
        script(text)


@pytest.mark.parametrize("shell", [pytest.param(argv, id=name) for name, argv in SHELLS.items()])
def test_a_watch_looks_as_the_owner_of_what_it_pins(shell: tuple[str, ...], place: Path) -> None:
    text = 'pin "$path"\nwho=$(id -u)\nfact fingerprint "$who $name $said"\nfact ctime 1.5\n'
    home = user(place / "one", 1)
    watch = Watch("w", Script(text, {"path": HostPath(home / "tool"), "said": "it's"}))
    seen = script(
        Script(SERVICES + '\nwatch 0\nfact found "$fingerprint $ctime"\n', watch_variables([watch])), shell
    ).facts
    assert seen == {"found": "1 tool it's 1.5"}


def test_which_scripts_may_go_on_as_another_user() -> None:
    assert pins('x=1\npin "$path"\n')
    assert pins('trust "$found" "$other"')
    assert not pins("# pin it\nfact pin '$path'\n")
