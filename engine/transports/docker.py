"""A container as a host, by the Docker engine's exec. The container is `ansible_host`, or the host's own name."""

from __future__ import annotations

import os
import select
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from typing import Any, Literal

from engine.codes import Code
from engine.errors import ConnectionLost, Unreachable
from engine.model import Host, Output, Outside, Sentence
from engine.transports import Options
from engine.transports.process import LINGER, PIECE

HEADER = 8
STREAMS = {1: "stdout", 2: "stderr"}
READ = 1 << 18
POLL = 1.0
"""Seconds of quiet after which the engine is asked whether the program has ended although its output is open."""


class DockerTransport:
    """Variables: ansible_host (container name or id), ansible_user (a user in the container), ansible_docker_host
    (the engine's URL; else DOCKER_HOST, else the current context of the docker command)."""

    def __init__(self, host: Host, options: Options) -> None:
        self.host = host
        self.options = options
        self.container = str(host.vars.get("ansible_host") or host.name)
        self._client: Any = None
        self._lock = threading.Lock()

    def run(self, argv: Sequence[str], stdin: Iterable[bytes]) -> Iterator[Output]:
        """See `Transport.run`. A program that is not in the container ends with 127, as in a shell."""
        import docker.errors
        import requests

        client = self._connected()
        try:
            identity = client.exec_create(
                self.container,
                list(argv),
                stdin=True,
                stdout=True,
                stderr=True,
                user=str(self.host.vars.get("ansible_user") or ""),
            )["Id"]
            stream = _Stream(client, identity)
        except docker.errors.NotFound as error:
            raise Unreachable(
                f"{self.host.name}: {self._where()} has no container `{self.container}`", code=Code.CONTAINER
            ) from error
        except docker.errors.APIError as error:
            text = str(error.explanation or error)
            if "exec failed" in text:
                yield Output("stderr", f"{text}\n".encode())
                yield Output("exit", status=127)
                return
            refusal = Sentence(f"{self.host.name}: cannot exec in container `{self.container}`: ", Outside(text))
            raise Unreachable(refusal, code=Code.CONTAINER) from error
        except requests.exceptions.RequestException as error:
            raise self._silent(error) from error
        conversation = _Conversation(stream, stdin, self.options.silence, self.host.name, self.container)
        try:
            yield from conversation.pieces()
        finally:
            stream.close()

    def _silent(self, error: Exception) -> Unreachable:
        text = f"{self.host.name}: {self._where()} does not answer: "
        return Unreachable(Sentence(text, Outside(error)), code=Code.CONTAINER)

    def _where(self) -> str:
        return f"the Docker engine at {self._url() or 'its default address'}"

    def _url(self) -> str | None:
        """The engine's address, None for the local default. Raises Unreachable."""
        url = self.host.vars.get("ansible_docker_host") or os.environ.get("DOCKER_HOST")
        if not url:
            from docker.context import ContextAPI

            context = ContextAPI.get_current_context()
            url = context.Host if context is not None else None
        if url and str(url).startswith("ssh://"):
            raise Unreachable(
                f"{self.host.name}: a Docker engine behind {url} cannot be used directly\n"
                "  Reach the machine with ansible_connection: ssh, or the container with ansible_connection:"
                " command and ansible_command_argv: [docker, exec, -i, NAME]",
                code=Code.CONTAINER,
            )
        return str(url) if url else None

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                import docker
                import docker.errors
                import docker.utils

                parameters = docker.utils.kwargs_from_env()
                url = self._url()
                if url:
                    parameters["base_url"] = url
                try:
                    self._client = docker.APIClient(version="auto", timeout=ceil(self.options.silence), **parameters)
                except docker.errors.DockerException as error:
                    raise self._silent(error) from error
            return self._client

    def close(self) -> None:
        """Close the connection to the engine; safe to call twice."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()


class _Stream:
    """The connection that the engine hands over to an exec: both ways bytes, outwards in frames."""

    def __init__(self, client: Any, identity: str) -> None:
        self.client = client
        self.identity = identity
        # What exec_start(socket=True) does; it would give the bare socket and lose what has been read ahead.
        self._response = client._post_json(
            client._url("/exec/{0}/start", identity),
            headers={"Connection": "Upgrade", "Upgrade": "tcp"},
            data={"Tty": False, "Detach": False},
            stream=True,
        )
        client._raise_for_status(self._response)
        file = self._response.raw._fp.fp
        self.socket: socket.socket = file.raw._sock
        self.socket.setblocking(False)
        self._ahead = self._read_ahead(file)

    @staticmethod
    def _read_ahead(file: Any) -> bytes:
        """Output that came in one packet with the answer's header, and is in the buffer of its reader."""
        try:
            return bytes(file.peek())
        except (BlockingIOError, ssl.SSLWantReadError):
            return b""

    def recv(self) -> bytes | None:
        """What has come; empty at the end; None where nothing has come."""
        if self._ahead:
            data, self._ahead = self._ahead, b""
            return data
        try:
            return self.socket.recv(READ)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except ssl.SSLEOFError:
            return b""

    def waiting(self) -> bool:
        """Is there something that select cannot see."""
        return bool(self._ahead) or (isinstance(self.socket, ssl.SSLSocket) and self.socket.pending() > 0)

    def send(self, data: memoryview) -> int:
        """How much of it went; 0 where nothing fits now. Raises OSError."""
        try:
            return self.socket.send(data)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0

    def end_input(self) -> None:
        """Say that no more input comes; output still does."""
        try:
            if isinstance(self.socket, ssl.SSLSocket):
                # Not blocking, this sends the notice and does not wait for the other side's.
                self.socket.unwrap()
            else:
                self.socket.shutdown(socket.SHUT_WR)
        except (ssl.SSLWantReadError, OSError):
            pass

    def status(self) -> int | None:
        """The exit status; None while the program runs."""
        state = self.client.exec_inspect(self.identity)
        return None if state["Running"] or state["ExitCode"] is None else int(state["ExitCode"])

    def close(self) -> None:
        """Close the connection; the program is left to itself."""
        self._response.close()
        self.socket.close()


