"""A real OpenSSH server for tests: on a loopback address, with keys, users and a log of its own.

    def test_something(tmp_path):
        with Sshd(tmp_path / "sshd") as sshd:
            transport = connect(sshd.host("gpu1"), Options(project=tmp_path))
            ...
            assert sshd.execs() == 1

Needs root (it starts programs as the users that log in). Nothing of the machine's own SSH set-up is read or
changed: the client side is told to use a configuration file in the server's directory.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engine.model import Host
from tests.ssh_keys import keygen, public, sign

__all__ = ["SSHD", "Sshd", "free_port", "keygen", "needs_sshd", "public", "sign"]

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
needs_sshd = pytest.mark.skipif(
    SSHD is None or os.geteuid() != 0, reason="needs OpenSSH's sshd, and root to start it"
)


def free_port(address: str = "127.0.0.1") -> int:
    """A TCP port of a loopback address on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


class Sshd:
    """One server. Its directory holds: `host_KIND` keys, the user's key `user_key`, `authorized_keys`,
    `known_hosts` (this server's keys), `client_config` (for ssh -F), `log`. Keys that are there already are taken.

    address, port   where it listens; a free port where none is given
    kinds           types of its host keys
    config          further lines of sshd_config; the first word said wins, so they come first
    users           name → password: users that exist for this server only, without root's rights
    shell           root's login shell for this server only: the machine's may read start-up files for seconds;
                    None leaves it as it is
    """

    user = "root"

    def __init__(
        self,
        directory: Path,
        *,
        address: str = "127.0.0.1",
        port: int | None = None,
        kinds: Sequence[str] = ("ed25519",),
        config: Iterable[str] = (),
        users: Mapping[str, str] | None = None,
        shell: str | None = "/bin/sh",
    ) -> None:
        self.directory = directory
        self.address = address
        self.port = port or free_port(address)
        self.kinds = tuple(kinds)
        self.config = tuple(config)
        self.users = dict(users or {})
        self.shell = shell
        self.process: subprocess.Popen[bytes] | None = None
        self._counted = 0
        self._prepare()

    # --- files

    def _prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        for kind in self.kinds:
            if not self.host_key(kind).exists():
                keygen(self.host_key(kind), kind)
        if not self.user_key.exists():
            keygen(self.user_key)
        (self.directory / "authorized_keys").write_text(public(self.user_key) + "\n")
        self.known_hosts.write_text("".join(f"{self.name} {public(self.host_key(k))}\n" for k in self.kinds))
        self.client_config.write_text(
            "Host *\n"
            f"  UserKnownHostsFile {self.known_hosts}\n"
            "  GlobalKnownHostsFile /dev/null\n"
            f"  IdentityFile {self.user_key}\n"
            "  IdentitiesOnly yes\n"
            "  IdentityAgent none\n"
        )
        self._write_server_config()

    def _write_server_config(self) -> None:
        keys = f"/bin/cat {self.directory}/authorized_keys"
        lines = [
            *self.config,
            f"ListenAddress {self.address}",
            f"Port {self.port}",
            *(f"HostKey {self.host_key(kind)}" for kind in self.kinds),
            f"AuthorizedKeysFile {self.directory}/authorized_keys",
            # The directory may be closed to users other than root, who cannot read the file then.
            *([f"AuthorizedKeysCommand {keys}", "AuthorizedKeysCommandUser root"] if self.users else []),
            "PidFile none",
            "LogLevel DEBUG1",
            "UsePAM no",
            "StrictModes no",
            "PermitRootLogin yes",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "MaxStartups 1000",
            "MaxSessions 100",
            "PrintMotd no",
        ]
        (self.directory / "sshd_config").write_text("\n".join(lines) + "\n")

    def host_key(self, kind: str = "ed25519") -> Path:
        return self.directory / f"host_{kind}"

    @property
    def user_key(self) -> Path:
        return self.directory / "user_key"

    @property
    def known_hosts(self) -> Path:
        return self.directory / "known_hosts"

    @property
    def client_config(self) -> Path:
        return self.directory / "client_config"

    @property
    def name(self) -> str:
        """What a known_hosts file calls this server."""
        return f"[{self.address}]:{self.port}"

    # --- life

    def start(self) -> Sshd:
        """Start it and wait until it accepts connections."""
        assert SSHD
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        command = [SSHD, "-D", "-f", f"{self.directory}/sshd_config", "-E", f"{self.directory}/log"]
        if self.users or (self.shell and may_unshare()):
            command = self._with_users(command)
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection((self.address, self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.01)
        raise AssertionError(f"sshd did not start:\n{self.log()}")

    def _with_users(self, command: list[str]) -> list[str]:
        """The command in a mount namespace of its own, in which /etc/passwd and /etc/shadow have the users."""
        names = ("passwd", "shadow")
        lines: dict[str, list[str]] = {name: [Path("/etc", name).read_text().rstrip("\n")] for name in names}
        if self.shell:
            lines["passwd"] = [re.sub(r"(?m)^(root:.*:)[^:]*$", rf"\g<1>{self.shell}", lines["passwd"][0])]
        for number, (user, password) in enumerate(self.users.items(), start=23000):
            home = self.directory / f"home_{user}"
            home.mkdir(exist_ok=True)
            os.chown(home, number, number)
            crypted = subprocess.run(
                ["openssl", "passwd", "-6", "-stdin"], input=password, capture_output=True, text=True, check=True
            ).stdout.strip()
            lines["passwd"].append(f"{user}:x:{number}:{number}::{home}:/bin/sh")
            lines["shadow"].append(f"{user}:{crypted}:19000:0:99999:7:::")
        mounts = []
        for name in names:
            (self.directory / name).write_text("\n".join(lines[name]) + "\n")
            mounts.append(f'mount --bind "$0/{name}" /etc/{name}')
        script = " && ".join([*mounts, 'exec "$@"'])
        return ["unshare", "-m", "sh", "-c", script, str(self.directory), *command]

    def stop(self) -> None:
        """End the server, its connections, and what runs in them."""
        if self.process is None:
            return
        left = descendants(self.process.pid)
        self.process.kill()
        self.process.wait()
        self.process = None
        for pid in left:
            kill(pid)

    def restart(self) -> None:
        """Stop and start again, with the configuration as it is now."""
        self.stop()
        self._write_server_config()
        self.start()

    def cut(self) -> int:
        """Kill the processes that serve the connections, not what runs in them; returns how many there were."""
        assert self.process
        serving = [pid for pid in descendants(self.process.pid) if command_name(pid) == "sshd"]
        for pid in serving:
            kill(pid)
        return len(serving)

    def connections(self) -> int:
        """How many processes serve connections now."""
        below = descendants(self.process.pid) if self.process else []
        return sum(command_name(pid) == "sshd" for pid in below)

    def __enter__(self) -> Sshd:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- log

    def log(self) -> str:
        """All that the server has logged, at DEBUG1."""
        try:
            return (self.directory / "log").read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def execs(self) -> int:
        """Exec requests received since the start, or since the last `forget`."""
        return self._execs() - self._counted

    def _execs(self) -> int:
        return len(re.findall(r"server_input_channel_req: channel \d+ request exec ", self.log()))

    def logins(self) -> int:
        """Successful authentications since the start."""
        return len(re.findall(r"^Accepted \S+ for ", self.log(), re.MULTILINE))

    def forget(self) -> None:
        """Let `execs` count from here."""
        self._counted = self._execs()

    # --- client side

    def host(self, name: str = "gpu1", **variables: Any) -> Host:
        """An inventory host for this server: root, with the server's key known and its user key."""
        return Host(name, vars=self.variables() | variables)

    def variables(self) -> dict[str, Any]:
        """The inventory variables of `host`."""
        return {
            "ansible_connection": "ssh",
            "ansible_host": self.address,
            "ansible_port": self.port,
            "ansible_user": self.user,
            "ansible_ssh_common_args": f"-F {self.client_config}",
        }


@cache
def may_unshare() -> bool:
    """Whether this machine lets root have a mount namespace of its own."""
    return subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0


def descendants(pid: int) -> list[int]:
    """Processes below a process, parents before children."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parent = int(stat.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    queue = [pid]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def command_name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
