"""What can be offered to a host: the keys of files and of the agent, each with its certificates."""

from __future__ import annotations

import base64
import copy
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from engine.transports.ssh import keys
from engine.transports.ssh.certificates import CERT_SUFFIX, plain_key
from engine.transports.ssh.config import Settings
from engine.transports.ssh.known_hosts import blob_type, fingerprint
from engine.transports.ssh.session import Session, paramiko

_asking = threading.RLock()


@dataclass
class Login:
    """Whom to be on one host, and with what. `ask` prompts a person; None: there is nobody.

    named         the key file that the inventory names: it comes before a password
    tried, left   for messages: what was offered, and what could not be, with why
    """

    name: str
    settings: Settings
    ask: Callable[[str], str] | None = None
    password: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)
    named: Path | None = None
    tried: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def prompt(self, text: str) -> str:
        """Ask, one question at a time however many hosts there are."""
        assert self.ask
        with _asking:
            return self.ask(text)

    def leave(self, why: str) -> None:
        """Remember why something was not offered."""
        if why not in self.left:
            self.left.append(why)

    @property
    def asking(self) -> Callable[[str], str] | None:
        return self.prompt if self.ask and not self.settings.batch else None


@dataclass(frozen=True)
class Credential:
    """One thing to offer; `offer` returns [] when the user is in, or the methods that are still needed."""

    method: str
    label: str
    offer: Callable[[], list[str]]


def public_keys(session: Session, login: Login, agent: Agent) -> Iterator[Credential]:
    """Keys that need nobody first: those named, from the agent or their file; then what else the agent has; then
    those with a passphrase."""
    held = agent.keys()
    encrypted: list[keys.KeyFile] = []
    used: set[bytes] = set()
    for path in login.settings.identities:
        try:
            file = keys.read(path)
        except keys.Unusable as error:
            login.leave(str(error))
            continue
        if file is None and path == login.named:
            login.leave(f"{path}: no such file")
        public = file.public if file else keys.public_file(path)
        if public in held:
            assert public is not None
            used.add(public)
            yield from _with_certificates(session, login, path, public, partial(agent.copy, held[public]))
            yield _agent_key(session, login, held[public])
        elif file and file.encrypted:
            encrypted.append(file)
        elif file:
            yield from _file_key(session, login, file)
    if not login.settings.identities_only:
        for public, key in held.items():
            if public not in used:
                yield _agent_key(session, login, key)
    for file in encrypted:
        yield from _file_key(session, login, file)


def _agent_key(session: Session, login: Login, key: Any) -> Credential:
    label = f"agent key {key.comment} ({key.name} {fingerprint(key.blob)})"
    return Credential("publickey", label, lambda: list(session.auth_publickey(login.settings.user, key)))


def _file_key(session: Session, login: Login, file: keys.KeyFile) -> Iterator[Credential]:
    def load() -> Any:
        return keys.load(file, login.asking, login.passphrase)

    def offer() -> list[str]:
        user = login.settings.user
        if file.encrypted and file.public and login.passphrase is None:
            kind = blob_type(file.public)
            algorithm = "rsa-sha2-512" if kind == "ssh-rsa" else kind
            if not session.handler.probe(user, algorithm, file.public):
                raise paramiko.AuthenticationException
        return list(session.auth_publickey(user, load()))

    if file.public:
        yield from _with_certificates(session, login, file.path, file.public, load)
    yield Credential("publickey", file.label, offer)


def _with_certificates(
    session: Session, login: Login, path: Path, public: bytes, load: Callable[[], Any]
) -> Iterator[Credential]:
    """A key with each certificate that is for it."""
    for file in dict.fromkeys((*login.settings.certificates, path.with_name(path.name + "-cert.pub"))):
        try:
            blob = base64.b64decode(file.read_text("utf-8").split()[1], validate=True)
        except (OSError, IndexError, ValueError):
            continue
        if plain_key(blob) != public:
            continue

        def offer(blob: bytes = blob) -> list[str]:
            # A key may be shared between hosts; the certificate is this offer's alone.
            key = load()
            key = key if isinstance(key, paramiko.AgentKey) else copy.copy(key)
            key.public_blob = paramiko.pkey.PublicBlob(blob_type(blob), blob)
            return list(session.auth_publickey(login.settings.user, key))

        yield Credential("publickey", f"certificate {file}", offer)


class Agent:
    """The agent's keys, asked for when first needed."""

    def __init__(self, login: Login) -> None:
        self.login = login
        self._client: Any = None
        self._keys: dict[bytes, Any] | None = None

    def keys(self) -> dict[bytes, Any]:
        """Public key → key; certificates among them can sign like keys."""
        if self._keys is None:
            self._keys = {}
            if self.login.settings.agent:
                self._connect(self.login.settings.agent)
        return self._keys

    def _connect(self, path: str) -> None:
        if sys.platform == "win32":
            self.login.leave(f"agent {path}: agents are not asked from Windows; name a key file")
            return
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._client = paramiko.agent.AgentSSH()
        try:
            connection.settimeout(60)
            connection.connect(path)
            self._client._connect(connection)
        except (OSError, paramiko.SSHException) as error:
            connection.close()
            self.login.leave(f"agent {path}: {error}")
            return
        self._keys = {key.blob: self.copy(key) for key in self._client.get_keys()}

    def copy(self, key: Any) -> Any:
        """The same key for one offer, with its certificate if it is one."""
        same = paramiko.AgentKey(self._client, key.blob, key.comment)
        if same.name.endswith(CERT_SUFFIX):
            same.public_blob = paramiko.pkey.PublicBlob(same.name, same.blob)
        return same

    def close(self) -> None:
        if self._client is not None:
            self._client._close()
