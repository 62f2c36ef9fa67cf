"""A directory for PATH whose commands stand in for the real ones: each writes down how it was called, and the one
whose turn it is kills the shell that called it. So a script can be cut off at each of its commands in turn.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

WRAPPER = """#!/bin/sh
here=%(here)s
read -r n <"$here/count"
read -r victim <"$here/victim"
n=$((n + 1))
echo "$n" >"$here/count"
{ printf '%%s\\n' "%(name)s $*"; %(env)s; %(cat)s "/proc/$PPID/cmdline"; } >>"$here/log" 2>/dev/null
%(before)s
%(real)s "$@"
status=$?
%(after)s
exit "$status"
"""
KILL = 'if [ "$n" -eq "$victim" ]; then kill -9 "$PPID"; exit 1; fi'


class Commands:
    """Stand-ins for `names`. `at` says which call is the last: it kills its caller, before or after its work; 0: none
    does."""

    def __init__(self, directory: Path, names: Sequence[str], *, after: bool = False) -> None:
        self.directory = directory
        directory.mkdir()
        for name in names:
            real = shutil.which(name)
            if real is None:
                continue
            kill = {"before": "" if after else KILL, "after": KILL if after else ""}
            script = directory / name
            own = {"here": f"'{directory}'", "env": shutil.which("env"), "cat": shutil.which("cat")}
            script.write_text(WRAPPER % {**own, **kill, "name": name, "real": real})
            script.chmod(stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
        (directory / "log").touch()

    @property
    def count(self) -> int:
        """How many commands were called since `at`."""
        return int((self.directory / "count").read_text())

    @property
    def log(self) -> str:
        """Arguments and environment of every call, and the command line of its caller."""
        return (self.directory / "log").read_text(errors="surrogateescape")

    @contextmanager
    def at(self, victim: int) -> Iterator[None]:
        """Within, programs on this machine find the stand-ins first."""
        (self.directory / "count").write_text("0\n")
        (self.directory / "victim").write_text(f"{victim}\n")
        before = os.environ["PATH"]
        os.environ["PATH"] = f"{self.directory}:{before}"
        try:
            yield
        finally:
            os.environ["PATH"] = before
