"""What applies replaced is kept on the host, so that a run can be rolled back. Nothing of it ever leaves the host.

It is under `~/.local/state/engine/kept/RUN/`, a directory of mode 0700, whose file `version` names the format (1
where there is none). At the end of a run the oldest are removed.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from engine.model import HostPath, Script, Secret

ROOT = "~/.local/state/engine/kept"
VERSION = 1
"""Of what is kept; version 0.1 of the engine did not write it down."""
RUNS = 20
"""How many runs' replaced things a host keeps."""

PREPARE = r"""
# shellcheck disable=SC2154  # values arrive as variables
# A user without a home directory of his own, as many services have, has no place for it.
[ "${_engine_owned-}" ] || [ -w "${HOME-}" ] || exit 0
umask 077
# The owner of a directory, as which user it may begin anew, hands on what is there and keeps nothing.
[ "${_engine_owned-}" ] || _engine_keep_place
"""

CHECK = r"""
# shellcheck disable=SC2154
found=$keep_version
if [ -e "${backup%/*}/version" ]; then IFS= read -r found <"${backup%/*}/version" || found=unknown; fi
[ "$found" = "$keep_version" ] ||
  fail "its backup has version $found, and this engine reads version $keep_version; use the engine that made it"
"""

PRUNE = r"""
[ -d "$kept_root" ] || exit 0
set -- "$kept_root"/*
[ "$#" -gt "$kept_runs" ] || exit 0
# Newest first, by the time of this host: names hold the time of another machine, which may be ahead or behind.
names=$(ls -t -- "$kept_root")
printf '%s\n' "$names" | {
  left=$((kept_runs - 1))
  while IFS= read -r name; do
    case $name in
      # The run itself, whatever its time; and what is not a run, which is somebody else's.
      "$run" | '' | *[!0-9a-f-]*) continue ;;
    esac
    left=$((left - 1))
    [ "$left" -ge 0 ] || rm -rf -- "${kept_root:?}/$name" || true
  done
}
"""


def place(run: str, name: str) -> HostPath:
    """Where what a run replaced of a resource is kept."""
    return HostPath(f"{ROOT}/{run}/{hashlib.sha256(name.encode()).hexdigest()[:16]}")


def keeping(script: Script, run: str, name: str) -> Script:
    """A resource's `keep` script; the directory of the run is made before it, where it is missing."""
    return Script(PREPARE + script.text, {**script.vars, **keep_vars(run, name)}, script.args)


def keep_vars(run: str, name: str) -> dict[str, str | int | bool | Secret]:
    """What tells a script where to keep things."""
    return {"keep": place(run, name), "keep_version": VERSION}


def reading(script: Script, backup: HostPath) -> Script:
    """A script that puts back what `backup` holds, or looks at it; it fails where that has another version."""
    return replace(script, text=CHECK + script.text, vars={**script.vars, "backup": backup, "keep_version": VERSION})


def pruning(run: str) -> Script:
    """Removes what the oldest runs kept, never what this one did. It comes after all changes of the run: one that
    rolls back the oldest still needs what is kept of that."""
    return Script(PRUNE, {"run": run, "kept_root": HostPath(ROOT), "kept_runs": RUNS})
