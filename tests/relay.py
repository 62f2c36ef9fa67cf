"""A TCP relay between a client and a server that can misbehave on request.

with Relay("127.0.0.1", sshd.port) as relay:
    host = sshd.host(ansible_port=relay.port)
    relay.delay = 0.05           # seconds, each way
    relay.cut_after(10_000)      # close both ends once so many bytes went through, both ways together
    relay.silence()              # keep the connections, pass nothing on any more
    relay.cut()                  # close what is open, now
"""

from __future__ import annotations

import collections
import selectors
import socket
import threading
import time
from dataclasses import dataclass, field


@dataclass(eq=False)
class _End:
    """One end of a connection; `queue` holds what is to be written to it: (due, data), b"" for end of stream."""

    socket: socket.socket
    other: _End | None = None
    queue: collections.deque[tuple[float, bytes]] = field(default_factory=collections.deque)
    waiting: int = 0
    ended: bool = False


class Relay:
    """Listens on a loopback port of its own, `listen` where one is given; `delay` in seconds for each direction.
    One thread, however many connections."""

    HELD = 1 << 22

    def __init__(
        self, host: str, port: int, *, delay: float = 0.0, address: str = "127.0.0.1", listen: int = 0
    ) -> None:
        self.target = (host, port)
        self.delay = delay
        self.passed = 0
        self.accepted = 0
        self._limit: int | None = None
        self._silent = False
        self._ends: set[_End] = set()
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server((address, listen), backlog=200)
        self._listener.setblocking(False)
        self.address, self.port = self._listener.getsockname()[:2]
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._stopping = False
        self._thread = threading.Thread(target=self._serve, name="relay", daemon=True)

    def __enter__(self) -> Relay:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self._thread.join()
        self.cut()
        self._listener.close()
        self._selector.close()

    def silence(self, silent: bool = True) -> None:
        """Pass nothing on any more, in either direction; connections stay open. `False`: go on."""
        self._silent = silent

    def cut_after(self, size: int | None) -> None:
        """Cut as soon as `size` more bytes have passed, both directions together; None: never."""
        self._limit = None if size is None else self.passed + size

    def cut(self) -> None:
        """Close both ends of every open connection with a reset."""
        with self._lock:
            for end in list(self._ends):
                self._drop(end)

    def _drop(self, end: _End) -> None:
        for one in (end, end.other):
            if one is not None and one in self._ends:
                self._ends.discard(one)
                try:
                    self._selector.unregister(one.socket)
                except (KeyError, ValueError):
                    pass
                # Linger with 0 seconds: the peer sees a reset, as from a router that forgot the connection.
                one.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                one.socket.close()

    def _serve(self) -> None:
        while not self._stopping:
            for key, _ in self._selector.select(0.001 if self._due() else 0.02):
                with self._lock:
                    if key.data is None:
                        self._accept()
                    elif key.data in self._ends:
                        self._receive(key.data)
            with self._lock:
                for end in list(self._ends):
                    if end in self._ends:
                        self._deliver(end)

    def _due(self) -> bool:
        with self._lock:
            return not self._silent and any(end.queue for end in self._ends)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        try:
            server = socket.create_connection(self.target, 5)
        except OSError:
            client.close()
            return
        self.accepted += 1
        ends = (_End(client), _End(server))
        ends[0].other, ends[1].other = ends[1], ends[0]
        for end in ends:
            end.socket.setblocking(False)
            end.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._ends.add(end)
            self._selector.register(end.socket, selectors.EVENT_READ, end)

    def _receive(self, end: _End) -> None:
        other = end.other
        assert other is not None
        if end.ended or self._silent or other.waiting > self.HELD:
            # Not read: the sender's window fills, as on a real line. A pause keeps this thread from spinning.
            time.sleep(0.001)
            return
        try:
            data = end.socket.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            self._drop(end)
            return
        end.ended = not data
        if end.ended:
            self._selector.unregister(end.socket)
        other.queue.append((time.monotonic() + self.delay, data))
        other.waiting += len(data)

    def _deliver(self, end: _End) -> None:
        while end.queue and not self._silent and end.queue[0][0] <= time.monotonic():
            _, data = end.queue.popleft()
            try:
                if not data:
                    end.socket.shutdown(socket.SHUT_WR)
                    continue
                if self._limit is not None:
                    data = data[: max(0, self._limit - self.passed)]
                sent = end.socket.send(data)
            except BlockingIOError:
                end.queue.appendleft((0.0, data))
                return
            except OSError:
                self._drop(end)
                return
            self.passed += sent
            end.waiting -= sent
            if self._limit is not None and self.passed >= self._limit:
                self._limit = None
                self._drop(end)
                return
            if sent < len(data):
                end.queue.appendleft((0.0, data[sent:]))
                return
