"""A run drawn on a terminal: a bar a batch, and below it the hosts that are being worked on, each with its step.

What happens is only noted by the threads it happens in; one thread draws it, a few times a second. It starts late, so
that a run that is over at once neither flickers nor pays for importing rich.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from engine.model.counting import count
from engine.model.events import (
    Event,
    HostFinished,
    HostObserved,
    HostObserving,
    HostStarted,
    Note,
    StepFinished,
    StepStarted,
)
from engine.views.escape import cells, middle, to_ascii, visible
from engine.views.wording import seconds as spelled

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

_DELAY = 0.4  # seconds before anything is drawn
_PAUSE = 0.125
_BAR = 20
_LEAST = 6  # columns of a bar on a narrow terminal
_FEW = 3  # hosts that are named when they are the last that is waited for
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


@dataclass
class Running:
    """A host that is being worked on, since when, and its step. `stepped`: it has had one."""

    since: float
    step: str = ""
    step_since: float = 0.0
    stepped: bool = False


@dataclass
class Track:
    """What is known of a run so far. `sizes`: hosts by batch. `inspecting`: hosts that are looked at, for the plan;
    `inspected`: how many were."""

    sizes: Sequence[int]
    batch_of: dict[str, int]
    inspecting: dict[str, float] = field(default_factory=dict)
    inspected: int = 0
    running: dict[str, Running] = field(default_factory=dict)
    done: dict[int, int] = field(default_factory=dict)
    failed: dict[int, int] = field(default_factory=dict)
    changed: dict[int, int] = field(default_factory=dict)
    spent: list[float] = field(default_factory=list)
    peak: int = 0
    limited: bool = False

    def waiting(self, batch: int) -> int:
        """How many hosts of a batch have not begun."""
        begun = sum(self.batch_of.get(host, 0) == batch for host in self.running)
        return max(self.sizes[batch] - self.done.get(batch, 0) - begun, 0)

    def event(self, event: Event, now: float) -> None:
        """Take up what happened on a host."""
        match event:
            case HostObserving(host):
                self.inspecting[host] = now
            case HostObserved(host):
                self.inspecting.pop(host, None)
                self.inspected += 1
            case HostStarted(host):
                self.running[host] = Running(now)
                self.peak = max(self.peak, len(self.running))
            case StepStarted(host, step):
                running = self.running.setdefault(host, Running(now))
                running.step, running.step_since, running.stepped = step, now, True
            case StepFinished(host, step) if host in self.running and self.running[host].step == step:
                self.running[host].step, self.running[host].step_since = "", now
            case HostFinished(host, ok, changed):
                self.finished(host, ok, changed, now)

    def finished(self, host: str, ok: bool, changed: int, now: float) -> None:
        """A host ended."""
        batch = self.batch_of.get(host, 0)
        self.limited |= bool(self.waiting(batch))
        begun = self.running.pop(host, Running(now))
        self.spent.append(now - begun.since)
        self.done[batch] = self.done.get(batch, 0) + 1
        self.failed[batch] = self.failed.get(batch, 0) + (not ok)
        self.changed[batch] = self.changed.get(batch, 0) + changed

    def left(self, now: float) -> float | None:
        """Seconds the rest may take: rounds of hosts side by side, each as long as a host took so far. None where
        nothing is known yet."""
        if not self.spent:
            return None
        mean = sum(self.spent) / len(self.spent)
        total = max((mean - (now - running.since) for running in self.running.values()), default=0.0)
        for batch in range(len(self.sizes)):
            waiting = self.waiting(batch)
            total += mean * math.ceil(waiting / (max(self.peak, 1) if self.limited else max(waiting, 1)))
        return max(total, 0.0)


class Live:
    """Shows a run on a terminal."""

    def __init__(
        self, stream: TextIO, *, sizes: Sequence[int], batches: Sequence[Sequence[str]] = (), color: bool = True
    ) -> None:
        self._stream, self._color = stream, color
        batch_of = {host: number for number, hosts in enumerate(batches) for host in hosts}
        self._track = Track(sizes, batch_of)
        self._lock = threading.Lock()
        self._notes: list[str] = []
        self._over = threading.Event()
        self._start = time.monotonic()
        self._thread = threading.Thread(target=self._draw, name="progress", daemon=True)
        self._thread.start()

    def __call__(self, event: Event) -> None:
        """Taken note of, to be drawn by the view's own thread."""
        with self._lock:
            if isinstance(event, Note):
                self._notes.append(visible(event.text))
            else:
                self._track.event(event, time.monotonic())

    def close(self) -> None:
        """Wipe what was drawn; notes stay."""
        self._over.set()
        self._thread.join()

    def _draw(self) -> None:
        if not self._over.wait(_DELAY):
            try:
                self._drawn()
            except (OSError, ValueError):  # the terminal is gone: no reason to fail a run
                return
        for note in self._taken():
            self._stream.write(f"{note}\n")
        self._stream.flush()

    def _drawn(self) -> None:
        from rich.console import Console
        from rich.live import Live as Drawing

        console = Console(
            file=self._stream,
            force_terminal=True,
            no_color=not self._color,
            highlight=False,
            markup=False,
            emoji=False,
        )
        plain = not _can(self._stream)
        with Drawing(
            console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        ) as live:
            while True:
                for note in self._taken():
                    console.print(note, soft_wrap=True)
                with self._lock:
                    picture = draw(self._track, time.monotonic(), self._start, console.size, plain)
                live.update(picture, refresh=True)
                if self._over.wait(_PAUSE):
                    return

    def _taken(self) -> list[str]:
        with self._lock:
            notes, self._notes = self._notes, []
        return notes


