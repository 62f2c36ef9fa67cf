"""A run as it happens: drawn on a terminal, told in plain lines elsewhere, or streamed as JSON lines for programs."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

from engine.views import VERSION, wording
from engine.views.escape import json_text, to_ascii, visible

if TYPE_CHECKING:
    from engine.model import Progress

_QUICK = 10.0  # seconds in which a run on one host needs no telling


def make(
    stream: TextIO,
    *,
    hosts: int,
    color: bool = False,
    quiet: bool = False,
    verbose: int = 0,
    batches: Sequence[Sequence[str]] = (),
    events: bool = False,
) -> Progress:
    """The Progress that fits a stream: nothing but notes when quiet, drawn on a terminal, else plain lines; JSON
    lines where `events` are wanted.

    `hosts` is how many there are; `batches` their names by batch, where there is more than one.
    """
    if events:
        return Events(stream, batches=batches, quiet=quiet)
    if quiet:
        return Notes(stream)
    if stream.isatty():
        from engine.views.live import Live

        return Live(stream, sizes=[len(names) for names in batches] or [hosts], batches=batches, color=color)
    return Lines(stream, hosts=hosts, verbose=verbose)


class Notes:
    """Tells nothing but notes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._lock = stream, threading.Lock()

    def host_observing(self, host: str) -> None:
        """Not told."""

    def host_observed(self, host: str, seconds: float, ok: bool) -> None:
        """Not told."""

    def host_started(self, host: str) -> None:
        """Not told."""

    def step_started(self, host: str, name: str) -> None:
        """Not told."""

    def step_finished(self, host: str, name: str, seconds: float, ok: bool) -> None:
        """Not told."""

    def host_finished(self, host: str, ok: bool, changed: int) -> None:
        """Not told."""

    def note(self, text: str) -> None:
        """A line of its own."""
        self._line(text)

    def close(self) -> None:
        """Nothing is held."""

    def _line(self, text: str) -> None:
        line = visible(text) + "\n"
        try:
            line.encode(self._stream.encoding or "ascii")
        except (UnicodeEncodeError, LookupError):
            line = to_ascii(line)
        with self._lock:
            try:
                self._stream.write(line)
                self._stream.flush()
            except (OSError, ValueError):  # nobody reads any more: no reason to fail a run
                pass


class Lines(Notes):
    """Plain lines: one a host; of a single host only what takes long. `verbose`: every step."""

    def __init__(self, stream: TextIO, *, hosts: int, verbose: int = 0) -> None:
        super().__init__(stream)
        self._hosts, self._verbose = hosts, verbose
        self._start = time.monotonic()
        self._began: dict[str, float] = {}
        self._done = 0

    def host_started(self, host: str) -> None:
        """Remembered, to tell how long it took."""
        self._began[host] = time.monotonic()

    def step_started(self, host: str, name: str) -> None:
        """Told when verbose."""
        if self._verbose:
            self._line(f"{host}: {name} ...")

    def step_finished(self, host: str, name: str, seconds: float, ok: bool) -> None:
        """Told when verbose, and on a single host once the run is not quick."""
        slow = self._hosts == 1 and time.monotonic() - self._start > _QUICK
        if self._verbose or slow:
            self._line(wording.step_done(host, name, seconds, ok))

    def host_finished(self, host: str, ok: bool, changed: int) -> None:
        """Told where there are several."""
        with self._lock:
            self._done += 1
            done = self._done
        took = time.monotonic() - self._began.get(host, self._start)
        if self._hosts > 1:
            self._line(f"[{done}/{self._hosts}] {wording.host_done(host, ok, changed, took)}")


class Events(Notes):
    """One JSON object a line, for programs that follow a run; its shape is published in `event.schema.json`. `quiet`:
    nothing but notes."""

    def __init__(self, stream: TextIO, *, batches: Sequence[Sequence[str]] = (), quiet: bool = False) -> None:
        super().__init__(stream)
        self._quiet = quiet
        self._batch = {host: number for number, hosts in enumerate(batches, 1) for host in hosts}
        self._began: dict[str, float] = {}

    def host_observing(self, host: str) -> None:
        """`host-observing`"""
        self._of_host("host-observing", host)

    def host_observed(self, host: str, seconds: float, ok: bool) -> None:
        """`host-observed`"""
        self._of_host("host-observed", host, seconds=round(seconds, 3), ok=ok)

    def host_started(self, host: str) -> None:
        """`host-started`"""
        self._began[host] = time.monotonic()
        self._of_host("host-started", host)

    def step_started(self, host: str, name: str) -> None:
        """`step-started`"""
        self._of_host("step-started", host, resource=name)

    def step_finished(self, host: str, name: str, seconds: float, ok: bool) -> None:
        """`step-finished`"""
        self._of_host("step-finished", host, resource=name, seconds=round(seconds, 3), ok=ok)

    def host_finished(self, host: str, ok: bool, changed: int) -> None:
        """`host-finished`"""
        now = time.monotonic()
        seconds = round(now - self._began.get(host, now), 3)
        self._of_host("host-finished", host, seconds=seconds, ok=ok, changed=changed)

    def note(self, text: str) -> None:
        """`note`"""
        self._event("note", {"text": text})

    def _of_host(self, event: str, host: str, **values: Any) -> None:
        batch = {"batch": self._batch[host]} if host in self._batch else {}
        if not self._quiet:
            self._event(event, {"host": host, **batch, **values})

    def _event(self, event: str, values: Mapping[str, Any]) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._line(json_text({"version": VERSION, "time": now, "event": event, **values}))
