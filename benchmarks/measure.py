"""Time whole processes: wall seconds, CPU seconds of the process and its children, peak memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """Medians over some runs. Seconds, seconds, MiB; `runs` how many."""

    wall: float
    cpu: float
    memory: float
    runs: int


class Failed(Exception):
    """A measured command did not do its work."""


def once(command: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path, limit: float = 1800) -> Figure:
    """Run a command once. Raises Failed, with the end of its output, where it exits with anything but 0."""
    start = time.monotonic()
    with log.open("wb") as out:
        child = subprocess.Popen(
            command, env={**os.environ, **env}, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - start
    if child.returncode:
        tail = log.read_text(errors="replace")[-2000:]
        raise Failed(f"{' '.join(command[:4])}: exit {child.returncode}\n{tail}")
    return Figure(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, 1)


def median(
    command: Sequence[str],
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
    runs: int,
    before: Callable[[], object] = lambda: None,
) -> Figure:
    """Run a command `runs` times, `before` before each (not timed); the medians."""
    every = []
    for _ in range(runs):
        before()
        every.append(once(command, env, cwd, log))
    return Figure(
        statistics.median(f.wall for f in every),
        statistics.median(f.cpu for f in every),
        max(f.memory for f in every),
        runs,
    )
