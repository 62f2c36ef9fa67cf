"""Cuts a stream of bytes into markers and payloads, in a time and a memory that grow with nothing but what comes."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence

TAIL = 64 * 1024
"""Bytes of a section's output that are kept: its end, where the error message stands."""
MARKER = 256
"""Bytes of a marker, from its `#` to its line break; what is longer is payload."""


class Scanner:
    """Cuts one stream into markers and payloads, and hands each on as soon as it is known."""

    def __init__(
        self, nonces: Sequence[str], marker: Callable[[str, list[str]], None], payload: Callable[[bytes], None]
    ) -> None:
        self.openings = tuple(b"\n#" + nonce.encode("ascii") + b" " for nonce in nonces)
        self.opening = re.compile(b"\n#(" + b"|".join(nonce.encode("ascii") for nonce in nonces) + b") ")
        self.longest = max(map(len, self.openings))
        self.marker, self.payload = marker, payload
        self.rest = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream, however they were cut on the way."""
        data = self.rest + data
        position = start = 0
        while (found := self.opening.search(data, start)) is not None:
            limit = found.start() + 1 + MARKER
            end = data.find(b"\n", found.end(), limit)
            if end < 0 and len(data) < limit:
                break
            start = found.end()
            if end >= 0:
                if found.start() > position:
                    self.payload(data[position : found.start()])
                self.marker(found[1].decode("ascii"), data[start:end].decode("utf-8", "replace").split(" "))
                position = start = end + 1
        keep = found.start() if found is not None else self._partial(data, start)
        if keep > position:
            self.payload(data[position:keep])
        self.rest = data[keep:]

    def end(self) -> None:
        """The stream is over: what looked like the beginning of a marker is payload."""
        rest, self.rest = self.rest, b""
        if rest:
            self.payload(rest)

    def _partial(self, data: bytes, position: int) -> int:
        """Where a marker may have begun in the last bytes of `data`; its length where none can have."""
        at = data.find(b"\n", max(position, len(data) - self.longest + 1))
        while at >= 0 and not any(opening.startswith(data[at:]) for opening in self.openings):
            at = data.find(b"\n", at + 1)
        return at if at >= 0 else len(data)


class Tail:
    """The last `limit` bytes of what was added."""

    def __init__(self, limit: int = TAIL) -> None:
        self.limit, self.size = limit, 0
        self.pieces: deque[bytes] = deque()

    def add(self, data: bytes) -> None:
        """Append, and forget what lies further back than the limit."""
        if not data:
            return
        self.pieces.append(data[-self.limit :])
        self.size += len(self.pieces[-1])
        while self.size - len(self.pieces[0]) >= self.limit:
            self.size -= len(self.pieces.popleft())

    def take(self, most: int = TAIL) -> str:
        """What is held, at most the last `most` bytes of it, as text; the tail is empty afterwards."""
        data = b"".join(self.pieces)[-min(self.limit, most) :]
        self.pieces.clear()
        self.size = 0
        return data.decode("utf-8", "replace")
