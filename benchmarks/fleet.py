"""Many hosts on one machine, all reached at the same port, and behind a line that is slow where that is asked for."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tests import fleet
from tests.relay import Relay
from tests.sshd import public

PORT = 22022
"""Where the hosts are reached."""


class Fleet(fleet.Fleet):
    """`count` hosts named h001, h002, ... at 127.0.1.1 and up; `known_hosts` knows them all.

    `delay` seconds are added to all that is sent, either way, by a relay in this process.
    """

    def __init__(self, directory: Path, count: int, first: int = 1, delay: float = 0.0) -> None:
        port = PORT + 1 if delay else PORT
        # What is logged costs time; ansible copies with SFTP.
        config = ("LogLevel ERROR", "Subsystem sftp internal-sftp")
        super().__init__(directory, count, first=first, network="127.0.1", port=port, config=config)
        self.delay, self.count = delay, count
        self.known_hosts = directory / "known_hosts"
        self._relays = ExitStack()

    def __enter__(self) -> Self:
        super().__enter__()
        lines = [f"[{server.address}]:{PORT} {public(server.host_key())}\n" for server in self]
        self.known_hosts.write_text("".join(lines))
        if self.delay:
            for server in self:
                relay = Relay(server.address, server.port, delay=self.delay, address=server.address, listen=PORT)
                self._relays.enter_context(relay)
        return self

    def __exit__(self, *_: object) -> None:
        self._relays.close()
        super().__exit__()
