"""What a program is made of: sections, the lock it may hold, and the program itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.model import Phase, Script
from engine.program.deadline import Limits


@dataclass(frozen=True)
class Section:
    """One script in a program.

    `name` is unique in the program. `timeout` in seconds. `needs` names sections before it that must have ended with
    status 0, else it is skipped. `step`: it makes a change, so before it the connection is probed and a request to
    stop is heeded. `staging` is the directory on the host that `upload.stage` returned for it.
    `become` is the user it runs as, where that need not be who runs the program. `retries` is how often a check may
    ask again after a wrong answer.
    """

    name: str
    script: Script
    timeout: float = 60
    needs: tuple[str, ...] = ()
    step: bool = False
    phase: Phase = "plan"
    staging: str | None = None
    become: str | None = None
    retries: int = 0


@dataclass(frozen=True)
class Lock:
    """Hold the host's lock while the program runs. `who` tells others who holds it; `wait` is how many seconds a
    held one is waited for. A program that had to wait executes nothing; one that is `stopped` before it starts, no
    step."""

    who: str
    wait: float
    stopped: bool = False


@dataclass(frozen=True)
class Program:
    """What is run on a host: `argv`, fed `text`; what it reports is framed with `nonce`. `inner` are further nonces,
    which mark facts of these sections alone. `limits` are the seconds that it may take."""

    argv: tuple[str, ...]
    text: bytes
    nonce: str
    sections: tuple[str, ...]
    inner: Mapping[str, frozenset[int]] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
