"""Becoming another user: output in every order in which two streams of one program may arrive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import pytest

from engine.errors import BecomeRefused
from engine.model import Become, Output
from engine.transports.become import BUFFER, READY, BecomeTransport

Stream = Literal["stdout", "stderr"]
MB = 1 << 20


class Arriving:
    """A transport on which pieces arrive in a given order; `None` is the word that the program has begun."""

    def __init__(self, pieces: Iterable[tuple[Stream, bytes] | None]) -> None:
        self.pieces = pieces

    def run(self, argv: Sequence[str], stdin: Iterable[bytes]) -> Iterator[Output]:
        word = argv[argv.index(READY) + 2].encode() + b"\n"
        for stream, data in (("stdout", word) if piece is None else piece for piece in self.pieces):
            yield Output(stream, data)
        yield Output("exit", status=0)

    def close(self) -> None:
        pass


def heard(pieces: Iterable[tuple[Stream, bytes] | None]) -> dict[str, bytes]:
    transport = BecomeTransport(Arriving(pieces), "h", Become(everything=True))
    found = {"stdout": b"", "stderr": b"", "exit": b""}
    for piece in transport.run(["cat"], ()):
        found[piece.stream] += piece.data
    return found


def test_standard_error_may_be_read_before_the_word_that_the_program_has_begun() -> None:
    found = heard([("stderr", b"e" * MB), None, ("stderr", b"e" * MB), ("stdout", b"o" * MB)])
    assert (len(found["stderr"]), len(found["stdout"])) == (2 * MB, MB)


def test_what_prints_without_end_and_begins_nothing_is_refused() -> None:
    endless: Iterator[tuple[Stream, bytes] | None] = (("stderr", b"?" * MB) for _ in range(4 * BUFFER // MB))
    with pytest.raises(BecomeRefused, match="nothing was run: sudo does not stop printing"):
        heard(endless)
    assert next(endless, None) is not None, "read on"
