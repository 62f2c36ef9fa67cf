"""A host that does not keep the time limits of a program is not waited for, whatever signs of life it sends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pytest

from engine.errors import HostFailed
from engine.model import Output, Script
from engine.program import deadline
from engine.program.compose import compose, compose_fed, run
from engine.program.deadline import CLEARING, GRACE, Deadline, Limits
from engine.program.events import Finished, Result, Started
from engine.program.facts import FactsFirst
from engine.program.lock import stop_program
from engine.program.section import Lock, Program, Section


class Clock:
    """Stands still until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of every deadline."""
    made = Clock()
    monkeypatch.setattr(deadline.Deadline.__init__, "__defaults__", (made,))
    return made


class Beating:
    """A transport to a host that says what it is told to, then beats every ten seconds; for ever, if it is heard."""

    def __init__(self, clock: Clock, *words: str) -> None:
        self.clock, self.words, self.beats, self.closed = clock, words, 0, False

    def run(self, argv: Sequence[str], stdin: Iterable[bytes]) -> Iterator[Output]:
        (first,) = next(iter(stdin)).split(b"\n", 1)[:1]
        nonce = first.removeprefix(b"#begin ").decode()
        try:
            for word in (*self.words, *["beat"] * 10_000):
                if word == "beat":
                    self.clock.now += 10
                    self.beats += 1
                yield Output("stdout", f"\n#{nonce} {word}\n".encode())
        finally:
            self.closed = True

    def close(self) -> None: ...


def over(transport: Beating, program: Program) -> str:
    with pytest.raises(HostFailed) as caught:
        list(run(transport, program))
    assert transport.closed
    return str(caught.value)


def test_a_section(clock: Clock) -> None:
    program = compose([Section("probe:a", Script(""), timeout=30), Section("probe:b", Script(""), timeout=3000)])
    transport = Beating(clock, "hello 1 1", "start 0")
    assert over(transport, program).startswith("the host exceeded a time limit: `probe:a` may take 30 s")
    assert transport.beats == (30 + GRACE) / 10 + 1


def test_each_section_has_its_own_time(clock: Clock) -> None:
    """One that was quick leaves nothing to the next."""
    program = compose([Section("probe:a", Script(""), timeout=3000), Section("probe:b", Script(""), timeout=30)])
    beats = ["beat"] * 290
    transport = Beating(clock, "hello 1 1", "start 0", *beats, "end 0 0 0", "start 1")
    assert "`probe:a` may take 3000 s" in over(transport, program), "its output never came"
    asked = Deadline(program.limits, clock)
    asked.received([Started("probe:a")])
    clock.now += 2900
    asked.received()
    asked.received([Finished("probe:a", Result(0, {}, "", False, 1.0))])
    asked.received([Started("probe:b")])
    clock.now += 30 + GRACE
    asked.received()
    clock.now += 1
    with pytest.raises(HostFailed, match="`probe:b` may take 30 s, and had not ended after 91 s"):
        asked.received()


def test_it_never_begins(clock: Clock) -> None:
    transport = Beating(clock)
    assert "the beginning of the program may take" in over(transport, compose([Section("a", Script(""))]))
    assert transport.beats < 10


@pytest.mark.parametrize("words", [(), ("start 0",)])
def test_facts_never_come(clock: Clock, words: tuple[str, ...]) -> None:
    transport = Beating(clock, *words)
    with pytest.raises(HostFailed, match="exceeded a time limit"):
        FactsFirst(transport)
    assert transport.closed
    assert transport.beats <= 13


def test_a_lock_is_waited_for_as_long_as_it_may_be(clock: Clock) -> None:
    program = compose([Section("act:a:0", Script(""), step=True)], lock=Lock("me", 3600))
    transport = Beating(clock, "hello 1 1")
    over(transport, program)
    assert 7200 <= transport.beats * 10 < 7200 + CLEARING + 2 * GRACE


def test_after_the_last_section(clock: Clock) -> None:
    program = compose([Section("a", Script(""), timeout=5)])
    limits = program.limits
    assert limits.after == 0
    asked = Deadline(limits, clock)
    asked.received([Finished("a", Result(0, {}, "", False, 1.0))])
    clock.now += GRACE + 1
    with pytest.raises(HostFailed, match="what comes between two sections"):
        asked.received()


def test_nobody_listened(clock: Clock) -> None:
    """The terminal was held, for example: that is not the host's fault."""
    asked = Deadline(Limits(sections={"a": 5}), clock)
    asked.received([Started("a")])
    clock.now += 1000
    asked.at += 1000
    asked.received()


def test_others_are_known_too() -> None:
    sections = [Section("a", Script(""), timeout=5), Section("b", Script(""), timeout=7.2, become="dave")]
    assert dict(compose(sections).limits.sections) == {"a": 5, "b": 18}
    assert compose_fed(Section("upload", Script(""), 3600)).limits.sections["upload"] == 3600
    assert stop_program(1).limits.sections["lock"] == 60
