"""The way to a host: a TCP connection, a ProxyCommand, or a chain of hops; and a login at each."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, Any

from engine.codes import Code
from engine.errors import ConnectionLost, Unreachable
from engine.model import Outside, Sentence
from engine.transports import Options
from engine.transports.process import outer_environment
from engine.transports.ssh.auth import credentials_of, log_in
from engine.transports.ssh.certificates import CERT_SUFFIX
from engine.transports.ssh.config import Settings, Target, check_names
from engine.transports.ssh.credentials import Login
from engine.transports.ssh.forward import AgentForwarder
from engine.transports.ssh.host_keys import HostKeys, Presented
from engine.transports.ssh.resolver import Resolver
from engine.transports.ssh.session import HOST_KEYS, BufferedSocket, Session, paramiko

ALIVE = 15
"""Seconds of quiet after which something is said, so that no router forgets the connection."""
HOPS = 16


@dataclass
class Proxy:
    """A ProxyCommand that runs; `stderr` is what it printed to stderr."""

    process: subprocess.Popen[bytes]
    stderr: IO[bytes]

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.stderr.close()

    def text(self) -> str:
        self.stderr.seek(0)
        return self.stderr.read()[-2000:].decode(errors="replace").strip()


@dataclass
class Connection:
    """A session with a host, and what it goes through, nearest first."""

    settings: Settings
    session: Session
    through: list[Session | Proxy] = field(default_factory=list)
    forwarder: AgentForwarder | None = None

    def close(self) -> None:
        self.session.close_and_join()
        if self.forwarder is not None:
            self.forwarder.close()
        _close(self.through)


@contextmanager
def _report_cut(name: str, settings: Settings) -> Iterator[None]:
    """The end of a connection is noticed by whatever happens to be next."""
    try:
        yield
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise ConnectionLost(f"{name}: the connection to {settings.address} was cut during the login") from error


def _close(through: list[Session | Proxy]) -> None:
    for part in reversed(through):
        if isinstance(part, Proxy):
            part.close()
        else:
            part.close_and_join()


class Connector:
    """Leads to one host. `name` is the inventory's, for messages; `variables` its connection variables."""

    def __init__(self, name: str, options: Options, variables: Mapping[str, Any]) -> None:
        self.name = name
        self.options = options
        self.variables = variables
        self.through: list[Session | Proxy] = []
        self.visited: list[str] = []
        self._under: socket.socket | None = None
        self._aborted = False

    def abort(self) -> None:
        """Let `open`, which runs in another thread, fail now rather than wait any longer."""
        self._aborted = True
        under = self._under
        if under is not None:
            with suppress(OSError):
                under.shutdown(socket.SHUT_RDWR)

    def _take(self, under: socket.socket) -> None:
        """What all that is sent goes through, from here on."""
        self._under = under
        if self._aborted:
            under.close()
            raise Unreachable(f"{self.name}: stopped while connecting")

    def open(self, settings: Settings, target: Target) -> Connection:
        """Connect and log in. Raises Unreachable, HostKeyRefused, AuthenticationRefused; leaves nothing open."""
        password, passphrase = credentials_of(self.variables)
        login = Login(
            name=self.name,
            settings=settings,
            ask=self.options.prompt,
            password=password,
            passphrase=passphrase,
            named=target.identity,
        )
        try:
            via = self._hops(settings, target)
            session = self._session(settings, login, via)
        except BaseException:
            _close(self.through)
            self.through = []
            raise
        forwarder = AgentForwarder(settings.forwarded_agent) if settings.forwarded_agent else None
        return Connection(settings, session, self.through, forwarder)

    # --- hops

    def _hops(self, settings: Settings, target: Target) -> Session | None:
        """Log in at each hop of ProxyJump; the last session, None where there is no hop."""
        via: Session | None = None
        for position, hop in enumerate(settings.jumps):
            if hop in self.visited or len(self.visited) >= HOPS:
                raise Unreachable(
                    f"{self.name}: circular ProxyJump: {' → '.join([*self.visited, hop])}", code=Code.PROXY_JUMP
                )
            self.visited.append(hop)
            toward = hop_target(hop, target)
            on_the_way = Resolver(toward).settings()
            if position == 0:
                via = self._hops(on_the_way, toward)
            login = Login(f"{self.name} (via {hop})", on_the_way, ask=self.options.prompt)
            # Only the first hop is reached as its own configuration says; the next through the one before.
            session = self._session(on_the_way, login, via)
            self.through.append(session)
            via = session
        return via

    # --- one session

    def _session(self, settings: Settings, login: Login, via: Session | None) -> Session:
        buffered = BufferedSocket(self._socket(settings, login.name, via), self.options.silence)
        try:
            known = HostKeys(login.name, settings)
            session = Session(buffered, known.preferred(HOST_KEYS), settings.algorithms)
        except BaseException:
            buffered.close()
            raise
        try:
            self._handshake(session, settings, login.name)
            with _report_cut(login.name, settings):
                presented = _presented(session)
            known.check(
                presented,
                notice=self.options.notify,
                accept_new=self.options.accept_new or settings.accept_new or self._unchecked(),
            )
            with _report_cut(login.name, settings):
                log_in(session, login)
                session.after_login(settings.alive_interval or ALIVE)
        except BaseException:
            session.close_and_join()
            raise
        return session

    def _handshake(self, session: Session, settings: Settings, name: str) -> None:
        timeout = self.options.banner_timeout
        try:
            session.handshake(timeout)
        except TimeoutError:
            what = "did not finish the key exchange" if session.remote_version else "sent no SSH banner"
            raise Unreachable(
                f"{name}: {settings.address} accepted the connection but {what} in {timeout:g} s"
            ) from None
        except paramiko.ssh_exception.IncompatiblePeer as error:
            text = Sentence(f"{name}: {settings.address} shares no algorithm with this machine: ", Outside(error))
            raise Unreachable(text) from error
        except (paramiko.SSHException, OSError, EOFError) as error:
            what = "during the key exchange" if session.remote_version else "before any SSH banner"
            reason = session.disconnect_reason or (str(error) if session.remote_version else "")
            said = (": ", Outside(reason)) if reason else ()
            text = Sentence(f"{name}: {settings.address} closed the connection {what}", *said)
            proxy = next((part for part in self.through if isinstance(part, Proxy)), None)
            if proxy is not None and proxy.text():
                text = Sentence(text, "\n  its ProxyCommand printed: ", Outside(proxy.text()))
            raise Unreachable(text) from error

    # --- what a session runs over

    def _socket(self, settings: Settings, name: str, via: Session | None) -> Any:
        if via is not None:
            return self._channel(settings, name, via)
        if settings.proxy_command:
            if sys.platform == "win32":
                raise Unreachable(
                    f"{name}: ProxyCommand does not work from Windows; use ProxyJump, or run inside WSL",
                    code=Code.PROXY_JUMP,
                )
            return self._proxy(settings.proxy_command)
        return self._tcp(settings, name)

    def _unchecked(self) -> bool:
        """Whether the inventory turns host key checking off, by Ansible's name; here it never does more than let
        new keys in."""
        names = ("ansible_host_key_checking", "ansible_ssh_host_key_checking")
        values = [str(self.variables[name]).lower() for name in names if self.variables.get(name) is not None]
        return any(value in ("false", "no", "0", "off") for value in values)

    def _timeout(self, settings: Settings) -> float:
        return float(
            self.variables.get("ansible_timeout") or settings.connect_timeout or self.options.connect_timeout
        )

    def _tcp(self, settings: Settings, name: str) -> socket.socket:
        timeout = self._timeout(settings)
        deadline = time.monotonic() + timeout
        try:
            found = socket.getaddrinfo(settings.hostname, settings.port, settings.family, socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Unreachable(
                f"{name}: the name {settings.hostname} cannot be resolved: {_reason(error)}", code=Code.UNRESOLVED
            ) from error
        failure: Exception = OSError("it has no address")
        for family, kind, protocol, _, address in found:
            connection = socket.socket(family, kind, protocol)
            self._take(connection)
            try:
                connection.settimeout(max(0.1, deadline - time.monotonic()))
                if settings.bind:
                    connection.bind((settings.bind, 0))
                connection.connect(address)
                return connection
            except OSError as error:
                connection.close()
                failure = error
        if isinstance(failure, TimeoutError):
            raise Unreachable(
                f"{name}: no answer from {settings.address} in {timeout:g} s", code=Code.NO_ANSWER
            ) from failure
        if isinstance(failure, ConnectionRefusedError):
            raise Unreachable(
                f"{name}: {settings.address} refuses connections; nothing is listening", code=Code.NOTHING_LISTENS
            ) from failure
        raise Unreachable(f"{name}: cannot connect to {settings.address}: {_reason(failure)}") from failure

    def _channel(self, settings: Settings, name: str, via: Session) -> Any:
        timeout = self._timeout(settings)
        target = (settings.hostname, settings.port)
        try:
            return via.open_channel("direct-tcpip", target, ("127.0.0.1", 0), timeout=timeout)
        except paramiko.ChannelException as error:
            raise Unreachable(
                f"{name}: the hop before it cannot reach {settings.address}: {error.text}", code=Code.PROXY_JUMP
            ) from error
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise Unreachable(
                f"{name}: no answer from {settings.address} through the hop before it in {timeout:g} s",
                code=Code.PROXY_JUMP,
            ) from error

    def _proxy(self, command: str) -> socket.socket:
        import tempfile

        supported, theirs = socket.socketpair()
        said = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            process = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {command}"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=said,
                env=outer_environment(),
                start_new_session=True,
            )
        except BaseException:
            supported.close()
            said.close()
            raise
        finally:
            theirs.close()
        self.through.append(Proxy(process, said))
        self._take(supported)
        return supported


