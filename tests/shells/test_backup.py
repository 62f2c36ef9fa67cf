"""What is kept for rollbacks: made before anything is removed, removed by time, and never the run's own."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.model import Script
from engine.run.backup import keeping, place, pruning
from tests.harness import HOME, SHELLS, script

RUN = "20260302-1405-a3f1"


@pytest.fixture(params=[SHELLS[name] for name in SHELLS], ids=list(SHELLS))
def shell(request: pytest.FixtureRequest) -> Sequence[str]:
    chosen: Sequence[str] = request.param
    return chosen


@pytest.fixture
def kept() -> Path:
    """Where this machine keeps what was replaced, empty."""
    root = Path(HOME.name) / ".local/state/engine/kept"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    return root


def aged(path: Path, minutes: int) -> None:
    """A directory with something in it that was last written so many minutes ago."""
    path.mkdir()
    (path / "file").write_text("old\n")
    when = os.stat(path).st_mtime - 60 * minutes
    os.utime(path, (when, when))


def test_the_oldest_by_time_go(shell: Sequence[str], kept: Path) -> None:
    # The names tell the opposite of the times, as after a change of clock or zone.
    for number in range(25):
        aged(kept / f"2999{number:04}-1405-a3f1", 25 - number)
    aged(kept / RUN, 1000)
    for name in ("somebody's", "notes and\nmore", "-rf"):
        aged(kept / name, 2000)
    result = script(pruning(RUN), shell)
    assert result.status == 0, result.output
    left = {path.name for path in kept.iterdir()}
    assert left >= {RUN, "somebody's", "notes and\nmore", "-rf"}
    assert left - {RUN, "somebody's", "notes and\nmore", "-rf"} == {f"2999{n:04}-1405-a3f1" for n in range(6, 25)}


def test_what_comes_from_the_future_breaks_nothing(shell: Sequence[str], kept: Path) -> None:
    for number in range(30):
        aged(kept / f"2999{number:04}-1405-a3f1", -60 * 24 * 365 * 50)
    target = Path(HOME.name) / "target"
    target.write_text("replaced\n")
    copy = Script('cp -p -- "$from" "$keep"', {"from": str(target)})
    result = script(keeping(copy, RUN, "it"), shell)
    assert result.status == 0, result.output
    assert len(list(kept.iterdir())) == 31, "nothing is removed before all is kept"
    assert script(pruning(RUN), shell).status == 0
    own = Path(HOME.name) / place(RUN, "it").removeprefix("~/")
    assert own.read_text() == "replaced\n"
    assert stat.S_IMODE(own.parent.stat().st_mode) == 0o700
    assert len(list(kept.iterdir())) == 20


def test_nothing_kept_is_nothing_to_remove(shell: Sequence[str], kept: Path) -> None:
    kept.rmdir()
    assert script(pruning(RUN), shell).status == 0
    assert not kept.exists()
