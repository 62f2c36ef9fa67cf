"""Becoming another user, as the command line asks for it: what holds where the inventory says nothing else."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.cli.output import can_ask
from engine.cli.request import Request
from engine.model import Become, Host, Secret, become_of

FIELDS = ("become", "become_user", "become_method")


def asked_for(request: Request) -> dict[str, Any]:
    """What of a request must be the same when it is made again; a password is asked for anew."""
    return {name: value for name in FIELDS if (value := getattr(request, name))}


def recorded(found: Mapping[str, Any]) -> dict[str, Any]:
    """The same, out of a saved plan or a journal."""
    return {name: found[name] for name in FIELDS if name in found}


def words(request: Request) -> list[str]:
    """The same, as words of a command line."""
    found = ["--become"] if request.become else []
    for name in FIELDS[1:]:
        value = getattr(request, name)
        found += [f"--{name.replace('_', '-')}", value] if value else []
    return found


def variables(request: Request) -> dict[str, Any]:
    """Variables for hosts whose own do not say otherwise. Asks for the password where that is wanted."""
    found = {f"ansible_{name}": value for name, value in asked_for(request).items()}
    if request.ask_become_pass and (password := _typed()):
        found["ansible_become_password"] = Secret(password, "ansible_become_password")
    return found


def _typed() -> str:
    """A line from the terminal; where there is none, from standard input."""
    if can_ask():
        return getpass.getpass("BECOME password: ")
    return sys.stdin.readline().rstrip("\n") if sys.stdin is not None else ""


def given(host: Host, found: Mapping[str, Any]) -> Host:
    """The host, with these variables where it has none of its own. Raises InvalidInput where it says what cannot be
    done."""
    own = {name: value for name, value in host.vars.items() if value is not None}
    if any(own.get(name) for name in ("ansible_become_pass", "ansible_become_password")):
        found = {name: value for name, value in found.items() if name != "ansible_become_password"}
    host = replace(host, vars={**found, **own})
    become_of(host.name, host.vars)
    return host


def other(host: Host, user: str) -> Become:
    """How what runs on a host runs as `user`. The password is that of the user who connects, so where another one
    has been become already, there is none."""
    become = become_of(host.name, host.vars)
    return replace(become, user=user, password=None if become.everything else become.password)