def hop_target(hop: str, origin: Target) -> Target:
    """A hop as ProxyJump writes it: `[user@]host[:port]` or a `ssh://` URI. Raises Unreachable."""
    found = re.fullmatch(r"(?:ssh://)?(?:([^@]*)@)?(\[[^]]+\]|[^:@]+)(?::(\d+))?/?", hop)
    if not found:
        raise Unreachable(
            f"{origin.name}: ProxyJump has a hop `{hop}`, expected [user@]host[:port]", code=Code.PROXY_JUMP
        )
    user, host, port = found.groups()
    try:
        check_names(host.strip("[]"), user)
    except ValueError as error:
        raise Unreachable(f"{origin.name}: ProxyJump has a hop `{hop}`: {error}", code=Code.PROXY_JUMP) from None
    return Target(
        name=f"{origin.name} (via {hop})",
        host=host.strip("[]"),
        port=int(port) if port else None,
        user=user or None,
        arguments=origin.configuration(),
        executable=origin.executable,
    )


def _presented(session: Session) -> Presented:
    key = session.get_remote_server_key()
    shown = getattr(key, "public_blob", None)
    certificate = shown.key_blob if shown is not None and shown.key_type.endswith(CERT_SUFFIX) else None
    return Presented(key.get_name(), key.asbytes(), certificate)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
