"""What `-vv` shows: the text of every program, before it is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from engine.model import Output, Progress, Transport
from engine.model.events import Note


class Traced:
    """A transport that reports the text of each program it is given, redacted, and of one that waited for facts. Bulk
    content after it is not shown.

    `name` is the host's. The text is redacted as a whole, for a secret may run over several of its lines.
    """

    def __init__(self, onward: Transport, name: str, redact: Callable[[str], str], progress: Progress) -> None:
        self.onward, self.name, self.redact, self.progress = onward, name, redact, progress

    def run(self, argv: Sequence[str], stdin: Iterable[bytes]) -> Iterator[Output]:
        """As the transport's own. The first piece of `stdin` is the program."""
        pieces = iter(stdin)
        program = next(pieces, b"")
        self._show(program.decode("utf-8", "surrogateescape"))
        return self.onward.run(argv, self._watched(program, pieces))

    def close(self) -> None:
        """As the transport's own."""
        self.onward.close()

    def _show(self, text: str) -> None:
        self.progress(Note(f"{self.name}: a program of {len(text)} characters"))
        for line in self.redact(text).rstrip("\n").split("\n"):
            self.progress(Note(f"  {line}"))

    def _watched(self, first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
        yield first
        waited = False
        for piece in rest:
            if waited and piece.startswith(b"#begin "):
                self._show(piece.decode("utf-8", "surrogateescape"))
            waited = not piece
            yield piece
