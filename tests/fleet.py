"""Many hosts on one machine: an OpenSSH server each, on loopback addresses of their own.

    with Fleet(tmp_path, 5) as fleet:
        project.inventory(fleet.inventory())
        ...
        fleet["h003"].cut()
        assert (fleet.target("h001") / "file").exists()

Each host has its own home directory, and so its own lock, and a directory `target` for what a state puts there.
Needs root, as `Sshd` does.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

from tests.integration.project import own_sshd
from tests.ssh_keys import keygen
from tests.sshd import Sshd

STARTERS = 8
"""Servers that are started at the same time."""


class Fleet:
    """`count` hosts named h001, h002, ..., all as root; `first` is the number of the first one.

    network   the first three numbers of their addresses; some where none is given
    port      where they listen; a free port each where none is given
    settings  what is in the environment of a host's programs, `NAME=value`, by its name
    config    further lines of sshd_config
    """

    def __init__(
        self,
        directory: Path,
        count: int,
        *,
        first: int = 1,
        network: str = "",
        port: int | None = None,
        settings: Callable[[str], Iterable[str]] = lambda name: (),
        config: Iterable[str] = (),
    ) -> None:
        self.directory = directory / "fleet"
        network = network or f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(256)}"
        self.addresses = [f"{network}.{number}" for number in range(first, first + count)]
        self.names = [f"h{number:03}" for number in range(first, first + count)]
        self.settings, self.config, self.port = settings, tuple(config), port
        self.servers: dict[str, Sshd] = {}

    @property
    def key(self) -> Path:
        """The user's key, which opens every host."""
        return self.directory / "user_key"

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        # Made once: keys of their own would prove nothing more, and making them takes longer than all else.
        kept = {"user_key": self.key, "host_ed25519": self.directory / "host_ed25519"}
        for path in kept.values():
            if not path.exists():
                keygen(path)
        for name, address in zip(self.names, self.addresses, strict=True):
            directory = self.directory / name
            for part in ("home", "target", "sshd"):
                (directory / part).mkdir(parents=True, exist_ok=True)
            for to, path in kept.items():
                shutil.copy(path, directory / "sshd" / to)
                shutil.copy(f"{path}.pub", directory / "sshd" / f"{to}.pub")
            settings = self.settings(name)
            self.servers[name] = own_sshd(directory, *settings, config=self.config, address=address, port=self.port)
        with ThreadPoolExecutor(STARTERS) as starters:
            try:
                list(starters.map(Sshd.start, self))
            except BaseException:
                self.__exit__()
                raise
        return self

    def __exit__(self, *_: object) -> None:
        with ThreadPoolExecutor(STARTERS) as stoppers:
            list(stoppers.map(Sshd.stop, self))

    def __getitem__(self, name: str) -> Sshd:
        return self.servers[name]

    def __iter__(self) -> Iterator[Sshd]:
        return iter(self.servers.values())

    def home(self, name: str) -> Path:
        """The home directory on a host."""
        return self.directory / name / "home"

    def target(self, name: str) -> Path:
        """The directory on a host that the inventory's variable `target` names."""
        return self.directory / name / "target"

    def inventory(self, **more: Any) -> dict[str, dict[str, Any]]:
        """Host → variables, `target` among them; `more` for all."""
        return {
            name: {**server.variables(), "target": str(self.target(name)), **more}
            for name, server in self.servers.items()
        }

    def execs(self) -> dict[str, int]:
        """Host → how many programs were sent to it since the last `forget`; hosts without any are left out."""
        counted = {name: server.execs() for name, server in self.servers.items()}
        return {name: count for name, count in counted.items() if count}

    def forget(self) -> None:
        """Let `execs` count from here."""
        for server in self:
            server.forget()


def processes_of(home: Path) -> dict[int, str]:
    """Process → its command line, of all that runs on the host with this home directory, however it came about."""
    wanted = f"HOME={home}".encode()
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found[int(entry.name)] = (
                    (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
        except OSError:
            continue
    return found
