"""Logging in: what is offered to a host, in which order, and the error when it accepts none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.errors import AuthenticationRefused, ConnectionLost, Unreachable
from engine.model import Outside, Secret, Sentence, joined
from engine.transports.ssh.credentials import Agent, Credential, Login, public_keys
from engine.transports.ssh.keys import Unusable
from engine.transports.ssh.session import Session, paramiko

NOTHING = "no credential"
ASKED = 3
"""How often a person is asked for a password."""
NOTICED = 1.0
"""Seconds within which a connection that was cut is known to be."""


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
    agent = Agent(login)
    try:
        if not _offer_all(session, login, agent):
            raise AuthenticationRefused(_refused(session, login))
    finally:
        agent.close()


def _offer_all(session: Session, login: Login, agent: Agent) -> bool:
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
    except Unusable as error:
        login.tried.remove(credential.label)
        login.leave(str(error))
    except (paramiko.SSHException, OSError, EOFError, ValueError) as error:
        if str(error) == "Authentication timeout.":
            raise Unreachable(
                f"{login.name}: {login.settings.address} did not answer the login within {session.auth_timeout:g} s"
            ) from error
        if isinstance(error, OSError | EOFError):
            # Who writes may notice before the thread that reads that the connection was cut.
            session.join(NOTICED)
        if not session.is_active():
            if session.disconnect_reason:
                raise AuthenticationRefused(_refused(session, login)) from error
            raise ConnectionLost(
                f"{login.name}: the connection to {login.settings.address} was cut during the login"
            ) from error
        if not isinstance(error, paramiko.AuthenticationException):
            login.tried[-1] = Sentence(login.tried[-1], ": ", Outside(error))
    return None


def _credentials(session: Session, login: Login, agent: Agent) -> Iterator[Credential]:
    settings = login.settings
    passwords = "password" in settings.methods or "keyboard-interactive" in settings.methods
    given = login.password is not None and passwords
    if given and not login.named:
        yield _password(session, login, "the password given")
    if "publickey" in settings.methods:
        yield from public_keys(session, login, agent)
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


def _refused(session: Session, login: Login) -> Sentence:
    settings = login.settings
    accepted = session.handler.accepted
    tried = [label for label in dict.fromkeys(login.tried) if label != NOTHING]
    nothing = "" if tried else ": no keys were available to try"
    lines: list[str] = [f"{login.name}: authentication failed for {settings.user}@{settings.address}{nothing}"]
    lines += [Sentence("  tried: ", label) for label in tried]
    lines += [f"  not tried: {why}" for why in login.left]
    if session.disconnect_reason:
        lines.append(Sentence("  the host ended the connection: ", Outside(session.disconnect_reason)))
    if accepted:
        lines.append(f"  The server accepts: {', '.join(accepted)}")
    lines.append("  Check ansible_user and ansible_ssh_private_key_file, and authorized_keys on the host.")
    return joined("\n", lines)
