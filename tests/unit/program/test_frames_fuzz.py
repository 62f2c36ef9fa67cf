"""100,000 streams of frames that went wrong: each ends in events, or in one clear error; a sample without --full."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from engine.errors import ConnectionLost, HostFailed, LockHeld
from engine.model import DeclaredResource, Host, Output, Script
from engine.program.compose import run
from engine.program.deadline import Limits
from engine.program.events import Event, Finished, Hello, LockBusy, Skipped, Started
from engine.program.parser import SENTENCE, TAIL
from engine.program.section import Lock, Program, Section
from engine.run.connection import HostConnection
from tests.integration.test_runner import Note, silent

STREAMS, SAMPLE = 100_000, 3_000
SEED = 20_260_101
NONCE, INNER = "f00d" * 8, "beef" * 8
NAMES = ("probe:a", "act:a:0", "probe:b", "probe:c")
PROGRAM = Program(
    ("sh",), b"#begin\n", NONCE, NAMES, {INNER: frozenset({1, 3})}, Limits(1, dict.fromkeys(NAMES, 30.0), 1)
)
Piece = tuple[str, bytes]
ODD = [
    "", "-1", "1e3", "0x1", "٣", "4294967296", "9" * 250, "1_0", " ", "a/b", "k" * 240,
    "\0", "\x1b[2J", "é" * 50, "nan",
]  # fmt: skip
WORDS = ["hello", "start", "end", "fact", "skip", "busy", "error", "waited", "stopped", "done", ".", "beat", "live"]


class Said:
    """A transport that plays a stream."""

    def __init__(self, pieces: Callable[[str], list[Output]]) -> None:
        self.pieces = pieces

    def run(self, argv: Sequence[str], stdin: Iterable[bytes]) -> Iterator[Output]:
        first = next(iter(stdin)).split(b"\n", 1)[0].decode()
        yield from self.pieces(first.removeprefix("#begin ").removeprefix("#begin") or NONCE)
        raise ConnectionLost("the connection was cut")

    def close(self) -> None: ...


def frame(text: str, nonce: str = NONCE) -> bytes:
    return f"\n#{nonce} {text}\n".encode()


def whole(rng: random.Random) -> list[Piece]:
    """A stream as a program sends it, in pieces that belong together."""
    found: list[Piece] = [("stdout", frame("hello 42 7")), ("stderr", frame("hello"))]
    if rng.random() < 0.2:
        found += [("stdout", frame("busy") + b"somebody" + frame(".")), ("stdout", frame("waited"))]
    for n in range(len(NAMES)):
        if n and rng.random() < 0.2:
            found.append(("stdout", frame(f"skip {n} {rng.randrange(n)}")))
            continue
        found.append(("stdout", frame(f"start {n}")))
        for _ in range(rng.randrange(3)):
            nonce = INNER if n in (1, 3) and rng.random() < 0.5 else NONCE
            value = bytes(rng.randrange(256) for _ in range(rng.randrange(20)))
            found.append(("stdout", frame(f"fact {n} k{rng.randrange(3)}", nonce) + value + frame(".", nonce)))
        found += [("stdout", frame("beat"))] if rng.random() < 0.3 else []
        found += [("stderr", b"out of it\n" * rng.randrange(4)), ("stderr", frame(f"end {n}"))]
        found.append(("stdout", frame(f"end {n} {rng.choice([0, 0, 1, 124])} {rng.choice('001')}")))
    return [*found, ("stderr", frame("done")), ("stdout", frame("done"))]


def spoilt(rng: random.Random, pieces: list[Piece]) -> list[Piece]:
    """The same after some accidents."""
    for _ in range(rng.randrange(1, 5)):
        if not pieces:
            break
        at = rng.randrange(len(pieces))
        stream, data = pieces[at]
        cut = rng.randrange(len(data) + 1)
        match rng.randrange(9):
            case 0:
                del pieces[at]
            case 1:
                pieces.insert(at, pieces[rng.randrange(len(pieces))])
            case 2:
                pieces[at] = (stream, data[:cut])
            case 3:
                pieces[at] = (stream, data[:cut] + bytes([rng.randrange(256)]) + data[cut + 1 :])
            case 4:
                other = rng.randrange(len(pieces))
                pieces[at], pieces[other] = pieces[other], pieces[at]
            case 5:
                words = [rng.choice(WORDS), *rng.choices(["0", "1", "3", *ODD], k=rng.randrange(4))]
                pieces.insert(at, (stream, frame(" ".join(words), rng.choice([NONCE, INNER]))))
            case 6:
                pieces[at] = ("stderr" if stream == "stdout" else "stdout", data)
            case 7:
                pieces.insert(at, (stream, data[:cut] + b"x" * rng.choice([1, 300, 5000])))
            case 8:
                del pieces[at:]
    return pieces


def as_sent(rng: random.Random, pieces: list[Piece]) -> list[Output]:
    """Cut on the way; the two streams keep no step."""
    sent: list[Output] = []
    for stream, data in pieces:
        while data:
            size = rng.choice([1, 7, 60, 4096])
            sent.append(Output(stream, data[:size]))  # type: ignore[arg-type]
            data = data[size:]
    if rng.random() < 0.3:
        sent.sort(key=lambda output: output.stream)
    if rng.random() < 0.7:
        sent.append(Output("exit", status=rng.choice([0, 1, 97, 127, 255])))
    return sent


def events_of(pieces: list[Output]) -> tuple[list[Event], str]:
    events: list[Event] = []
    try:
        for event in run(Said(lambda nonce: pieces), PROGRAM):
            events.append(event)
    except (HostFailed, ConnectionLost) as error:
        return events, str(error)
    return events, ""


def check(events: list[Event], error: str) -> None:
    """What holds of whatever comes."""
    assert len(error) < SENTENCE + 1000
    begun = [NAMES.index(event.section) for event in events if isinstance(event, Started | Skipped)]
    assert begun == sorted(set(begun))
    ended = [event.section for event in events if isinstance(event, Finished)]
    assert len(ended) == len(set(ended))
    assert set(ended) <= {event.section for event in events if isinstance(event, Started)}
    for event in events:
        match event:
            case Finished(_, result):
                assert 0 <= result.status < 1000
                assert len(result.output) <= TAIL
                assert all(isinstance(value, str) for value in result.facts.values())
            case Hello(pid, _):
                assert 0 <= pid < 10**10
            case LockBusy(holder):
                assert len(holder) <= SENTENCE


def test_streams(full: bool) -> None:
    began, failed = time.monotonic(), 0
    count = STREAMS if full else SAMPLE
    for n in range(count):
        rng = random.Random(SEED + n)  # noqa: S311
        pieces = spoilt(rng, whole(rng))
        try:
            events, error = events_of(as_sent(rng, pieces))
            check(events, error)
        except Exception as problem:
            raise AssertionError(f"stream {SEED + n}: {pieces}") from problem
        failed += bool(error)
    assert 0.2 < failed / count < 0.95, "they are all alike"
    assert (time.monotonic() - began) / count < 0.02


def test_whole_ones_are_read(full: bool) -> None:
    """What is spoilt above was well before, however it is cut."""
    for n in range(2000 if full else 200):
        rng = random.Random(SEED + n)  # noqa: S311
        events, error = events_of(as_sent(rng, whole(rng)))
        assert not error
        check(events, error)


def test_hosts_that_send_them(full: bool, tmp_path: Path) -> None:
    """The same where they arrive: a run of a host ends in what was seen, or in one error of the engine's own."""
    resources = [DeclaredResource(name, Note(str(tmp_path / name), "x")) for name in "abc"]
    sections = [Section(name, Script(":"), step=name.startswith("act")) for name in NAMES]
    observed = 0
    for n in range(3000 if full else 200):
        rng = random.Random(SEED + n)  # noqa: S311
        pieces = spoilt(rng, whole(rng))

        def played(nonce: str, rng: random.Random = rng, pieces: list[Piece] = pieces) -> list[Output]:
            renamed = [(stream, data.replace(NONCE.encode(), nonce.encode())) for stream, data in pieces]
            return as_sent(rng, renamed)

        transport = Said(played)
        reach = HostConnection(Host("here"), transport, transport, silent)
        try:
            seen = reach.run_sections(sections, Lock("me", 1.0), ["a"])
        except (HostFailed, ConnectionLost, LockHeld):
            continue
        observed += 1
        for observation in seen.observations(resources).values():
            assert observation.error or isinstance(observation.facts, dict)
    assert observed > 10


@pytest.mark.parametrize("size", [1, 2, 61])
def test_however_they_are_cut(size: int) -> None:
    """Spoilt or not, the same bytes mean the same."""
    for n in range(40):
        rng = random.Random(SEED + n)  # noqa: S311
        pieces = spoilt(rng, whole(rng))
        streams = {name: b"".join(data for stream, data in pieces if stream == name) for name in ("stdout", "stderr")}
        one = [Output(name, data) for name, data in streams.items()]  # type: ignore[arg-type]
        many = [
            Output(name, data[at : at + size])  # type: ignore[arg-type]
            for name, data in streams.items()
            for at in range(0, len(data), size)
        ]
        (first, error), (second, other) = (events_of([*sent, Output("exit", status=0)]) for sent in (one, many))
        assert error == other
        if not error:
            assert results(first) == results(second)


def results(events: list[Event]) -> list[tuple[str, dict[str, str], str]]:
    """What sections ended with, but for the time they took."""
    return [(e.section, e.result.facts, e.result.output) for e in events if isinstance(e, Finished)]
