"""What the tests of transports share: run a program to its end, count what is left behind."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.errors import AuthenticationRefused, HostKeyRefused, Unreachable
from engine.model import Host, Transport
from engine.transports import Options, connect
from engine.transports.process import reap
from tests.sshd import SSHD, Sshd


@dataclass(frozen=True)
class Ran:
    """What a program printed, and its exit status."""

    stdout: bytes
    stderr: bytes
    status: int | None


def run(transport: Transport, *argv: str, stdin: Iterable[bytes] = ()) -> Ran:
    """Run a program to its end."""
    out: dict[str, list[bytes]] = {"stdout": [], "stderr": [], "exit": []}
    status = None
    for piece in transport.run(argv, stdin):
        assert status is None, "something came after the exit status"
        out[piece.stream].append(piece.data)
        status = piece.status
    return Ran(b"".join(out["stdout"]), b"".join(out["stderr"]), status)


def need_sshd() -> None:
    if SSHD is None or os.geteuid() != 0:
        pytest.skip("needs OpenSSH's sshd, and root to start it")


@contextmanager
def leaving_nothing(seconds: float = 5) -> Iterator[None]:
    """Asserts that no thread, open file or child process is there after what is done that was not there before it.

    What ends by itself has a few seconds for it. What an earlier test left may go meanwhile."""
    before = _held()
    yield
    deadline = time.monotonic() + seconds
    while left := _held() - before:
        assert time.monotonic() < deadline, f"left behind: {sorted(left.elements())}"
        time.sleep(0.02)


def _held() -> Counter[str]:
    """Names of this process's threads, what its file descriptors are, and its child processes, ended ones included
    that nobody collected."""
    reap()
    found = Counter(f"thread {thread.name}" for thread in threading.enumerate())
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            found[f"file {os.readlink(f'/proc/self/fd/{number}')}"] += 1
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            command, _, rest = stat.read_text().rpartition(")")
            if int(rest.split()[1]) == os.getpid():
                found[f"process {command})"] += 1
    return found


def hello(host: Host, options: Options) -> bytes:
    transport = connect(host, options)
    try:
        return run(transport, "echo", "hello").stdout
    finally:
        transport.close()


def unreachable(host: Host, options: Options) -> str:
    with leaving_nothing(), pytest.raises(Unreachable) as caught:
        hello(host, options)
    assert caught.value.exit_code == 4
    return str(caught.value)


def write_config(path: Path, *servers: tuple[str, Sshd], more: str = "") -> str:
    """A client configuration in which servers have names; returns the arguments that choose it."""
    blocks = [
        f"Host {name}\n  HostName {server.address}\n  Port {server.port}\n  User root\n"
        f"  IdentityFile {server.user_key}\n  UserKnownHostsFile {server.known_hosts}\n"
        for name, server in servers
    ]
    path.write_text(
        more
        + "".join(blocks)
        + "Host *\n  IdentityAgent none\n  IdentitiesOnly yes\n  GlobalKnownHostsFile /dev/null\n"
    )
    return f"-F {path}"


def login(sshd: Sshd, options: Options, **variables: Any) -> str:
    """Log in and say who one is."""
    transport = connect(sshd.host(**variables), options)
    try:
        return run(transport, "id", "-un").stdout.decode().strip()
    finally:
        transport.close()


def login_refusal(sshd: Sshd, options: Options, **variables: Any) -> str:
    with pytest.raises(AuthenticationRefused) as caught:
        login(sshd, options, **variables)
    assert caught.value.exit_code == 4
    return str(caught.value)


def configure(sshd: Sshd, *lines: str) -> None:
    """Put lines before what the client's configuration says."""
    text = sshd.client_config.read_text()
    sshd.client_config.write_text("\n".join(["Host *", *lines, ""]) + text)


def without_identity(sshd: Sshd, *lines: str) -> None:
    """Take the user's key out of the client's configuration, and put lines in."""
    text = sshd.client_config.read_text()
    text = "".join(f"{line}\n" for line in text.splitlines() if "Identit" not in line)
    sshd.client_config.write_text(text + "".join(f"  {line}\n" for line in lines))


class FactsFirst:
    """A person who gives these answers, one after the other."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.questions: list[str] = []

    def __call__(self, question: str) -> str:
        self.questions.append(question)
        return self.answers.pop(0)


def key_fingerprint(key: Path) -> str:
    shown = subprocess.run(["ssh-keygen", "-lf", f"{key}.pub"], capture_output=True, text=True, check=True).stdout
    return shown.split()[1]


def works(sshd: Sshd, options: Options, **variables: Any) -> bool:
    transport = connect(sshd.host(**variables), options)
    try:
        return run(transport, "echo", "ok").stdout == b"ok\n"
    finally:
        transport.close()


def key_refusal(sshd: Sshd, options: Options, **variables: Any) -> str:
    """The text of the refusal; nothing may have been sent beyond the key exchange."""
    with pytest.raises(HostKeyRefused) as caught:
        works(sshd, options, **variables)
    assert caught.value.exit_code == 4
    assert "userauth" not in sshd.log(), "something was sent after the key was refused"
    return str(caught.value)
