"""A run as it happens: drawn on a terminal, in plain lines elsewhere, or streamed as JSON lines for programs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TextIO

from engine.model.events import (
    Event,
    HostFinished,
    HostObserved,
    HostObserving,
    HostStarted,
    Note,
    Progress,
    StepFinished,
    StepStarted,
)
from engine.views import VERSION, wording
from engine.views.escape import json_text, to_ascii, visible

_QUICK = 10.0  # seconds in which a run on one host needs no telling

NAMES: Mapping[type[Event], str] = {
    HostObserving: "host-observing",
    HostObserved: "host-observed",
    HostStarted: "host-started",
    StepStarted: "step-started",
    StepFinished: "step-finished",
    HostFinished: "host-finished",
}
"""What events of hosts are called in JSON."""


class ProgressView(Protocol):
    """Shows a run as it happens."""

    def __call__(self, event: Event) -> None:
        """As any `engine.model.Progress`."""
        ...

    def close(self) -> None:
        """Nothing more will come; safe to call twice."""
        ...


def make(
    stream: TextIO,
    *,
    hosts: int,
    color: bool = False,
    quiet: bool = False,
    verbose: int = 0,
    batches: Sequence[Sequence[str]] = (),
    events: bool = False,
) -> ProgressView:
    """The view that fits a stream: nothing but notes when quiet, drawn on a terminal, else plain lines; JSON
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


class Screen:
    """Hears of a run: shows it, and has it recorded once there is something to `record` it. It can be closed for a
    question."""

    def __init__(self, make_view: Callable[[], ProgressView]) -> None:
        self.make_view, self.view = make_view, make_view()
        self.record: Progress | None = None

    def __call__(self, event: Event) -> None:
        """See `engine.model.Progress`."""
        if self.record is not None:
            self.record(event)
        self.view(event)

    def close(self) -> None:
        """Nothing is shown until `reopen`; safe to call twice."""
        self.view.close()

    def reopen(self) -> None:
        """Show what comes from now on."""
        self.view = self.make_view()


class Notes:
    """Reports nothing but notes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._lock = stream, threading.Lock()

    def __call__(self, event: Event) -> None:
        """A line for each note."""
        if isinstance(event, Note):
            self._line(event.text)

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

    def __call__(self, event: Event) -> None:
        """A line for each host where there are several; for each step when verbose, or once a single host is slow."""
        match event:
            case HostStarted(host):
                self._began[host] = time.monotonic()
            case StepStarted(host, step) if self._verbose:
                self._line(f"{host}: {step} ...")
            case StepFinished(host, step, seconds, ok):
                slow = self._hosts == 1 and time.monotonic() - self._start > _QUICK
                if self._verbose or slow:
                    self._line(wording.step_done(host, step, seconds, ok))
            case HostFinished(host, ok, changed) if self._hosts > 1:
                with self._lock:
                    self._done += 1
                    done = self._done
                took = time.monotonic() - self._began.get(host, self._start)
                self._line(f"[{done}/{self._hosts}] {wording.host_done(host, ok, changed, took)}")
            case _:
                super().__call__(event)


class Events(Notes):
    """One JSON object a line, for programs that follow a run; its shape is published in `event.schema.json`. `quiet`:
    nothing but notes."""

    def __init__(self, stream: TextIO, *, batches: Sequence[Sequence[str]] = (), quiet: bool = False) -> None:
        super().__init__(stream)
        self._quiet = quiet
        self._batch = {host: number for number, hosts in enumerate(batches, 1) for host in hosts}
        self._began: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        """A line for each event."""
        if isinstance(event, Note):
            self._event("note", {"text": event.text})
        elif not self._quiet:
            host = event.host
            batch = {"batch": self._batch[host]} if host in self._batch else {}
            self._event(NAMES[type(event)], {"host": host, **batch, **self._values(event)})

    def _values(self, event: Event) -> dict[str, Any]:
        match event:
            case HostStarted(host):
                self._began[host] = time.monotonic()
            case HostObserved(_, seconds, ok):
                return {"seconds": round(seconds, 3), "ok": ok}
            case StepStarted(_, step):
                return {"resource": step}
            case StepFinished(_, step, seconds, ok):
                return {"resource": step, "seconds": round(seconds, 3), "ok": ok}
            case HostFinished(host, ok, changed):
                now = time.monotonic()
                return {"seconds": round(now - self._began.get(host, now), 3), "ok": ok, "changed": changed}
        return {}

    def _event(self, event: str, values: Mapping[str, Any]) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._line(json_text({"version": VERSION, "time": now, "event": event, **values}))
