"""A directory for PATH whose commands do what the real ones do, but stop at a gate on the way, once:

    gates = BlockingCommands(directory, ["git", "mv"])
    gates.close("mv", "/login/PASSWORD ", after=True)      # PATH=f"{gates.directory}:..."
    gates.wait()                                           # a `mv` with that in its arguments has done its work
    gates.open()                                           # it ends

So a test holds a program on a host at a place of its choice.
"""

from __future__ import annotations

import shlex
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

WRAPPER = r"""#!/bin/sh
here=%(here)s
gate() {
  [ -e "$here/closed" ] || return 0
  { IFS= read -r when && IFS= read -r name && IFS= read -r words && IFS= read -r lock; } <"$here/closed"
  [ "$when $name" = "$1 %(name)s" ] || return 0
  case " $2 " in *"$words"*) ;; *) return 0 ;; esac
  [ -z "$lock" ] || [ -e "$lock" ] || return 0
  %(mkdir)s "$here/taken" 2>/dev/null || return 0
  echo "$$" >"$here/reached.new"
  %(mv)s "$here/reached.new" "$here/reached"
  until [ -e "$here/opened" ]; do %(sleep)s 0.02; done
}
gate before "$*"
%(real)s "$@"
status=$?
gate after "$*"
exit "$status"
"""


class BlockingCommands:
    """Stand-ins for `names`, in a directory that is made."""

    def __init__(self, directory: Path, names: Sequence[str]) -> None:
        self.directory = directory
        directory.mkdir()
        tools = {tool: shlex.quote(shutil.which(tool) or tool) for tool in ("mkdir", "mv", "sleep")}
        for name in names:
            real = shutil.which(name)
            if real is None:
                continue
            script = directory / name
            script.write_text(
                WRAPPER % {"here": shlex.quote(str(directory)), "real": shlex.quote(real), "name": name, **tools}
            )
            script.chmod(0o755)

    def close(self, name: str, words: str, *, after: bool = False, lock: Path | str = "") -> None:
        """The next `name` with `words` in its arguments (separated and surrounded by blanks) stops, before its work
        or after it; where a `lock` is given, not before that file is there."""
        for left in ("taken", "reached", "opened"):
            path = self.directory / left
            if path.is_dir():
                path.rmdir()
            path.unlink(missing_ok=True)
        (self.directory / "closed").write_text(f"{'after' if after else 'before'}\n{name}\n{words}\n{lock}\n")

    def wait(self, seconds: float = 60.0) -> int:
        """Until something stands at the gate; returns its process."""
        eventually((self.directory / "reached").exists, "nothing came to the gate", seconds)
        return int((self.directory / "reached").read_text())

    def open(self) -> None:
        """Let it go on; the gate stays open."""
        (self.directory / "opened").touch()


def eventually(holds: Callable[[], bool], otherwise: str, seconds: float = 60.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, otherwise
        time.sleep(0.02)
