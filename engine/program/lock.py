"""The host lock, and the programs that look at it, break it, or ask the one that holds it to stop.

The lock is one file a user and host: `~/.local/state/engine/HOSTNAME/lock` (the name, because a home directory may
be shared by several hosts), a hard link to the record of the program that holds it. A record says who runs the
program, since when, and which processes belong to it: its shell, each step it started, its process group; a process
is known by its number, its start time and the boot it belongs to. The lock counts as long as any of them runs. A
record names its version; one of a version that this engine does not read counts until `onetrip unlock` breaks it.

A stale lock may be removed only by whoever made the file `over.ID`, a hard link to its own record, for the ID of the
stale record; where a dead one made that, by whoever made `over.` and the ID of the dead one, and so on. IDs are
never used twice, so a claim that comes too late finds another lock than the one it names, and gives up.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.kit.shell import texts
from engine.model import Script
from engine.program.compose import compose_keeping
from engine.program.section import Program

sh = texts(__file__)

HOLDER = sh("holder.sh")

UNLOCK = sh("unlock.sh")

STOP = sh("stop.sh")


def holder_program(shell: Sequence[str] = ("sh",)) -> Program:
    """A program that says who holds the host's lock, and changes nothing: facts `held` (`yes` or `no`) and, where
    there is a lock, `holder` (who, since when, which process; with `held` = `no` it is a stale one)."""
    return compose_keeping(Script(HOLDER), shell=shell)


def unlock_program(shell: Sequence[str] = ("sh",)) -> Program:
    """A program that breaks the host's lock: facts `held` (whether it was: `yes`, `no`, or `other` where another
    program took it meanwhile and was left alone) and `holder`. What holds it is not ended by this."""
    return compose_keeping(Script(UNLOCK), shell=shell)


def stop_program(pid: int, born: str = "", shell: Sequence[str] = ("sh",)) -> Program:
    """A program that asks another one to stop after its running step. `pid` and `born` come from its `Hello`; a
    process that is no program of the engine is left alone. Fact `sent`: `yes` or `no`."""
    return compose_keeping(Script(STOP, {"pid": pid, "born": born}), shell=shell)
