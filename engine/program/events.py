"""What a program on a host tells of itself, in the order in which it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Result:
    """How a section ended: exit `status`, the `facts` it reported (undecodable bytes as surrogates), the last 64 kB
    of its `output` (both streams; undecodable bytes replaced), whether it was `timed_out`, and the `seconds` between
    its start and its end, as seen from the controller."""

    status: int
    facts: dict[str, str]
    output: str
    timed_out: bool
    seconds: float


@dataclass(frozen=True)
class Hello:
    """The program runs. `pid` is the process that `shell.stop_program` asks to stop, `born` its start time there."""

    pid: int
    born: str = ""


@dataclass(frozen=True)
class Started:
    """A section has started."""

    section: str


@dataclass(frozen=True)
class Finished:
    """A section has ended."""

    section: str
    result: Result


@dataclass(frozen=True)
class Skipped:
    """A section was not started, because the section `because`, which it needs, failed or did not run."""

    section: str
    because: str


@dataclass(frozen=True)
class Beat:
    """A sign of life from a program whose running section is silent."""


@dataclass(frozen=True)
class LockBusy:
    """Another program held the host's lock for all the time this one could wait; nothing was executed."""

    holder: str


@dataclass(frozen=True)
class Waited:
    """Another program held the host's lock or undid what was staged; it is over, nothing was executed here."""


@dataclass(frozen=True)
class Stopped:
    """The program was asked to stop, or its connection was cut: steps after this one are not started."""


@dataclass(frozen=True)
class Done:
    """The program has run to its end."""


Event: TypeAlias = Hello | Started | Finished | Skipped | Beat | LockBusy | Waited | Stopped | Done
