"""What applies replaced is kept on the host, so that a run can be rolled back. Nothing of it ever leaves the host.

It lies under `~/.local/state/engine/kept/RUN/`, a directory of mode 0700; the oldest runs are removed.
"""

from __future__ import annotations

import hashlib

from engine.model import HostPath, Script, Secret

ROOT = "~/.local/state/engine/kept"
RUNS = 20
"""How many runs' replaced things a host keeps."""

PREPARE = r"""
# shellcheck disable=SC2154  # values arrive as variables
# A user without a home directory of his own, as many services have, has no place for it.
[ -w "${HOME-}" ] || exit 0
umask 077
if [ ! -d "${keep%/*}" ]; then
  mkdir -p -- "${keep%/*}"
  # Names of runs begin with their time, so the oldest come first.
  old=-$kept_runs
  for directory in "$kept_root"/*/; do old=$((old + 1)); done
  for directory in "$kept_root"/*/; do
    [ "$old" -gt 0 ] || break
    rm -rf -- "$directory"
    old=$((old - 1))
  done
fi
"""


def place(run: str, name: str) -> HostPath:
    """Where what a run replaced of a resource is kept."""
    return HostPath(f"{ROOT}/{run}/{hashlib.sha256(name.encode()).hexdigest()[:16]}")


def keeping(script: Script, run: str, name: str) -> Script:
    """A resource's `keep` script; before the first of a run, its directory is made and the oldest are removed."""
    own: dict[str, str | int | bool | Secret] = {
        "keep": place(run, name),
        "kept_root": HostPath(ROOT),
        "kept_runs": RUNS,
    }
    return Script(PREPARE + script.text, {**script.vars, **own}, script.args)
