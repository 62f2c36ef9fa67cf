"""What a program prints, however it is cut on the way, becomes the same events."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import HostFailed
from engine.model import Output
from engine.program import parser as frames
from engine.program.parser import (
    TAIL,
    Beat,
    Done,
    Event,
    Finished,
    Hello,
    LockBusy,
    Parser,
    Skipped,
    Started,
    Stopped,
    Tail,
    Waited,
)

NONCE = "f00d" * 8


def marker(text: str) -> bytes:
    return f"\n#{NONCE} {text}\n".encode()


def fact(section: int, key: str, value: bytes) -> bytes:
    return marker(f"fact {section} {key}") + value + marker(".")


STDOUT = (
    b"Welcome to host!\n"
    + marker("hello 42 1234")
    + marker("start 0")
    + fact(0, "one", b"1\n\n#" + NONCE[:-1].encode() + b"x done\n")
    + fact(0, "twice", b"old")
    + fact(0, "twice", b"\xff\n")
    + marker("end 0 0 0")
    + b"stray bytes between the frames"
    + marker("skip 1 0")
    + marker("start 2")
    + fact(1, "late", b"of a section that is over")
    + marker("end 2 124 1")
    + marker("stopped")
    + marker("done")
)
STDERR = (b"banner" + marker("hello") + b"out of 0\n" + marker("end 0") + marker("live") + b"\xffof 2") + marker(
    "end 2"
)
SECTIONS = ("a", "b", "c")


def parse(pieces: list[Output], parser: Parser | None = None) -> list[Event]:
    parser = parser or Parser(NONCE, SECTIONS, clock=lambda: 0.0)
    return [event for piece in pieces for event in parser.feed(piece)]


def expected() -> list[Event]:
    one = {"one": f"1\n\n#{NONCE[:-1]}x done\n", "twice": "\udcff\n"}
    return [
        Hello(42, "1234"),
        Started("a"),
        Finished("a", frames.Result(0, one, "out of 0\n", False, 0.0)),
        Skipped("b", "a"),
        Started("c"),
        Finished("c", frames.Result(124, {}, "\ufffdof 2", True, 0.0)),
        Stopped(),
        Done(),
    ]


def test_whole() -> None:
    pieces = [Output("stdout", STDOUT), Output("stderr", STDERR + marker("done"))]
    assert parse(pieces) == expected()
    assert parse(pieces[::-1]) == expected()


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 60)), max_size=40))
def test_cut_anywhere(cuts: list[tuple[bool, int]]) -> None:
    streams = {"stdout": STDOUT, "stderr": STDERR + marker("done")}
    pieces = []
    for is_out, size in cuts:
        name = "stdout" if is_out else "stderr"
        pieces.append(Output(name, streams[name][:size]))
        streams[name] = streams[name][size:]
    pieces += [Output("stderr", streams["stderr"]), Output("stdout", streams["stdout"])]
    assert parse(pieces) == expected()


def test_byte_by_byte() -> None:
    out = [Output("stdout", bytes([byte])) for byte in STDOUT]
    err = [Output("stderr", bytes([byte])) for byte in STDERR + marker("done")]
    assert parse(out + err) == expected()


def test_a_section_ends_when_its_output_is_there() -> None:
    parser = Parser(NONCE, SECTIONS, clock=lambda: 0.0)
    assert parse([Output("stdout", STDOUT)], parser) == expected()[:2]
    assert parse([Output("stderr", STDERR)], parser) == expected()[2:-1]
    assert not parser.done
    assert parse([Output("stderr", marker("done"))], parser) == [Done()]
    assert parser.done


def test_output_that_never_comes() -> None:
    parser = Parser(NONCE, SECTIONS, clock=lambda: 0.0)
    parse([Output("stdout", STDOUT), Output("stderr", STDERR[: STDERR.index(b"of 2") + 4])], parser)
    assert list(parser.end()) == expected()[5:]
    assert parser.done


def test_a_beat_in_the_middle_of_a_value() -> None:
    stream = marker("start 0") + marker("fact 0 k") + b"before" + marker("beat") + b"after" + marker(".")
    stream += marker("end 0 0 0")
    events = parse([Output("stdout", stream), Output("stderr", marker("hello") + marker("end 0"))])
    assert events[1] == Beat()
    assert isinstance(events[2], Finished)
    assert events[2].result.facts == {"k": "beforeafter"}


def test_seconds_are_those_between_start_and_end() -> None:
    times: Iterator[float] = iter([10.0, 12.5])
    parser = Parser(NONCE, SECTIONS, clock=lambda: next(times))
    stream = marker("start 1") + marker("end 1 0 0")
    events = parse([Output("stdout", stream), Output("stderr", marker("end 1"))], parser)
    assert isinstance(events[1], Finished)
    assert events[1].result.seconds == 2.5


def test_locks() -> None:
    stream = marker("busy") + b"jesse@desk, since\nthen" + marker(".") + marker("waited")
    assert parse([Output("stdout", stream)]) == [LockBusy("jesse@desk, since\nthen"), Waited()]


def test_a_failure_is_kept() -> None:
    parser = Parser(NONCE, SECTIONS)
    parse([Output("stdout", marker("error") + b"no place" + marker("."))], parser)
    assert parser.failure == "no place"


def test_noise_is_kept_for_the_error() -> None:
    parser = Parser(NONCE, SECTIONS)
    parse([Output("stdout", b"This account is closed. "), Output("stderr", b"Go away.")], parser)
    list(parser.end())
    assert parser.noise.take() == "This account is closed. Go away."


@given(st.lists(st.binary(max_size=300), max_size=30), st.integers(1, 200))
def test_a_tail_is_the_end(pieces: list[bytes], limit: int) -> None:
    tail = Tail(limit)
    for piece in pieces:
        tail.add(piece)
        assert sum(map(len, tail.pieces)) < limit + 300
    assert tail.take() == b"".join(pieces)[-limit:].decode("utf-8", "replace")
    assert tail.take() == ""


def test_only_the_end_of_much_output_is_kept() -> None:
    parser = Parser(NONCE, SECTIONS)
    parse([Output("stdout", marker("start 0")), Output("stderr", marker("hello"))], parser)
    parse([Output("stderr", b"x" * 65536)] * 100, parser)
    events = parse([Output("stderr", b"end" + marker("end 0")), Output("stdout", marker("end 0 0 0"))], parser)
    assert isinstance(events[0], Finished)
    assert len(events[0].result.output) == TAIL
    assert events[0].result.output.endswith("xend")


def test_facts_without_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "FACTS_LIMIT", 1 << 20)
    parser = Parser(NONCE, SECTIONS)
    parse([Output("stdout", marker("start 1") + marker("fact 1 k"))], parser)
    with pytest.raises(HostFailed, match="b reported more than 1 MiB of facts"):
        parse([Output("stdout", b"x" * 65536)] * 100, parser)