class _Conversation:
    def __init__(self, stream: _Stream, stdin: Iterable[bytes], silence: float, name: str, container: str) -> None:
        self.stream = stream
        self.stdin = iter(stdin)
        self.silence = silence
        self.name = name
        self.container = container
        self.pending = memoryview(b"")
        self.feeding = True
        self.waiting = False
        self.buffer = bytearray()
        self.left = 0
        self.output: Literal["stdout", "stderr"] = "stdout"
        self.moved = time.monotonic()

    def pieces(self) -> Iterator[Output]:
        """What the program prints, then its exit status. Raises ConnectionLost."""
        looked = time.monotonic()
        while True:
            readable, writable = self._ready()
            if writable:
                self._feed()
            data = self._receive() if readable else None
            if data == b"":
                break
            if data:
                self.buffer += data
                for piece in self._frames():
                    yield piece
                    self.waiting = False
            now = time.monotonic()
            if readable or writable:
                self.moved = looked = now
            elif now - self.moved > self.silence:
                raise ConnectionLost(
                    f"{self.name}: no output from container {self.container} for {self.silence:g} s; gave up",
                    code=Code.CONTAINER,
                )
            elif now - looked > POLL:
                looked = now
                if self._asked() is not None and now - self.moved > LINGER:
                    break
        if self.waiting:
            # What it waits for will not come.
            self.stream.end_input()
        yield Output("exit", status=self._status())

    def _ready(self) -> tuple[bool, bool]:
        connection = self.stream.socket
        feeding = self.feeding and not self.waiting
        wait = 0.0 if self.stream.waiting() else POLL / 4
        if sys.platform == "win32":
            raise NotImplementedError
        # poll, since a file number may be beyond what select takes.
        poll = select.poll()
        poll.register(connection, select.POLLIN | (select.POLLOUT if feeding else 0))
        events = dict(poll.poll(wait * 1000)).get(connection.fileno(), 0)
        readable = bool(events & (select.POLLIN | select.POLLHUP | select.POLLERR)) or wait == 0.0
        return readable, bool(events & select.POLLOUT) and feeding

    def _feed(self) -> None:
        try:
            if not self.pending:
                self.pending = memoryview(next(self.stdin))
                self.waiting = not self.pending
            if self.waiting:
                return
            self.pending = self.pending[self.stream.send(self.pending[:PIECE]) :]
        except StopIteration:
            self.feeding = False
            self.stream.end_input()
        except OSError:
            # The program closed its input or has ended; its output says the rest.
            self.feeding = False

    def _receive(self) -> bytes | None:
        try:
            return self.stream.recv()
        except OSError as error:
            raise ConnectionLost(
                Sentence(f"{self.name}: the connection to container {self.container} was cut: ", Outside(error)),
                code=Code.CONTAINER,
            ) from error

    def _frames(self) -> Iterator[Output]:
        """What has come, out of the engine's frames: however large one claims to be, none of it is kept."""
        while self.buffer and (self.left or len(self.buffer) >= HEADER):
            if not self.left:
                self.output = "stderr" if STREAMS.get(self.buffer[0]) == "stderr" else "stdout"
                self.left = int.from_bytes(self.buffer[4:HEADER], "big")
                del self.buffer[:HEADER]
            data = bytes(self.buffer[: self.left])
            del self.buffer[: len(data)]
            self.left -= len(data)
            if data:
                yield Output(self.output, data)

    def _asked(self) -> int | None:
        import docker.errors
        import requests

        try:
            return self.stream.status()
        except (docker.errors.APIError, requests.exceptions.RequestException) as error:
            text = Sentence(f"{self.name}: container {self.container} is gone: ", Outside(error))
            raise ConnectionLost(text, code=Code.CONTAINER) from error

    def _status(self) -> int:
        deadline = time.monotonic() + self.silence
        while time.monotonic() < deadline:
            status = self._asked()
            if status is not None:
                return status
            time.sleep(0.01)
        raise ConnectionLost(
            f"{self.name}: the program in container {self.container} does not end", code=Code.CONTAINER
        )
