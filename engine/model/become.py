"""How one becomes another user on a host: with which program, and which words."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.codes import Code
from engine.errors import InvalidInput, Problem
from engine.model.values import Secret

METHODS = ("sudo", "doas")
TRUE = ("true", "yes", "on", "1", "y", "t")


@dataclass(frozen=True)
class Become:
    """What a host's variables say about becoming another user.

    user      whom its programs run as (`everything`), or whom `become: true` of a resource means
    method    sudo or doas; `exe` is its name or path there, `flags` are further words for it
    password  for sudo, of the connecting user
    """

    everything: bool = False
    user: str = "root"
    method: str = "sudo"
    exe: str = ""
    flags: tuple[str, ...] = ()
    password: Secret | None = field(default=None, repr=False)

    def words(self, user: str, asking: tuple[str, ...] = ()) -> tuple[str, ...]:
        """The words before those of a program that is to run as `user`. It never asks for a password; `asking` are
        the words that make sudo ask. HOME is the user's: what belongs to a user and host is kept there."""
        program = self.exe or self.method
        if self.method == "doas":
            return (program, "-n", *self.flags, "-u", user, "--")
        return (program, *(asking or ("-n",)), "-H", *self.flags, "-u", user, "--")


def become_of(host: str, variables: Mapping[str, Any]) -> Become:
    """What the `ansible_become` variables of a host say. Raises InvalidInput."""
    said = {name: variables.get(f"ansible_become_{name}") for name in ("user", "method", "exe", "flags")}
    method = str(said["method"] or "sudo").rsplit(".", 1)[-1]
    if method not in METHODS:
        message = f"{host}: unknown method `{method}` (ansible_become_method)"
        raise InvalidInput(Problem(message, hints=(f"Available: {', '.join(METHODS)}",), code=Code.BECOME_SETTINGS))
    password = next(
        (found for name in ("password", "pass") if (found := variables.get(f"ansible_become_{name}"))), None
    )
    secret = password if isinstance(password, Secret) or password is None else Secret(str(password))
    if secret is not None and any(c in secret.reveal() for c in "\n\r\0"):
        raise InvalidInput(
            Problem(f"{host}: a password is one line (ansible_become_password)", code=Code.BECOME_SETTINGS)
        )
    try:
        flags = shlex.split(str(said["flags"] or ""))
    except ValueError as error:
        raise InvalidInput(Problem(f"{host}: ansible_become_flags: {error}", code=Code.BECOME_SETTINGS)) from None
    if any(re.fullmatch("-[A-Za-z]*[is]|--login|--shell", flag) for flag in flags):
        hint = "sudo's login shell would interpret the program's arguments; remove it"
        raise InvalidInput(
            Problem(
                f"{host}: ansible_become_flags: -i and -s are not allowed", hints=(hint,), code=Code.BECOME_SETTINGS
            )
        )
    return Become(
        str(variables.get("ansible_become", "")).strip().lower() in TRUE,
        str(said["user"] or "root"),
        method,
        str(said["exe"] or ""),
        tuple(_others(flags)),
        secret,
    )


def _others(flags: list[str]) -> list[str]:
    """Flags without those that say how a password is asked for, which depends on whether there is one."""
    kept = []
    for flag in flags:
        if re.fullmatch("-[AEHPSn]+", flag):
            flag = re.sub("[AHSn]", "", flag)
        if flag not in ("-", "--askpass", "--stdin", "--non-interactive", "--set-home"):
            kept.append(flag)
    return kept
