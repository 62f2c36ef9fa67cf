"""Many hosts on one machine: sshd processes on loopback addresses, one user key, one known_hosts file."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

from tests.relay import Relay

PORT = 22022


class Fleet:
    """`count` hosts named h001, h002, ... at 127.0.1.1 and up, all as root. Needs root and OpenSSH's server.

    `delay` seconds are added to all that is sent, either way, by a relay in this process.
    """

    def __init__(self, directory: Path, count: int, first: int = 1, delay: float = 0.0) -> None:
        self.delay = delay
        self.directory, self.count = directory, count
        self.names = [f"h{number:03}" for number in range(first, first + count)]
        self.addresses = [f"127.0.1.{number}" for number in range(first, first + count)]
        self.key = directory / "id"
        self.known_hosts = directory / "known_hosts"
        self._relays = ExitStack()
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Fleet:
        self.directory.mkdir(parents=True, exist_ok=True)
        host_key = self.directory / "host_key"
        for key in (self.key, host_key):
            if not key.exists():
                subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        shutil.copy(f"{self.key}.pub", self.directory / "authorized_keys")
        public = " ".join(Path(f"{host_key}.pub").read_text().split()[:2])
        self.known_hosts.write_text("".join(f"[{address}]:{PORT} {public}\n" for address in self.addresses))
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        for address in self.addresses:
            self._start(address, host_key)
        for address in self.addresses:
            _wait_for(address, self.port)
        if self.delay:
            for address in self.addresses:
                relay = Relay(address, self.port, delay=self.delay, address=address, listen=PORT)
                self._relays.enter_context(relay)
        return self

    @property
    def port(self) -> int:
        """Where the servers listen; hosts are reached at PORT."""
        return PORT + 1 if self.delay else PORT

    def _start(self, address: str, host_key: Path) -> None:
        config, home = self.directory / f"sshd_{address}", self.directory / f"home_{address}"
        home.mkdir(exist_ok=True)
        config.write_text(
            f"ListenAddress {address}\nPort {self.port}\nHostKey {host_key}\n"
            f"AuthorizedKeysFile {self.directory}/authorized_keys\n"
            "PidFile none\nLogLevel ERROR\nUsePAM no\nStrictModes no\nPermitRootLogin yes\n"
            "PasswordAuthentication no\nMaxStartups 1000\nMaxSessions 100\nPrintMotd no\n"
            "Subsystem sftp internal-sftp\n"
            # Hosts of their own have locks of their own.
            f"SetEnv HOME={home}\n"
        )
        sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin") or "sshd"
        command = [sshd, "-D", "-f", str(config), "-E", f"{config}.log"]
        self._processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True))

    def __exit__(self, *_: object) -> None:
        self._relays.close()
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            process.wait()


def _wait_for(address: str, port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection((address, port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
