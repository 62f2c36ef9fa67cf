"""What happens in a run while it runs: events, one sum type, and who hears of them.

Names and texts may hold what a host printed; they are redacted, but not yet made safe for a terminal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class HostObserving:
    """The plan of a host is begun."""

    host: str


@dataclass(frozen=True)
class HostObserved:
    """A host was observed, or could not be (`ok` False), after `seconds`."""

    host: str
    seconds: float
    ok: bool


@dataclass(frozen=True)
class HostStarted:
    """The apply of a host is begun."""

    host: str


@dataclass(frozen=True)
class StepStarted:
    """A step begins; `step` is the resource's name."""

    host: str
    step: str


@dataclass(frozen=True)
class StepFinished:
    """A step ended after `seconds`."""

    host: str
    step: str
    seconds: float
    ok: bool


@dataclass(frozen=True)
class HostFinished:
    """The apply of a host ended; `changed` counts the resources that were changed."""

    host: str
    ok: bool
    changed: int


@dataclass(frozen=True)
class Note:
    """A sentence for the user: waiting for a lock, a retry, a warning."""

    text: str


Event: TypeAlias = HostObserving | HostObserved | HostStarted | StepStarted | StepFinished | HostFinished | Note

Progress: TypeAlias = Callable[[Event], None]
"""Hears of every event of a run. Called from many threads; MUST be quick, never raises."""
