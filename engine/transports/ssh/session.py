"""paramiko's protocol engine, tuned: fewer round trips, fewer system calls, no weak algorithms.

Importing this module imports paramiko, which costs more than anything else on the way to a host; so it is
imported when the first host is to be reached over SSH, and not before.
"""

from __future__ import annotations

import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from engine.transports.ssh.load_paramiko import load

paramiko = load()
common = paramiko.common

KEX = (
    "curve25519-sha256@libssh.org",
    "mlkem768x25519-sha256",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group14-sha256",
)
CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
)
MACS = (
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
)
HOST_KEYS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
QUICKACK = getattr(socket, "TCP_QUICKACK", None)
READ = 1 << 17
POLL = 0.5
"""Seconds between two looks of paramiko's thread at whether it was told to stop, once the user is logged in."""

# What paramiko logs as an error is raised here, with more said; without a handler Python would print it.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class BufferedSocket:
    """The socket under a session: reads in large pieces, acknowledges at once, and never blocks a write for
    longer than `silence` seconds. Wraps a socket, or a channel of another session."""

    def __init__(self, under: Any, silence: float) -> None:
        self.under = under
        self.silence = silence
        self._closed = False
        self._buffer = memoryview(b"")
        self._stalled: float | None = None
        self._plain = isinstance(under, socket.socket)
        self._tcp = self._plain and under.family in (socket.AF_INET, socket.AF_INET6)
        if self._tcp:
            under.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def recv(self, size: int) -> bytes:
        """Up to `size` bytes; empty at the end of the stream."""
        if not self._buffer:
            data = self.under.recv(READ)
            if self._tcp and QUICKACK is not None:
                # The kernel turns this off again by itself; without it, it holds acknowledgements back for 40 ms.
                self.under.setsockopt(socket.IPPROTO_TCP, QUICKACK, 1)
            if len(data) <= size:
                return bytes(data)
            self._buffer = memoryview(data)
        piece, self._buffer = self._buffer[:size], self._buffer[size:]
        return bytes(piece)

    def send(self, data: bytes) -> int:
        """Write what fits. Raises TimeoutError to be called again, OSError where nothing fitted for too long."""
        try:
            sent = self.under.send(data)
        except TimeoutError:
            now = time.monotonic()
            self._stalled = self._stalled or now
            if now - self._stalled > self.silence:
                raise ConnectionResetError(104, "sending took too long") from None
            raise
        self._stalled = None
        return int(sent)

    def settimeout(self, seconds: float | None) -> None:
        self.under.settimeout(seconds)

    def getpeername(self) -> Any:
        return self.under.getpeername()

    def close(self) -> None:
        """Close, waking up who reads."""
        if self._closed:
            return
        self._closed = True
        if self._plain:
            try:
                self.under.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.under.close()


class Handler(paramiko.auth_handler.AuthOnlyHandler):  # type: ignore[misc,name-defined]
    """Sends authentication requests and remembers what the server said it accepts."""

    accepted: tuple[str, ...] = ()
    wanted = False

    def send_auth_request(
        self, username: str, method: str, finish_message: Callable[[Any], None] | None = None
    ) -> Any:
        """One request and its answer: [] where the user is in, the methods still needed where this one was
        right but not enough. Raises paramiko's exceptions."""
        self.auth_method, self.username = method, username
        message = paramiko.Message()
        message.add_byte(common.cMSG_USERAUTH_REQUEST)
        message.add_string(username)
        message.add_string("ssh-connection")
        message.add_string(method)
        if finish_message:
            finish_message(message)
        # Made before the request is sent: the answer may be here before the next line is reached.
        self.auth_event = answered = threading.Event()
        with self.transport.lock:
            self.transport._send_message(message)
        return self.wait_for_response(answered)

    def _parse_userauth_failure(self, m: Any) -> None:
        at = m.packet.tell()
        self.accepted = tuple(m.get_list())
        m.packet.seek(at)
        super()._parse_userauth_failure(m)

    def probe(self, username: str, algorithm: str, blob: bytes) -> bool:
        """Would the server accept a signature of this public key? Asked before a passphrase is."""

        def finish(message: Any) -> None:
            message.add_boolean(False)
            message.add_string(algorithm)
            message.add_string(blob)

        self.wanted = False
        try:
            self.send_auth_request(username, "publickey", finish)
        except paramiko.AuthenticationException:
            pass
        return self.wanted

    def _parse_userauth_info_request(self, m: Any) -> None:
        # The same number means `this key will do` after a public key, and a question after keyboard-interactive.
        if self.auth_method == "publickey":
            self.wanted = True
            self.auth_event.set()
        else:
            super()._parse_userauth_info_request(m)