def draw(track: Track, now: float, start: float, size: tuple[int, int], plain: bool) -> RenderableType:
    """One picture: of batches those that have begun, of running hosts as many as there is room for."""
    from rich.console import Group

    width, height = size
    spin = "|/-\\"[int(now * 8) % 4] if plain else _SPINNER[int(now * 10) % len(_SPINNER)]
    if not track.running and not track.spent:
        return _looking(track, now, start, width, spin)
    lines: list[Text] = []
    if sum(track.sizes) > 1:
        lines += _batches(track, now, start, (width, max(height - 6, 1)), plain)
    lines += _hosts(track, now, width, max(height - len(lines) - 2, 1), spin, plain)
    for line in lines:
        line.truncate(width - 1, overflow="crop")
    return Group(*lines)


def _looking(track: Track, now: float, start: float, width: int, spin: str) -> Text:
    """`inspecting 30 hosts, 28 done  3.2 s  still gpu07, gpu11`"""
    done = f", {track.inspected} done" if track.inspected else ""
    said = [(f"{spin} ", "cyan"), (f"inspecting {count(sum(track.sizes), 'host')}{done}", "")]
    still = [visible(host) for host in track.inspecting]
    names = f"  still {', '.join(still)}" if track.inspected and 0 < len(still) <= _FEW else ""
    line = _text(*said, (f"  {spelled(now - start)}", "dim"), (names, ""))
    line.truncate(width - 1, overflow="ellipsis")
    return line


def _batches(track: Track, now: float, start: float, room: tuple[int, int], plain: bool) -> Iterator[Text]:
    width, most = room
    begun = [n for n in range(len(track.sizes)) if track.done.get(n) or _active(track, n)] or [0]
    shown = begun[-min(most, 5) :]
    rest = {number: _counts(track, number) for number in shown}
    rest[shown[-1]] += _times(track, now, start)
    heads = {number: f"{number + 1}/{len(track.sizes)}  " if len(track.sizes) > 1 else "" for number in shown}
    taken = max(len(heads[number]) + sum(len(text) for text, _ in rest[number]) for number in shown)
    if taken + _LEAST > width - 1:
        rest[shown[-1]] = rest[shown[-1]][:-1]  # the guess is what can be missed first
        taken = max(len(heads[number]) + sum(len(text) for text, _ in rest[number]) for number in shown)
    long = min(_BAR, max(_LEAST, width - 1 - taken))
    for number in shown:
        yield _text((heads[number], "bold"), *_bar(track, number, long, plain), *rest[number])


def _bar(track: Track, number: int, long: int, plain: bool) -> list[tuple[str, str]]:
    """What is done of a batch: well, not so, and what is left."""
    size, done, lost = track.sizes[number], track.done.get(number, 0), track.failed.get(number, 0)
    full = long * done // max(size, 1)
    bad = min(-(-long * lost // max(size, 1)), full)
    marks = "#x." if plain else "━━━"
    return [(marks[0] * (full - bad), "green"), (marks[1] * bad, "red"), (marks[2] * (long - full), "dim")]


def _counts(track: Track, number: int) -> list[tuple[str, str]]:
    wide = 4 + 2 * len(str(max(track.sizes)))
    counts = [(f"  {f'{track.done.get(number, 0)} of {track.sizes[number]}':>{wide}}", "bold")]
    counts += [(f"  {track.changed[number]} changed", "yellow")] if track.changed.get(number) else []
    counts += [(f"  {track.failed[number]} failed", "bold red")] if track.failed.get(number) else []
    return counts


def _times(track: Track, now: float, start: float) -> Iterator[tuple[str, str]]:
    yield f"  {_clock(now - start)}", "dim"
    left = track.left(now)
    if left is not None and left >= 1:
        yield f"  about {_clock(left)} left", "dim"


def _hosts(track: Track, now: float, width: int, most: int, spin: str, plain: bool) -> Iterator[Text]:
    spelling = to_ascii if plain else str
    running = sorted(track.running.items(), key=lambda item: item[1].since)
    shown = running if len(running) <= most else running[: most - 1]
    names = [spelling(middle(visible(host), max(width * 2 // 5, 8))) for host, _ in shown]
    wide = max(map(cells, names), default=0)
    for name, (_, host) in zip(names, shown, strict=True):
        # Before the first step the host's lock may have to be waited for; after the last the host is inspected again.
        step = visible(host.step) or ("verifying" if host.stepped else "starting")
        step = spelling(middle(step, max(width - wide - 18, 8)))
        took = spelled(now - (host.step_since or host.since))
        pad = " " * (wide - cells(name))
        yield _text((f"{spin} ", "cyan"), (name + pad, "bold"), (f"  {step}", ""), (f"  {took}", "dim"))
    if len(running) > len(shown):
        yield _text((f"  and {len(running) - len(shown)} more", "dim"))


def _active(track: Track, batch: int) -> bool:
    return any(track.batch_of.get(host, 0) == batch for host in track.running)


def _clock(value: float) -> str:
    return f"{int(value) // 60}:{int(value) % 60:02}"


def _text(*parts: tuple[str, str]) -> Text:
    from rich.text import Text

    return Text.assemble(*parts, no_wrap=True)


def _can(stream: TextIO) -> bool:
    """Whether the stream's encoding has the characters of the drawing."""
    try:
        f"━…{_SPINNER}".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
