"""Cuts a stream of bytes into markers and payloads, in a time and a memory that grow with nothing but what comes."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

TAIL = 64 * 1024
"""Bytes of a section's output that are kept: its end, where the error message stands."""
MARKER = 256
"""Bytes of a marker, from its `#` to its line break; what is longer is payload."""


class Marker(NamedTuple):
    """A marker: whose, and its words."""

    nonce: str
    words: list[str]


class Scanner:
    """Cuts one stream into markers and payloads, each as soon as it is known."""

    def __init__(self, nonces: Sequence[str]) -> None:
        self.openings = tuple(b"\n#" + nonce.encode("ascii") + b" " for nonce in nonces)
        self.opening = re.compile(b"\n#(" + b"|".join(nonce.encode("ascii") for nonce in nonces) + b") ")
        self.longest = max(map(len, self.openings))
        self.rest = b""

    def feed(self, data: bytes) -> list[Marker | bytes]:
        """Take the next bytes of the stream, however they were cut on the way: the markers in them, and what is
        between these."""
        parts: list[Marker | bytes] = []
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
                    parts.append(data[position : found.start()])
                words = data[start:end].decode("utf-8", "replace").split(" ")
                parts.append(Marker(found[1].decode("ascii"), words))
                position = start = end + 1
        keep = found.start() if found is not None else self._partial(data, start)
        if keep > position:
            parts.append(data[position:keep])
        self.rest = data[keep:]
        return parts

    def end(self) -> bytes:
        """The stream is over: what looked like the beginning of a marker is payload."""
        rest, self.rest = self.rest, b""
        return rest

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
