"""What a run on a host is told from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.model import Command, Secret
from engine.program.section import Lock


@dataclass(frozen=True)
class Settings:
    """What a run is told from outside. `requested` are the services to be restarted in any case; `lock` for applies;
    `fix` the command that would resume on this host; `run` the id under which the host keeps what is replaced (empty:
    it keeps nothing)."""

    fingerprint: Callable[[Secret], str]
    left_out: frozenset[str] = frozenset()
    skipped: frozenset[str] = frozenset()
    requested: frozenset[str] = frozenset()
    lock: Lock | None = None
    fix: Command | None = None
    run: str = ""
