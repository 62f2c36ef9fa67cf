"""A tar stream made while it is sent: flat memory, however much there is to send."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator, Sequence

from engine.model import SourceFile

BLOCK = 512
PIECE = 1 << 18


class TarStream:
    """The members given, as tar, read from disk while iterated over (once).

    members  (name in the archive, permission bits, content), content a file on the controller or bytes
    last     name and content of the last member; it is left out, and `problem` says why, where a file is not what
             it was when the plan was made, so the receiver can tell a whole stream by it
    """

    def __init__(self, members: Sequence[tuple[str, int, SourceFile | bytes]], last: tuple[str, bytes]) -> None:
        self.members, self.last = members, last
        self.problem = ""

    def __iter__(self) -> Iterator[bytes]:
        for name, mode, content in self.members:
            if isinstance(content, bytes):
                yield _header(name, mode, len(content)) + content + _padding(len(content))
            else:
                yield _header(name, mode, content.size)
                yield from self._file(content)
                if self.problem:
                    return
        name, value = self.last
        yield _header(name, 0o600, len(value)) + value + _padding(len(value)) + bytes(2 * BLOCK)

    def _file(self, source: SourceFile) -> Iterator[bytes]:
        digest, left = hashlib.sha256(), source.size
        try:
            with source.path.open("rb") as file:
                while piece := file.read(min(PIECE, left + 1)):
                    left -= len(piece)
                    if left < 0:
                        break
                    digest.update(piece)
                    yield piece
        except OSError as error:
            self.problem = f"{source.path}: cannot be read any more: {error.strerror}"
            return
        if left or digest.hexdigest() != source.digest:
            self.problem = f"{source.path}: changed while it was being sent; apply again"
            return
        if padding := _padding(source.size):
            # An empty piece would mean waiting for output.
            yield padding


def _header(name: str, mode: int, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.mode, info.size = mode, size
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _padding(size: int) -> bytes:
    return bytes(-size % BLOCK)
