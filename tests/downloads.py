"""A real HTTP server that gives files: with ranges or without, cut off at a byte, or by way of another address.

with file_server(content) as server:
    server.url, server.requests
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PIECE = 65536


@dataclass
class FileServer:
    """What is given at any path. `cut`: after how many bytes each connection ends, with chance `random` in between;
    and after how many seconds of `pause`; `to`: where it redirects to; `status` instead of the file."""

    content: bytes = b""
    ranges: bool = True
    length: bool = True
    cut: int | None = None
    pause: float = 0
    random: random.Random | None = None
    to: str = ""
    status: int = 0
    size: int = 0
    url: str = ""
    requests: list[dict[str, str]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def total(self) -> int:
        """Bytes of the file; where `size` is set, it has as many zeros."""
        return self.size or len(self.content)

    def fetches(self) -> list[dict[str, str]]:
        """The requests for more than one byte."""
        return [each for each in self.requests if each.get("range") != "bytes=0-0"]


class _Handler(BaseHTTPRequestHandler):
    served: FileServer

    def do_GET(self) -> None:
        served = self.served
        sent = {name.lower(): value for name, value in self.headers.items()}
        served.requests.append({**sent, "path": self.path})
        if served.to or served.status:
            self.send_response(served.status or 302)
            if served.to:
                self.send_header("Location", served.to)
            self.send_header("Content-Length", "6")
            self.end_headers()
            self.wfile.write(b"moved\n")
            return
        first, last, total = 0, served.total - 1, served.total
        asked = sent.get("range", "") if served.ranges else ""
        if asked:
            begin, _, end = asked.removeprefix("bytes=").partition("-")
            first, last = int(begin), min(int(end or total), total - 1)
            if first > last:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{total}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{last}/{total}")
        if served.length:
            self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        self.send(first, last + 1)

    def send(self, first: int, end: int) -> None:
        served, whole = self.served, end
        if served.cut is not None and end - first > 1:
            end = min(end, first + served.cut)
        if served.random is not None and end - first > 1:
            end = served.random.randint(first, end)
        zeros = bytes(PIECE)
        while first < end:
            step = min(PIECE, end - first)
            self.wfile.write(zeros[:step] if served.size else served.content[first : first + step])
            first += step
        if end < whole:
            served.closing.wait(served.pause)

    def log_message(self, *_: Any) -> None:
        pass

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, BrokenPipeError):
            self.close_connection = True


@contextmanager
def file_server(content: bytes = b"", **more: Any) -> Iterator[FileServer]:
    """One on a port of loopback of its own."""
    served = FileServer(content, **more)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"served": served}))
    served.url = f"http://127.0.0.1:{server.server_port}/files/model.safetensors"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
