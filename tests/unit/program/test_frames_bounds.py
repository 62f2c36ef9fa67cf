"""Whatever a host sends, reading it takes no more time than there is of it, and no more memory than is allowed."""

from __future__ import annotations

import pytest

from engine.errors import HostFailed
from engine.model import Output
from engine.program import parser as frames
from engine.program.parser import Finished, LockBusy, Parser
from engine.program.scanner import MARKER
from tests.measured import measured
from tests.unit.program.test_frames import NONCE, SECTIONS, fact, marker, parse

MB = 1 << 20
IMPORTS = """
from engine.program.parser import LockBusy, Parser
from engine.model import Output
NONCE = "f00d" * 8
def marker(text):
    return f"\\n#{NONCE} {text}\\n".encode()
parser = Parser(NONCE, [str(n) for n in range(1000)], inner={"beef" * 8: frozenset({0})})
def out(data):
    return [event for event in parser.feed(Output("stdout", data))]
def err(data):
    return [event for event in parser.feed(Output("stderr", data))]
piece = b"x" * 65536
"""

FLOODS = {
    "a marker without its end": (
        "out(marker('hello 1 1'))\nout(b'\\n#' + NONCE.encode() + b' fact 0 ')\nfor _ in range(1600): out(piece)",
        5, 8 * MB, "",
    ),
    "the same on standard error": (
        "err(marker('hello'))\nerr(b'\\n#' + NONCE.encode() + b' end ')\nfor _ in range(1600): err(piece)",
        5, 8 * MB, "",
    ),
    "beginnings of markers": (
        "for _ in range(300): out((b'\\n#' + NONCE.encode()[:-1]) * 2000)", 8, 8 * MB, "",
    ),
    "markers of another user": (
        "out(marker('hello 1 1'))\nfor _ in range(300): out(b'\\n#' + b'beef' * 8 + b' fact 7 x\\n' + piece)",
        5, 8 * MB, "",
    ),
    "line breaks": ("for _ in range(300): out(b'\\n' * 65536)", 5, 8 * MB, ""),
    "a banner": ("for _ in range(1600): out(piece); err(piece)", 5, 8 * MB, ""),
    "signs of life, and output that never comes": (
        "out(marker('start 0') + marker('end 0 0 0'))\nfor _ in range(300): out(marker('beat') * 1000)",
        10, 8 * MB, "",
    ),
    "keys": (
        "out(marker('start 0'))\nfor n in range(10**7): out(marker(f'fact 0 k{n}') + marker('.'))",
        30, 200 * MB, "HostFailed: 0 reported more than 64 MiB of facts",
    ),
    "one fact": (
        "out(marker('start 0') + marker('fact 0 k'))\nfor _ in range(10**7): out(piece)",
        10, 150 * MB, "HostFailed: 0 reported more than 64 MiB of facts",
    ),
    "one fact over and over": (
        "out(marker('start 0'))\nfor _ in range(10**7): out(marker('fact 0 k') + piece + marker('.'))",
        10, 20 * MB, "HostFailed: 0 reported more than 64 MiB of facts",
    ),
    "a fact byte by byte": (
        "out(marker('start 0') + marker('fact 0 k'))\nfor _ in range(300_000): out(b'xy')", 10, 8 * MB, "",
    ),
    "who holds the lock": (
        "out(marker('busy'))\nfor _ in range(900): out(piece)\n(event,) = out(marker('.'))\n"
        "return str(len(event.holder))",
        5, 150 * MB, "4096",
    ),
    "ends of output": (
        "for n in range(10**7): err(marker(f'end {n}'))", 5, 8 * MB, "HostFailed: the program on the host reported",
    ),
    "all that sections print": (
        "err(marker('hello'))\nfor n in range(1000):\n  err(piece)\n  err(marker(f'end {n}'))", 5, 30 * MB, "",
    ),
}  # fmt: skip
"""What is done; the seconds and the memory that it may take; how its answer begins."""


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood(name: str) -> None:
    body, seconds, memory, said = FLOODS[name]
    took = measured(IMPORTS, body)
    assert (took.said or "").startswith(said) if said else took.said is None
    assert took.seconds < seconds
    assert took.memory < memory


