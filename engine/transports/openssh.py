"""A host reached with the OpenSSH client: for what paramiko cannot do (FIDO keys, GSSAPI), and for connections
that stay warm from one command to the next."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from pathlib import Path

from engine.codes import Code
from engine.errors import (
    AuthenticationRefused,
    ConnectionLost,
    HostFailed,
    HostKeyRefused,
    InvalidInput,
    Problem,
    Unreachable,
)
from engine.model import Host, Output, Outside, Sentence, joined
from engine.transports import Options
from engine.transports.conversation import converse
from engine.transports.process import capture, outer_environment, reap, start
from engine.transports.ssh.config import target
from engine.transports.ssh.resolver import arguments

PERSIST = 60
"""Seconds for which an idle connection is kept where the inventory does not say."""
FAILED = 255
"""The client's own exit status; also one that a program may have."""


class OpenSshTransport:
    """The same variables as for `ssh`, without passwords and passphrases: nobody is asked, keys come from files, from
    an agent or from a token. And:

    ansible_openssh_persist   for how many seconds after its last use a connection is kept by a process of its own,
                              where the next command finds it; 0: until this one ends
    """

    def __init__(self, host: Host, options: Options) -> None:
        self.host = host
        self.options = options
        self._target = target(host, options.project)
        given = next((name for name in PASSWORDS if host.vars.get(name) is not None), None)
        if given:
            raise InvalidInput(
                Problem(
                    f"{host.name}: ansible_connection is openssh, which takes no {given}",
                    hints=("use ansible_connection: ssh, or a key",),
                    code=Code.CONNECTION_PROGRAM,
                )
            )
        persist = host.vars.get("ansible_openssh_persist")
        self._persist = PERSIST if persist is None else int(persist)
        self._used = False
        self._lock = threading.Lock()

    def run(self, argv: Sequence[str], stdin: Iterable[bytes]) -> Iterator[Output]:
        """See `Transport.run`. Also raises HostKeyRefused and AuthenticationRefused."""
        with tempfile.NamedTemporaryFile(prefix="engine-ssh-") as log:
            # What the client has to say goes there, apart from what the program on the host says.
            command = [*self._client(), "-E", log.name, "--", self._target.host, shlex.join(argv)]
            process = self._start(command)
            self._used = True
            finished = False
            try:
                for piece in converse(process, stdin, silence=self.options.silence, name=self.host.name):
                    if piece.stream == "exit":
                        finished = True
                        if piece.status == FAILED:
                            self._look(Path(log.name))
                    yield piece
            finally:
                if not finished:
                    # The client ends, and with it the channel; the program on the host is left to itself.
                    process.terminate()

    def _start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        try:
            return start(command, outer_environment())
        except OSError as error:
            raise Unreachable(
                f"{self.host.name}: the OpenSSH client cannot be started: {command[0]}: {error.strerror}",
                code=Code.CONNECTION_PROGRAM,
            ) from error

    def _client(self) -> list[str]:
        strict = "accept-new" if self.options.accept_new else "yes"
        chosen = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": strict,
            "ConnectTimeout": str(ceil(self.options.connect_timeout)),
            "ControlMaster": "auto",
            "ControlPath": f"{control_directory()}/%C",
            "ControlPersist": str(self._persist or PERSIST),
            "ServerAliveInterval": str(max(1, ceil(self.options.silence / 3))),
            "RequestTTY": "no",
            "RemoteCommand": "none",
            "ClearAllForwardings": "yes",
            "ForwardX11": "no",
            "PermitLocalCommand": "no",
            "LogLevel": "ERROR",
        }
        options = [word for name, value in chosen.items() for word in ("-o", f"{name}={value}")]
        return [self._target.executable, *options, *arguments(self._target)]

    def _look(self, log: Path) -> None:
        """Raise what the client's words mean; without any, the status is the program's own, unless the process
        that keeps the connection is gone: of a cut connection the client says nothing."""
        words = log.read_text("utf-8", errors="replace").replace("\r", "").strip()
        if not words:
            if self._control("check") != 0:
                raise ConnectionLost(f"{self.host.name}: the connection to {self._target.host} was cut")
            return
        lines = words.splitlines()
        text = joined("\n  ", [Sentence(f"{self.host.name}: ", Outside(lines[-1])), *map(Outside, lines[:-1])])
        lower = words.lower()
        for error, signs in MEANING:
            if any(sign in lower for sign in signs):
                raise error(text)
        raise HostFailed(text)

    def close(self) -> None:
        """Leave the connection to its process, or end it where it is not to persist; safe to call twice."""
        reap()
        with self._lock:
            end = self._used and not self._persist
            self._used = False
        if end:
            self._control("exit")

    def _control(self, word: str) -> int | None:
        """Say a word to the process that keeps the connection; 0 where it answers."""
        command = [*self._client(), "-O", word, "--", self._target.host]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=outer_environment(),
        )
        captured = capture(process, 10)
        return captured[0] if captured else None


PASSWORDS = (
    "ansible_password",
    "ansible_ssh_password",
    "ansible_ssh_pass",
    "ansible_ssh_private_key_passphrase",
    "ansible_private_key_passphrase",
)
MEANING: tuple[tuple[type[Unreachable], tuple[str, ...]], ...] = (
    (HostKeyRefused, ("host key verification failed", "remote host identification has changed", "revoked")),
    (AuthenticationRefused, ("permission denied", "too many authentication failures")),
    (
        Unreachable,
        ("could not resolve", "timed out", "refused", "no route", "unreachable", "bad configuration", "kex_exchange",
         "no matching", "jumphost"),
    ),
    (ConnectionLost, ("broken pipe", "closed by", "reset by", "lost", "not responding", "mux_client", "closed.")),
)  # fmt: skip
"""What the client's words mean, the first that fits."""


def control_directory() -> Path:
    """Where the sockets of kept connections are; nobody else can use them. Raises InvalidInput."""
    if sys.platform == "win32":
        raise NotImplementedError
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    path = Path(base) / f"engine-ssh-{os.getuid()}"
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        pass
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise InvalidInput(
            f"{path}: must be a directory that only you can access; remove it", code=Code.CONNECTION_PROGRAM
        )
    return path
