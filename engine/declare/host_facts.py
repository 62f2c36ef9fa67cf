"""What `host` is in a template: the name and groups that the inventory knows, and facts that only the host knows.

Facts are asked for in the trip that plans a host. Before it, whatever refers to one is put off (`Later`), and all
else is rendered and checked, so that what is wrong with it is told before any host is reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.codes import Code
from engine.declare.templates.names import FactPending, RenderError
from engine.declare.yaml.scalars import core
from engine.model import Facts, Host

FACTS = {
    "os": "the kernel's name in lower case: linux, darwin, freebsd (`uname -s`)",
    "arch": "the machine, as the kernel names it: x86_64, aarch64, arm64 (`uname -m`)",
    "user": "the user that programs run as (`id -un`)",
    "home": "that user's home directory ($HOME)",
    "hostname": "the name the host gives itself (`uname -n`)",
    "distribution": "its distribution: debian, ubuntu, alpine, macos (`ID` of /etc/os-release)",
    "version": "the version of that: 12, 24.04 (`VERSION_ID`)",
    "codename": "the name of that version: bookworm, noble (`VERSION_CODENAME`)",
    "address": "the IP address that its packets come from",
    "cores": "how many processors a program can use, a number",
    "memory": "its memory in MiB, a number",
    "init": "what starts services: systemd, openrc, launchd, or the name of process 1",
}
"""Every fact, and what it is."""

REPRESENTATIVE: Facts = {
    "os": "linux",
    "arch": "x86_64",
    "user": "user",
    "home": "/home/user",
    "hostname": "localhost",
    "distribution": "debian",
    "version": "12",
    "codename": "bookworm",
    "address": "192.0.2.1",
    "cores": "4",
    "memory": "16384",
    "init": "systemd",
}
"""What stands for a host's facts where no host is reached."""

_NUMBERS = ("cores", "memory")


class HostNames(Mapping[str, Any]):
    """`host` in a template. `facts` None: not asked for yet. `used`: the facts that were referred to."""

    def __init__(self, host: Host, facts: Facts | None = None) -> None:
        self._inventory: dict[str, Any] = {"name": host.name, "groups": list(host.groups)}
        self._facts = facts
        self._used: dict[str, str] = {}

    def __getitem__(self, name: str) -> Any:
        if name in self._inventory:
            return self._inventory[name]
        if name not in FACTS:
            raise KeyError(name)
        if self._facts is None:
            raise FactPending(f"`host.{name}` is known only on the host")
        if name not in self._facts:
            what = f"`host.{name}` is not known: the host did not report {FACTS[name]}"
            hint = f"for a host that has none: `host.{name} | default(...)`"
            raise RenderError(what, (hint,), undefined=True, code=Code.FACT)
        self._used[name] = self._facts[name]
        return core(self._facts[name]) if name in _NUMBERS else self._facts[name]

    def __contains__(self, name: object) -> bool:
        return name in self._inventory or name in FACTS

    def __iter__(self) -> Iterator[str]:
        yield from self._inventory
        yield from (name for name in FACTS if self._facts is None or name in self._facts)

    def __len__(self) -> int:
        return len(list(iter(self)))


def used(names: HostNames) -> dict[str, str]:
    """The facts that were referred to, in the order of `FACTS`."""
    return {name: names._used[name] for name in FACTS if name in names._used}