def _channel_request(channel: Any, message: Any) -> None:
    """What a server tells of a channel. paramiko drops `exit-signal`: a program that a signal ended."""
    at = message.packet.tell()
    if message.get_text() == "exit-signal":
        message.get_boolean()
        number = getattr(signal, f"SIG{message.get_text()}", 0)
        channel.exit_status = 128 + number
        channel.status_event.set()
        return
    message.packet.seek(at)
    channel._handle_request(message)


class Session(paramiko.ServiceRequestingTransport):  # type: ignore[misc,name-defined]
    """One SSH connection. `key_algorithms` are the host key algorithms to offer, in order; `limits` those that
    the configuration allows; `disconnect_reason` is what the server said when it ended the connection."""

    _channel_handler_table: ClassVar[dict[int, Any]] = {
        **paramiko.Transport._channel_handler_table,
        common.MSG_CHANNEL_REQUEST: _channel_request,
    }

    def __init__(
        self, buffered: BufferedSocket, key_algorithms: Sequence[str], limits: Mapping[str, tuple[str, ...]]
    ) -> None:
        super().__init__(buffered)
        self.key_algorithms = tuple(name for name in key_algorithms if name in self._key_info)
        self._preferred_kex = _limited(KEX, self._kex_info, limits.get("kexalgorithms"))
        self._preferred_ciphers = _limited(CIPHERS, self._cipher_info, limits.get("ciphers"))
        self._preferred_macs = _limited(MACS, self._mac_info, limits.get("macs"))
        self._preferred_pubkeys = _limited(HOST_KEYS, self._key_info, limits.get("pubkeyacceptedalgorithms"))
        self.buffered = buffered
        self.disconnect_reason = ""
        self._handler: Handler | None = None

    @property
    def handler(self) -> Handler:
        """Who authenticates; asks for the service when first used."""
        if self._handler is None:
            self.ensure_session()
        assert self._handler is not None
        return self._handler

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """As given: paramiko would offer certificates after plain keys, and those to everybody."""
        return self.key_algorithms

    def handshake(self, timeout: float) -> None:
        """Agree on keys. Raises TimeoutError after `timeout` seconds, else what paramiko raises."""
        self.banner_timeout = timeout + 1
        self.auth_timeout = timeout
        # The time is watched here; paramiko's own timer would be one more thread, and outlive a failure.
        self.packetizer.start_handshake = lambda _: None
        done = threading.Event()
        self.start_client(event=done)
        if not done.wait(timeout):
            raise TimeoutError
        if not self.active or not self.initial_kex_done:
            raise self.get_exception() or EOFError()

    def ensure_session(self) -> None:
        """Ask for the authentication service, once, without waiting for the answer: the request that follows is
        read after it anyway, and a server that refuses the service ends the connection."""
        if not self.active or not self.initial_kex_done:
            raise paramiko.SSHException("the connection is closed")
        if self._handler is None:
            message = paramiko.Message()
            message.add_byte(common.cMSG_SERVICE_REQUEST)
            message.add_string("ssh-userauth")
            self.auth_handler = self._handler = Handler(self)
            self._send_message(message)

    def _parse_disconnect(self, m: Any) -> None:
        at = m.packet.tell()
        m.get_int()
        self.disconnect_reason = m.get_text()
        m.packet.seek(at)
        super()._parse_disconnect(m)

    def after_login(self, alive_interval: float) -> None:
        """Check the clock less often from now on; send a keepalive every `alive_interval` seconds of quiet."""
        self.buffered.settimeout(POLL)
        self.set_keepalive(alive_interval)

    def close_and_join(self) -> None:
        """Close, and wait until paramiko's threads are gone."""
        self.close()
        self.buffered.close()
        if self.is_alive() and self is not threading.current_thread():
            self.join(5)


def _limited(supported: Sequence[str], known: dict[str, Any], allowed: tuple[str, ...] | None) -> tuple[str, ...]:
    """Those of the supported algorithms that this paramiko has and the user's configuration allows."""
    return tuple(name for name in supported if name in known and (allowed is None or name in allowed))
