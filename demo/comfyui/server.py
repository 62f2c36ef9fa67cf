"""The HTTP side of the stand-in: requests, answers, middlewares, routes. Standard library only.

As in ComfyUI, a custom node finds the running server at `PromptServer.instance` and may put a middleware in front
of every route. Without one, everybody is served.
"""

from __future__ import annotations

import json
import socket
import socketserver
import struct
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from settings import Settings


@dataclass
class Request:
    """`path` is decoded; `name` is its last part, decoded, too, with the slashes it holds. `query` holds the first
    value of each parameter, empty ones included."""

    method: str
    path: str
    name: str
    query: dict[str, str]
    headers: Any
    body: bytes

    def json(self) -> Any:
        """Raises ValueError where the body is no JSON."""
        return json.loads(self.body)


@dataclass
class Response:
    body: Any = b""
    status: int = 200
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    def data(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Handler = Callable[[Request], Response]
Middleware = Callable[[Request, Handler], Response]


def _behind(middleware: Middleware, handler: Handler) -> Handler:
    return lambda request: middleware(request, handler)


class PromptServer:
    """One per process: routes by method and path (a path ending in `/` takes what has one part more), and
    middlewares."""

    instance: ClassVar[PromptServer]

    def __init__(self, settings: Settings) -> None:
        PromptServer.instance = self
        self.settings = settings
        self.routes: dict[tuple[str, str], Handler] = {}
        self.middlewares: list[Middleware] = []
        self.ready = threading.Event()

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> Response:
        """Whatever happens is an answer: an exception is a 500, as plain text."""
        parts = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        parent, _, name = parts.path.rpartition("/")
        request = Request(method, unquote(parts.path), unquote(name), query, headers, body)
        handler: Handler = lambda request: self.route(request, parts.path, f"{parent}/")  # noqa: E731
        for middleware in reversed(self.middlewares):
            handler = _behind(middleware, handler)
        try:
            return handler(request)
        except Exception:
            traceback.print_exc()
            return Response(b"500 Internal Server Error\n\nServer got itself in trouble", 500, "text/plain")

    def route(self, request: Request, path: str, parent: str) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        for known in (path, parent):
            if handler := known != "/" and self.routes.get((method, known)):
                return handler(request)
        if method == "GET" and path == "/":
            return Response(b"<title>ComfyUI</title>", kind="text/html")
        if any(known in (path, parent) for _, known in self.routes):
            return Response(b"405: Method Not Allowed", 405, "text/plain")
        return Response(b"404: Not Found", 404, "text/plain")

    # --- connections -----------------------------------------------------------------------------------------

    def listen(self) -> socket.socket | None:
        """Where clients are not to be refused before the server is ready: listen, and hang up on each of them."""
        if self.settings.gap == "refused":
            return None
        listener = socket.create_server(("", self.settings.port), backlog=128)
        listener.settimeout(0.05)
        self.gap = threading.Thread(target=self.hang_up, args=(listener,), daemon=True)
        self.gap.start()
        return listener

    def hang_up(self, listener: socket.socket) -> None:
        while not self.ready.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            if self.settings.gap == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                connection.settimeout(0.5)
                connection.recv(65536)
            connection.close()

    def serve(self, listening: socket.socket | None) -> None:
        """Answer on every address until the process ends, at `listening` where that is there."""
        port = self.settings.port
        self.ready.set()
        with _Listener(("", port), _connection(self), bind_and_activate=listening is None) as listener:
            if listening is not None:
                self.gap.join()
                listening.settimeout(None)
                listener.socket.close()
                listener.socket = listening
            print(f"To see the GUI go to: http://0.0.0.0:{port}", file=sys.stderr, flush=True)
            listener.serve_forever()


class _Listener(ThreadingHTTPServer):
    request_queue_size = 128

    def server_bind(self) -> None:
        # HTTPServer looks its own name up here, which takes seconds where there is no name server.
        socketserver.TCPServer.server_bind(self)


def _connection(application: PromptServer) -> type[BaseHTTPRequestHandler]:
    class Connection(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_request(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            response = application.answer(self.command, self.path, self.headers, body)
            data = response.data()
            self.send_response(response.status)
            for name, value in {"Content-Type": response.kind, **response.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = handle_request

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Connection
