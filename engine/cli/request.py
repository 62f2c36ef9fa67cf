"""What a command line asks for; imports nothing, so that `--help` is quick."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

METHODS = ("sudo", "doas")
"""As `engine.model.become` has them."""


@dataclass(frozen=True)
class Request:
    """What the command line asks for. Durations in seconds. `restarted`: host and name of the services that the run
    which is retried has restarted already."""

    states: tuple[str, ...] = ()
    chdir: Path | None = None
    inventory: tuple[str, ...] = ()
    vault_ids: tuple[str, ...] = ()
    vault_password_files: tuple[str, ...] = ()
    ask_vault_pass: bool = False
    limit: str | None = None
    variables: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    no_guards: bool = False
    restart: tuple[str, ...] = ()
    restarted: frozenset[tuple[str, str]] = frozenset()
    forks: int | None = None
    batches: str | None = None
    max_failures: str | None = None
    pause: str | None = None
    lock_wait: float = 60.0
    connect_timeout: float = 10.0
    silence: float = 60.0
    accept_new: bool = False
    become: bool = False
    become_user: str | None = None
    become_method: str | None = None
    ask_become_pass: bool = False
    verbose: int = 0
