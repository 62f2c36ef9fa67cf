"""The HTTP side of the stand-in: requests, answers, middlewares, routes. Standard library only.

As in ComfyUI, a custom node finds the running server at `PromptServer.instance` and may put a middleware in front
of every route. Without one, everybody is served.
"""

from __future__ import annotations

import json
import socketserver
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit


@dataclass
class Request:
    """`query` holds the first value of each parameter, empty ones included."""

    method: str
    path: str
    query: dict[str, str]
    headers: Any
    body: bytes


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


class PromptServer:
    """One per process: routes by method and path (a path ending in `/` takes all below it), and middlewares."""

    instance: ClassVar[PromptServer]

    def __init__(self) -> None:
        PromptServer.instance = self
        self.routes: dict[tuple[str, str], Handler] = {}
        self.middlewares: list[Middleware] = []

    def answer(self, request: Request) -> Response:
        handler: Handler = self.route
        for middleware in reversed(self.middlewares):
            handler = lambda r, m=middleware, inner=handler: m(r, inner)  # noqa: E731
        try:
            return handler(request)
        except Exception:
            traceback.print_exc()
            return Response(b"500 Internal Server Error", 500, "text/plain")

    def route(self, request: Request) -> Response:
        handler = self.routes.get((request.method, request.path))
        parent = request.path.rpartition("/")[0] + "/"
        if handler is None and parent != "/":
            handler = self.routes.get((request.method, parent))
        return handler(request) if handler else Response(b"404: Not Found", 404, "text/plain")

    def serve(self, port: int) -> None:
        """Listen on every address until the process ends."""
        application = self

        class Connection(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_request(self) -> None:
                parts = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                response = application.answer(Request(self.command, parts.path, query, self.headers, body))
                data = response.data()
                self.send_response(response.status)
                for name, value in {"Content-Type": response.kind, **response.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            do_GET = do_POST = do_HEAD = handle_request

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Listener(ThreadingHTTPServer):
            def server_bind(self) -> None:
                # HTTPServer looks its own name up here, which takes seconds where there is no name server.
                socketserver.TCPServer.server_bind(self)
                self.server_name, self.server_port = "comfyui", port

        with Listener(("", port), Connection) as listener:
            print(f"To see the GUI go to: http://0.0.0.0:{port}", file=sys.stderr, flush=True)
            listener.serve_forever()
