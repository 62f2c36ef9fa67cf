"""directory: owner and mode of all that is below it, and what in there is somebody else's, under each shell."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.kinds.directory import Directory
from engine.kit import HostPath
from engine.kit.testing import STRANGER, Machine, here

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give files away")

APP = 23011
"""A user of the machine that has no name."""


@pytest.fixture(params=list(here()))
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    (tmp_path / "home").mkdir()
    return Machine(tmp_path / "home", here()[request.param])


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A tree of root's, with a link out of it, odd names and an empty directory."""
    top = tmp_path / "top"
    for name in ("a", "b/c/d", "b/with blank\nand line", "-n"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text("x")
    (top / "empty").mkdir()
    (tmp_path / "outside").write_text("x")
    (top / "out").symlink_to(tmp_path / "outside")
    for above in tmp_path.parents:
        if above.stat().st_mode & 0o005 != 0o005:
            above.chmod(above.stat().st_mode | 0o005)
    tmp_path.chmod(0o755)
    return top


def marks(top: Path) -> set[tuple[int, int, str]]:
    """Owner, group and mode of all there is, each once."""
    found = set()
    for path in [top, *top.rglob("*")]:
        info = path.lstat()
        found.add((info.st_uid, info.st_gid, "link" if path.is_symlink() else f"{info.st_mode & 0o7777:o}"))
    return found


def recursive(top: Path, **more: str) -> Directory:
    given = {"owner": str(APP), "group": str(APP), "mode": "0750", "file_mode": "0640", **more}
    return Directory(path=HostPath(top), recursive=True, **given)  # type: ignore[arg-type]


def verdict(machine: Machine, resource: Directory) -> str:
    _, report = machine.apply(resource)
    return f"{report.outcomes[0].verdict} {report.outcomes[0].reason or ''}".strip()


def test_all_below_it(machine: Machine, top: Path) -> None:
    outside = (top.parent / "outside").stat()
    plan, _ = machine.apply(recursive(top))
    assert "8 differ: " in str(plan.steps[0])
    assert marks(top) == {(APP, APP, "750"), (APP, APP, "640"), (APP, APP, "link")}
    assert (top.parent / "outside").stat() == outside
    assert verdict(machine, recursive(top)) == "unchanged"
    (top / "b/c/d").chmod(0o600)
    # From here on it is the owner who acts.
    assert verdict(machine, recursive(top)) == "changed"
    assert marks(top) == {(APP, APP, "750"), (APP, APP, "640"), (APP, APP, "link")}


def test_what_is_somebody_elses_is_left_alone(machine: Machine, top: Path) -> None:
    """A stranger could put anything under the name while it is given away."""
    os.chown(top / "b/c", STRANGER, STRANGER)
    assert "b/c/d in" in verdict(machine, recursive(top))
    assert marks(top / "b/c") == {(STRANGER, STRANGER, "755"), (0, 0, "644")}
    assert marks(top / "a") == {(0, 0, "644")}, "something was changed all the same"
    # The directory itself is in one of root's, so its owner can be changed; then nothing in it may differ.
    os.chown(top / "b/c/d", APP, APP)
    (top / "b/c/d").chmod(0o640)
    assert verdict(machine, recursive(top)) == "changed"
    assert marks(top) == {(APP, APP, "750"), (APP, APP, "640"), (APP, APP, "link")}


def test_what_the_owner_cannot_have_is_refused(machine: Machine, top: Path) -> None:
    assert verdict(machine, recursive(top)) == "changed"
    os.chown(top / "a", 0, 0)
    said = verdict(machine, recursive(top))
    assert "refused" in said
    assert "a in " in said
    assert marks(top / "a") == {(0, 0, "640")}
    os.chown(top / "a", APP, APP)
    assert verdict(machine, recursive(top, owner="0")).startswith("refused")


def test_where_others_can_write_nothing_below_is_changed(machine: Machine, top: Path) -> None:
    top.chmod(0o777)
    assert verdict(machine, recursive(top)).startswith("refused")
    assert (top / "a").stat().st_uid == 0
    assert verdict(machine, Directory(path=HostPath(top), mode="0755")) == "changed"
    assert verdict(machine, recursive(top)) == "changed"


def test_only_what_is_empty_is_removed(machine: Machine, top: Path) -> None:
    assert verdict(machine, Directory(path=HostPath(top), state="absent")).startswith("refused")
    assert verdict(machine, Directory(path=HostPath(top / "empty"), state="absent")) == "changed"
    assert not (top / "empty").exists()
