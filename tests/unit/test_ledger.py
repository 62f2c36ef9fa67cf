"""When a restart is due: every short history against a model, and the shell against the model.

A history is two runs of the engine (plan, mark, write, restart, record), which may be killed at any point, a third
look, and events by others in between. The model of the ledger's rules must never miss a restart in any of them; the
shell must give the model's answer to every question that came up.
"""

from __future__ import annotations

import hashlib
import itertools
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.kit.services import SERVICES

SHELLS = (("dash",), ("bash",), ("bash", "--posix"), ("busybox", "sh"))
MARGIN = 2
CONTAINER = tuple[str, int]


def shell(shell: tuple[str, ...], lines: str, home: Path) -> list[str]:
    """What the lines print after the ledger's functions."""
    text = f"set -eu\nledger_name=p.s\n{SERVICES}{lines}"
    done = subprocess.run(
        [*shell],
        input=text,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(home)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@dataclass
class Ledger:
    entry: CONTAINER | None = None
    known: tuple[str, int] | None = None
    proven: bool = False
    mark: CONTAINER | None = None

    def due(self, now: int, running: CONTAINER, content: str, ctime: int) -> bool:
        if self.entry == running and self.known is not None:
            if self.proven:
                return self.known[0] != content
            return self.known != (content, ctime) or self.mark == running
        return self.mark == running or running[1] > now or ctime + MARGIN >= running[1]


@dataclass
class World:
    """A host: one service, one file it reads when it starts. `behind` is a restart that Docker has still to do."""

    clock: int = 1000
    content: str = "A"
    ctime: int = 0
    running: CONTAINER = ("c0", 500)
    loaded: str = "A"
    behind: bool = False
    half: bool = False
    ledger: Ledger = field(default_factory=Ledger)
    restarts: int = 0
    made: int = 0

    def tick(self, seconds: int = 10) -> None:
        # Between a process's first read and the noting of its start there is little time.
        self.clock += 0 if self.half else seconds

    def write(self, content: str) -> None:
        self.content, self.ctime = content, self.clock

    def read(self) -> None:
        self.loaded = self.content

    def noted(self) -> None:
        self.half = False
        self.running = (self.running[0], self.clock)

    def restart(self) -> None:
        self.read()
        self.noted()

    def happen(self, event: str) -> None:
        """Something that others do."""
        self.tick()
        if event in ("write B", "write C", "write A"):
            self.write(event[-1])
        elif event == "touch":
            self.ctime = self.clock
        elif event == "restart":
            self.restart()
        elif event == "recreate":
            self.made += 1
            self.running = (f"x{self.made}", 0)
            self.restart()
        elif event == "Docker goes on" and self.behind:
            self.behind = False
            self.restart()
        elif event == "clock set back":
            self.clock -= 100_000
        self.tick()


FactsFirst = set[tuple[int, CONTAINER, str, int, CONTAINER | None, tuple[str, int] | None, bool, CONTAINER | None]]


def run(world: World, wanted: str, asked: FactsFirst) -> Iterator[None]:
    """One apply that wants the file to hold `wanted`; yields where it may be killed or others may act."""

    def due() -> bool:
        ledger = world.ledger
        found = (world.clock, world.running, world.content, world.ctime)
        asked.add((*found, ledger.entry, ledger.known, ledger.proven, ledger.mark))
        return ledger.due(world.clock, world.running, world.content, world.ctime)

    yield
    if world.content != wanted:
        world.ledger = replace(world.ledger, mark=world.running)
        yield
        world.write(wanted)
        yield
    if not due():
        return
    before = (world.content, world.ctime)
    yield
    world.behind = True
    yield
    if world.behind:
        # The process reads, and only then Docker notes the time.
        world.behind, world.half = False, True
        world.read()
        world.clock += 1
        yield
        world.clock += 1
        world.noted()
        world.restarts += 1
    running = world.running
    yield
    after = (world.content, world.ctime)
    yield
    same = before == after
    world.ledger = Ledger(running, before if same else None, mark=None if same else running)
    yield
    if same and world.running == running and (world.content, world.ctime) == before:
        # Its log says that it is ready.
        world.ledger.proven = True


STARTS = {
    "started by hand": World(),
    "stale, by hand": World(content="A", ctime=600, loaded="Z"),
    "remembered": World(ledger=Ledger(("c0", 500), ("A", 0))),
    "proven": World(ledger=Ledger(("c0", 500), ("A", 0), True)),
    "remembered, stale": World(content="A", ctime=600, loaded="Z", ledger=Ledger(("c0", 500), ("Z", 0))),
    "marked by a killed run": World(content="A", ctime=600, loaded="Z", ledger=Ledger(mark=("c0", 500))),
    "remembered from before": World(ledger=Ledger(("c0", 300), ("Z", 0))),
}
EVENTS = ("write A", "write B", "write C", "touch", "restart", "recreate", "Docker goes on", "clock set back")
STEPS = 10


def history(
    start: World, wanted: tuple[str, str], kills: tuple[int, int], events: dict[int, str], asked: FactsFirst
) -> tuple[World, bool]:
    """The world after two runs, and whether the last of them ended undisturbed."""
    world = replace(start, ledger=replace(start.ledger))
    calm = True
    for number, (want, kill) in enumerate(zip(wanted, kills, strict=True)):
        calm = True
        for step, _ in enumerate(run(world, want, asked)):
            world.tick(3)
            place = number * STEPS + step
            if place in events:
                world.happen(events[place])
                calm = False
            if step == kill:
                calm = False
                if world.half:
                    # Docker does not die with its client.
                    world.clock += 1
                    world.noted()
                break
    if 2 * STEPS in events:
        world.happen(events[2 * STEPS])
        calm = False
    world.tick()
    return world, calm


def sensible(events: dict[int, str]) -> bool:
    # After the clock was set back, a time says nothing about what was written before it caught up again.
    places = sorted(events)
    return "clock set back" not in [events[place] for place in places[:-1]]


def histories() -> Iterator[tuple[str, tuple[str, str], tuple[int, int], dict[int, str]]]:
    places = range(2 * STEPS + 1)
    one = [{place: event} for place in places for event in EVENTS]
    two = [a | b for a, b in itertools.combinations(one, 2) if len(a | b) == 2 and sensible(a | b)]
    kills = [(first, second) for first in range(STEPS) for second in (STEPS, 2)]
    for name in STARTS:
        for kill in [*kills, (STEPS, STEPS)]:
            yield name, ("A", "A"), kill, {}
            for events in one:
                yield name, ("B", "B"), kill, events
        for events in two:
            yield name, ("B", "B"), (5, STEPS), events
            yield name, ("B", "A"), (STEPS, STEPS), events


@pytest.fixture(scope="module")
def asked() -> FactsFirst:
    """Every question that comes up in any history; that none is missed is checked on the way."""
    found: FactsFirst = set()
    count = 0
    for name, wanted, kills, events in histories():
        count += 1
        world, calm = history(STARTS[name], wanted, kills, events, found)
        due = world.ledger.due(world.clock, world.running, world.content, world.ctime)
        assert due or world.loaded == world.content, (name, wanted, kills, events, world)
        if calm:
            assert not due, (name, wanted, kills, events, world)
        if calm and not events and kills == (STEPS, STEPS):
            assert world.restarts <= 1, (name, world)
    assert count > 100_000
    return found


def stamp(seconds: int) -> str:
    return datetime.fromtimestamp(1_700_000_000 + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


IDS: dict[str, Callable[[str], str]] = {
    "container": lambda name: name,
    # As systemd says it: the id of an invocation, which begins with a digit as often as not.
    "unit": lambda name: hashlib.md5(name.encode(), usedforsecurity=False).hexdigest(),
}
"""What tells one run of a service from another, for each kind of service."""


@pytest.mark.parametrize("service", IDS)
@pytest.mark.parametrize("sh", SHELLS, ids=" ".join)
def test_the_shell_decides_as_the_model(asked: FactsFirst, sh: tuple[str, ...], service: str, tmp_path: Path) -> None:
    def who(container: CONTAINER | None) -> str:
        return f"{IDS[service](container[0])} {stamp(container[1])}" if container else ""

    lines, expected = [], []
    for now, running, content, ctime, entry, known, proven, mark in sorted(asked, key=repr):
        watches = "''"
        if known:
            moment = f"{1_700_000_000 + known[1]}.000000000"
            watches = f"'{known[0]} {moment} a b'$newline'{known[0]}x - other'$newline"
        lines.append(
            f"now={1_700_000_000 + now} identity='{who(running)}' ledger_entry='{who(entry)}' "
            f"ledger_content={watches} ledger_mark='{who(mark)}' ledger_proven='{who(entry) if proven else ''}'; "
            f"compare 'a b' {content} {1_700_000_000 + ctime}.000000000; echo \"$verdict\""
        )
        expected.append(Ledger(entry, known, proven, mark).due(now, running, content, ctime))
    said = shell(sh, "\n".join(lines), tmp_path)
    assert [verdict != "current" for verdict in said] == expected
    assert len(expected) > 400
    assert {"current", "changed", "may have changed", "newer than its start"} == set(said)


@pytest.mark.parametrize("sh", SHELLS, ids=" ".join)
def test_it_reads_what_it_wrote(sh: tuple[str, ...], tmp_path: Path) -> None:
    said = shell(
        sh,
        """
ledger_name=a.b.c-d_e.f
ledger_read
printf '<%s>\\n' "$ledger_entry$ledger_content$ledger_proven$ledger_mark$ledger_failed$ledger_accepted"
ledger_entry='1,2 2024-01-01T00:00:00.5Z,2024-01-01T00:00:01Z'
ledger_content="f1 1.5 node/one$newline"f2\\ -\\ '$x \\ y'"$newline" ledger_proven='9 z'
ledger_mark='3 x' ledger_failed='4 y' ledger_accepted='5 hash'
ledger_write
ledger_entry= ledger_content= ledger_proven= ledger_mark= ledger_failed= ledger_accepted=
ledger_read
printf '%s|' "$ledger_entry" "$ledger_proven" "$ledger_mark" "$ledger_failed" "$ledger_accepted"
ledger_known node/one; printf '%s|' "$known" "$known_ctime"
ledger_known '$x \\ y'; printf '%s|' "$known" "$known_ctime"; echo
if ledger_known node; then echo wrong; fi
""",
        tmp_path,
    )
    assert said == [
        "<>",
        "1,2 2024-01-01T00:00:00.5Z,2024-01-01T00:00:01Z|9 z|3 x|4 y|5 hash|f1|1.5|f2||",
    ]
    directory = tmp_path / ".local/state/engine/ledger"
    assert [path.name for path in directory.iterdir()] == ["a.b.c-d_e.f"]
    assert directory.stat().st_mode & 0o777 == 0o700
    assert (directory / "a.b.c-d_e.f").stat().st_mode & 0o777 == 0o600


def test_a_ledger_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / ".local").write_text("in the way")
    said = shell(("dash",), "ledger_read; if ledger_write 2>/dev/null; then echo wrong; else echo told; fi", tmp_path)
    assert said == ["told"]


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ("f 99.5", "f 99.5", True),
        ("f 99.5", "f 99.6", False),
        ("f 99.5", "g 99.5", False),
        ("f ''", "f ''", True),
        ("'' ''", "f 99.999", True),
        ("'' ''", "f 100.0", False),
        ("'' ''", "f ''", False),
        ("f 99.5", "'' ''", False),
        ("'' ''", "'' ''", False),
    ],
)
def test_only_content_that_was_surely_read_is_written_down(
    before: str, after: str, kept: bool, tmp_path: Path
) -> None:
    for sh in SHELLS:
        said = shell(
            sh,
            f'ledger_content= unsure= begun=100; settle n {before} {after}; echo "<$ledger_content$unsure>"',
            tmp_path,
        )
        assert said == ([f"<f {after.split()[1].strip(chr(39)) or '-'} n", ">"] if kept else ["<1>"])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1)),
            st.integers(min_value=0, max_value=9),
            st.integers(min_value=-14 * 60, max_value=14 * 60),
        ),
        min_size=20,
        max_size=40,
    )
)
def test_times_are_read_to_the_nanosecond(times: list[tuple[datetime, int, int]]) -> None:
    lines, expected = [], []
    for moment, digits, minutes in times:
        zone = timezone(timedelta(minutes=minutes))
        nanoseconds = f"{moment.microsecond:06d}123"[:digits]
        text = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0") + (f".{nanoseconds}" if digits else "")
        text += moment.replace(tzinfo=zone).strftime("%z")[:3] + ":" + moment.replace(tzinfo=zone).strftime("%z")[3:5]
        lines.append(f'epoch_of {text.replace("+00:00", "Z")}; echo "$epoch.$epoch_ns"')
        seconds = int((moment.replace(microsecond=0, tzinfo=zone) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
        expected.append(f"{seconds}.{nanoseconds.ljust(9, '0')}")
    for sh in SHELLS:
        assert shell(sh, "\n".join(lines), Path("/nonexistent")) == expected


def test_what_is_no_time_counts_as_newer() -> None:
    lines = "now=1800000000\n"
    started = "2024-01-01T00:00:00Z"
    cases = ["'' " + started, "x " + started, "12x.5 " + started, "12.x5 " + started, "5.0 soon", "5.0 ''"]
    cases.append(f"5.0 {started},nonsense")
    for case in cases:
        lines += f"if newer {case}; then echo due; else echo 'not due'; fi\n"
    lines += f"if newer 5.0 {started}; then echo due; else echo 'not due'; fi\n"
    for sh in SHELLS:
        assert shell(sh, lines, Path("/nonexistent")) == ["due"] * len(cases) + ["not due"]


def test_one_of_several_starts_is_enough() -> None:
    lines = "now=1800000000\n"
    for ctime, due in (("1704067196.9", False), ("1704067198.0", True), ("1704067300", True)):
        lines += (
            f"if newer {ctime} 2024-01-01T01:00:00Z,2024-01-01T00:00:00.0Z; then echo True; else echo False; fi\n"
        )
        assert shell(("dash",), lines, Path("/nonexistent"))[-1] == str(due)
