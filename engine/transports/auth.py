"""Logging in: which credentials are offered to a host, in which order, and what is said when none will do."""

from __future__ import annotations

import base64
import copy
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from engine.errors import AuthenticationRefused, ConnectionLost, Unreachable
from engine.model import Secret
from engine.transports import keys
from engine.transports.certificates import CERT_SUFFIX, plain_key
from engine.transports.known_hosts import blob_type, fingerprint
from engine.transports.session import Session, paramiko
from engine.transports.ssh_config import Settings

NOTHING = "nothing but the user's name"
ASKED = 3
"""How often a person is asked for a password."""

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

    @property
    def asking(self) -> Callable[[str], str] | None:
        return self.prompt if self.ask and not self.settings.batch else None


@dataclass(frozen=True)
class Credential:
    """One thing to offer; `offer` returns [] when the user is in, or the methods that are still needed."""

    method: str
    label: str
    offer: Callable[[], list[str]]


def credentials_of(variables: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The password and the passphrase that an inventory gives for a host."""

    def first(*names: str) -> str | None:
        found = next((variables[name] for name in names if variables.get(name) is not None), None)
        return found.reveal() if isinstance(found, Secret) else None if found is None else str(found)

    return (
        first("ansible_password", "ansible_ssh_password", "ansible_ssh_pass"),
        first("ansible_ssh_private_key_passphrase", "ansible_private_key_passphrase"),
    )


def log_in(session: Session, login: Login) -> None:
    """Offer credentials until the host is content. Raises AuthenticationRefused, ConnectionLost, Unreachable."""
    agent = _Agent(login)
    try:
        if not _offer_all(session, login, agent):
            raise AuthenticationRefused(_refused(session, login))
    finally:
        agent.close()


def _offer_all(session: Session, login: Login, agent: _Agent) -> bool:
    handler = session.handler
    good: set[str] = set()
    again = True
    while again:
        again = False
        offered = False
        for credential in _credentials(session, login, agent):
            if credential.label in good or not _welcome(credential, handler.accepted):
                continue
            offered = True
            needed = _offer(session, login, credential)
            if needed == []:
                return True
            if needed:
                # Right, but one more is asked for: all others get their chance once more.
                good.add(credential.label)
                again = True
                break
        if not offered and not login.tried:
            # There is nothing to offer; at least this tells what the host would accept.
            return _offer(session, login, Credential("none", NOTHING, lambda: _none(session, login))) == []
    return False


def _none(session: Session, login: Login) -> list[str]:
    answer: list[str] = session.handler.send_auth_request(login.settings.user, "none")
    return answer


def _welcome(credential: Credential, accepted: tuple[str, ...]) -> bool:
    if not accepted or credential.method in (*accepted, "none"):
        return True
    return credential.method == "password" and "keyboard-interactive" in accepted


def _offer(session: Session, login: Login, credential: Credential) -> list[str] | None:
    """[]: in; a list of methods: right, but not enough; None: not accepted."""
    login.tried.append(credential.label)
    try:
        return credential.offer()
    except keys.Unusable as error:
        login.tried.remove(credential.label)
        login.left.append(str(error))
    except (paramiko.SSHException, OSError, EOFError, ValueError) as error:
        if str(error) == "Authentication timeout.":
            raise Unreachable(
                f"{login.name}: {login.settings.address} did not answer a login in {session.auth_timeout:g} s"
            ) from error
        if not session.is_active():
            if session.farewell:
                raise AuthenticationRefused(_refused(session, login)) from error
            raise ConnectionLost(
                f"{login.name}: the connection to {login.settings.address} was cut during the login"
            ) from error
        if not isinstance(error, paramiko.AuthenticationException):
            login.tried[-1] += f": {error}"
    return None


def _credentials(session: Session, login: Login, agent: _Agent) -> Iterator[Credential]:
    settings = login.settings
    passwords = "password" in settings.methods or "keyboard-interactive" in settings.methods
    given = login.password is not None and passwords
    if given and not login.named:
        yield _password(session, login, "the password given")
    if "publickey" in settings.methods:
        yield from _public_keys(session, login, agent)
    if given and login.named:
        yield _password(session, login, "the password given")
    if login.password is None and login.asking and passwords:
        if not session.handler.accepted:
            # Nobody is asked for a password before it is known that one would do.
            yield Credential("none", NOTHING, lambda: _none(session, login))
        for number in range(1, ASKED + 1):
            yield _password(session, login, f"password typed in ({number})")


def _password(session: Session, login: Login, label: str) -> Credential:
    user = login.settings.user

    def offer() -> list[str]:
        password = login.password
        if password is None:
            password = login.prompt(f"Password for {user}@{login.settings.address}: ")
        accepted = session.handler.accepted
        if accepted and "password" not in accepted:
            found = session.auth_interactive(user, lambda _title, _text, fields: [password for _ in fields])
        else:
            found = session.auth_password(user, password, fallback=True)
        return list(found)

    return Credential("password", label, offer)


# --- public keys


def _public_keys(session: Session, login: Login, agent: _Agent) -> Iterator[Credential]:
    """Keys that need nobody first: those named, from the agent or their file; then what else the agent has; then
    those with a passphrase."""
    held = agent.keys()
    later: list[keys.KeyFile] = []
    used: set[bytes] = set()
    for path in login.settings.identities:
        try:
            file = keys.read(path)
        except keys.Unusable as error:
            _leave(login, str(error))
            continue
        if file is None and path == login.named:
            _leave(login, f"{path}: there is no such file")
        public = file.public if file else keys.public_file(path)
        if public in held:
            assert public is not None
            used.add(public)
            yield from _with_certificates(session, login, path, public, partial(agent.copy, held[public]))
            yield _agent_key(session, login, held[public])
        elif file and file.encrypted:
            later.append(file)
        elif file:
            yield from _file_key(session, login, file)
    if not login.settings.identities_only:
        for public, key in held.items():
            if public not in used:
                yield _agent_key(session, login, key)
    for file in later:
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
            blob = base64.b64decode(file.read_text().split()[1], validate=True)
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


class _Agent:
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
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._client = paramiko.agent.AgentSSH()
        try:
            connection.settimeout(60)
            connection.connect(path)
            self._client._connect(connection)
        except (OSError, paramiko.SSHException) as error:
            connection.close()
            _leave(self.login, f"agent {path}: {error}")
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


def _leave(login: Login, why: str) -> None:
    if why not in login.left:
        login.left.append(why)


def _refused(session: Session, login: Login) -> str:
    settings = login.settings
    accepted = session.handler.accepted
    lines = [f"{login.name}: {settings.address} let {settings.user} in with none of the credentials"]
    lines += [f"  tried: {label}" for label in dict.fromkeys(login.tried)]
    lines += [f"  not tried: {why}" for why in dict.fromkeys(login.left)]
    if session.farewell:
        lines.append(f"  the host ended the connection: {session.farewell}")
    if accepted:
        lines.append(f"  it accepts: {', '.join(accepted)}")
    lines.append("  Look at ansible_user and ansible_ssh_private_key_file, and at authorized_keys on the host.")
    return "\n".join(lines)
