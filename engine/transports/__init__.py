"""How a program reaches a host. `connect` picks the transport by the host's `ansible_connection`.

Third parties add one through the entry-point group `engine.transports`: a class called with (Host, Options)
that has the methods of `engine.model.Transport`. Transports are imported only when a host uses them.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from engine.codes import Code
from engine.errors import InvalidInput, Problem
from engine.model import Become, Host, Transport, become_of

BUILT_IN = {
    "local": "engine.transports.local:LocalTransport",
    "ssh": "engine.transports.ssh:SshTransport",
    "docker": "engine.transports.docker:DockerTransport",
    "command": "engine.transports.command:CommandTransport",
    "openssh": "engine.transports.openssh:OpenSshTransport",
    "wsl": "engine.transports.command:WslTransport",
}
"""The same list as the entry points; kept here because reading those costs more than a whole local run."""

NOT_FROM_WINDOWS = {
    "local": "This machine's Linux is reached with ansible_connection: wsl.",
    "docker": "Use ansible_connection: command with ansible_command_argv: [docker, exec, -i, NAME].",
    "openssh": "Use ansible_connection: ssh.",
}
"""Connection → what to use instead where the engine runs on Windows."""

ANSIBLE_NAMES = {"smart": "ssh", "paramiko": "ssh", "paramiko_ssh": "ssh", "docker_api": "docker"}
"""What Ansible calls connections that one of ours stands for."""


@dataclass(frozen=True)
class Options:
    """What holds for every connection of a run. Durations in seconds.

    project          the project root: relative key files are looked up there
    connect_timeout  for the TCP connection, each hop
    banner_timeout   for the SSH banner, and for each further step until the user is authenticated
    silence          how long nothing may come from a host before the connection counts as lost
    accept_new       add the key of a host that is not known yet; a changed key is refused all the same
    prompt           asks a person for a passphrase or password; None: there is nobody to ask
    notice           gets a sentence a person should see (a new host key was added); None: it is logged
    """

    project: Path
    connect_timeout: float = 10.0
    banner_timeout: float = 15.0
    silence: float = 60.0
    accept_new: bool = False
    prompt: Callable[[str], str] | None = None
    notice: Callable[[str], None] | None = None

    def notify(self, text: str) -> None:
        """Hand a sentence to `notice`."""
        if self.notice is not None:
            self.notice(text)
        else:
            import logging

            logging.getLogger(__name__).warning(text)


def connect(host: Host, options: Options) -> Transport:
    """The transport for a host; it connects on first use. Raises InvalidInput for an unknown connection."""
    written = str(host.vars.get("ansible_connection") or "ssh")
    name = written.rsplit(".", 1)[-1]
    name = ANSIBLE_NAMES.get(name, name)
    if os.name == "nt" and name in NOT_FROM_WINDOWS:
        text = f"{host.name}: ansible_connection `{written}` does not work from Windows"
        raise InvalidInput(
            Problem(text, hints=(NOT_FROM_WINDOWS[name], "Or run the engine inside WSL."), code=Code.CONNECTION_TYPE)
        )
    target = BUILT_IN.get(name)
    if target is not None:
        module, attribute = target.split(":")
        make = getattr(importlib.import_module(module), attribute)
    else:
        make = _third_party(host, written)
    transport = cast(Transport, make(host, options))
    become = become_of(host.name, host.vars)
    return as_user(transport, host, become) if become.everything else transport


def as_user(transport: Transport, host: Host, become: Become) -> Transport:
    """The transport, with every program run as `become.user`."""
    from engine.transports.become import BecomeTransport

    return BecomeTransport(transport, host.name, become)


def _third_party(host: Host, name: str) -> Callable[[Host, Options], Transport]:
    from importlib.metadata import entry_points

    found = entry_points(group="engine.transports")
    for entry in found:
        if entry.name == name:
            return cast("Callable[[Host, Options], Transport]", entry.load())
    known = ", ".join(sorted({*BUILT_IN, *(entry.name for entry in found)}))
    raise InvalidInput(
        Problem(
            f"{host.name}: unknown connection `{name}` (ansible_connection)",
            hints=(f"known: {known}",),
            code=Code.CONNECTION_TYPE,
        )
    )
