"""A real HTTP server on loopback whose every answer is scripted byte by byte, also those that break the rules."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    """What came in: `headers` with names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reset:
    """Instead of an answer: read the request, then cut the connection with a RST."""


@dataclass(frozen=True)
class Silence:
    """Instead of an answer: nothing for so many seconds, then the end of the connection (an empty reply)."""

    seconds: float = 0.0


Answer = bytes | Reset | Silence


def answer(
    status: int = 200, body: bytes | str = b"", *headers: str, kind: str = "application/json", length: bool = True
) -> bytes:
    """An HTTP/1.1 answer; without `length` its end is the end of the connection."""
    body = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {kind}", *headers, "Connection: close"]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@dataclass
class Web:
    """Answers in turn; the last one goes on for ever. `requests` are those that came, in order."""

    url: str
    port: int
    script: deque[Answer] = field(default_factory=deque)
    requests: list[Request] = field(default_factory=list)

    def says(self, *answers: Answer) -> None:
        """Replace what is still to be answered."""
        self.script.clear()
        self.script.extend(answers)
        self.requests.clear()

    def serve(self, peer: socket.socket) -> None:
        peer.settimeout(10)
        with peer:
            request = _read(peer)
            if request is None:
                return
            self.requests.append(request)
            said = self.script.popleft() if len(self.script) > 1 else self.script[0]
            if isinstance(said, bytes):
                peer.sendall(said)
            elif isinstance(said, Silence):
                time.sleep(said.seconds)
            else:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _read(peer: socket.socket) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = peer.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("utf-8", "surrogateescape").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("expect") == "100-continue":
        peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    while len(body) < int(headers.get("content-length", "0")):
        body += peer.recv(65536)
    return Request(method, target, headers, body)


@contextmanager
def web(*answers: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Web]:
    """A server that runs while the block does."""
    with socket.create_server(("127.0.0.1", 0), backlog=20) as listener:
        port = listener.getsockname()[1]
        served = Web(f"{'https' if tls else 'http'}://127.0.0.1:{port}", port)
        served.says(*answers or (answer(),))

        def accept() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=_quietly, args=(served, peer, tls), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield served
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def _quietly(served: Web, peer: socket.socket, tls: ssl.SSLContext | None) -> None:
    try:
        served.serve(tls.wrap_socket(peer, server_side=True) if tls else peer)
    except OSError:
        pass  # the client went away, which is its right