@pytest.mark.parametrize("size", [1, 40, 300, 100_000])
def test_a_marker_that_is_too_long_is_payload(size: int) -> None:
    """However it is cut, and what comes after it is read."""
    head = f"\n#{NONCE} fact 0 ".encode()
    longest = b"k" * (MARKER - len(head))
    over = longest + b"k"
    value = b"before" + head + over + b"\nafter"
    stream = marker("start 0") + fact(0, "a", value) + head + longest + b"\nvalue" + marker(".") + marker("end 0 0 0")
    pieces = [Output("stdout", stream[at : at + size]) for at in range(0, len(stream), size)]
    events = parse([*pieces, Output("stderr", marker("hello") + marker("end 0"))])
    assert isinstance(events[-1], Finished)
    assert events[-1].result.facts == {"a": value.decode(), longest.decode(): "value"}


IMPOSSIBLE = [
    "start 3", "start -1", "start x", "start 1_0", "start ٣", "start 1e3", "start " + "9" * 200, "start", "start 0 0",
    "end 0 0 0", "skip 0 0", "skip 1 1", "skip 1 2", "skip 1 -1", "hello x", "hello -1", "hello 12345678901",
    "fact 0 k/v", "fact 0 ", "fact x k", "fact 3 k", "fact 0 k v", "done now",
    "stopped 1", "nothing", "", "start 0\0",
]  # fmt: skip


@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_what_no_program_reports_ends_the_run(text: str) -> None:
    with pytest.raises(HostFailed, match="which no program of the engine does") as caught:
        parse([Output("stdout", marker(text))])
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "texts",
    [
        ("start 1", "end 1 0 0", "start 0"), ("start 1", "end 1 0 0", "start 1"), ("start 0", "start 1"),
        ("start 0", "end 1 0 0"), ("start 0", "end 0 1000 0"), ("start 0", "end 0 -1 0"), ("start 0", "end 0 0 yes"),
        ("start 0", "end 0 0"), ("start 0", "end 0 0 0", "end 0 0 0"), ("start 0", "end 0 0 0", "skip 0 0"),
    ],
)  # fmt: skip
def test_sections_report_once_and_in_order(texts: tuple[str, ...]) -> None:
    with pytest.raises(HostFailed, match="which no program of the engine does"):
        parse([Output("stdout", b"".join(map(marker, texts)))])


@pytest.mark.parametrize("texts", [("end 1", "end 0"), ("end 1", "end 1"), ("end 3",), ("end x",), ("end",)])
def test_so_does_their_output(texts: tuple[str, ...]) -> None:
    with pytest.raises(HostFailed, match="which no program of the engine does"):
        parse([Output("stderr", b"".join(map(marker, ("hello", *texts))))])


def test_what_is_said_once_is_heard_once() -> None:
    words = b"".join(map(marker, ("waited", "stopped", "hello 1 1", "busy", ".")))
    events = parse([Output("stdout", words * 1000)])
    assert len(events) == 4


def test_nothing_is_heard_after_the_end() -> None:
    parser = Parser(NONCE, SECTIONS)
    parse([Output("stdout", marker("done") + marker("start 0") + marker("nothing"))], parser)
    assert not parser.current


def test_all_output_together_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "OUTPUT_LIMIT", 100_000)
    names = tuple(map(str, range(10)))
    parser = Parser(NONCE, names)
    sizes = []
    for n in range(10):
        frame = marker(f"start {n}") + marker(f"end {n} 1 0")
        events = parse([Output("stdout", frame), Output("stderr", marker("hello") + b"x" * 65536 + b"why")], parser)
        events += parse([Output("stderr", marker(f"end {n}"))], parser)
        (result,) = [event.result for event in events if isinstance(event, Finished)]
        assert result.output.endswith("why")
        sizes.append(len(result.output))
    assert sizes == [65536, 100_000 - 65536, *[frames.LAST_WORDS] * 8]


def test_a_sentence_is_not_a_book() -> None:
    book = b"\xc3\xa9" * 100_000
    (event,) = parse([Output("stdout", marker("busy") + book + marker("."))])
    assert isinstance(event, LockBusy)
    assert len(event.holder) <= frames.SENTENCE
    parser = Parser(NONCE, SECTIONS)
    parse([Output("stdout", marker("error") + book + marker("."))], parser)
    assert parser.failure
    assert len(parser.failure) <= frames.SENTENCE
