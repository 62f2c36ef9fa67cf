"""The journal: what every apply did, as JSON lines under the project root's `.engine/runs/`.

One file a run, `RUN.jsonl`, mode 0600, append-only; each event is flushed as it happens, so that a killed run is
still told. What a host said is redacted before it gets here (`engine.cli.output.scrub`), and a note right here; never
a line of JSON as a whole, in which a secret that is a common word would destroy the names of events and hosts.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from engine.errors import InvalidInput, Problem
from engine.model import HostReport
from engine.model.progress import Progress
from engine.plan.rollback import Changed

Event = Mapping[str, Any]

KEEP = "ENGINE_KEEP_RUNS"
"""The environment variable that says how many runs a project keeps the journals of."""
DEFAULT_RUNS = 1000
"""How many it keeps unless that is said."""
_SHAPES: Mapping[str, frozenset[str]] = {
    "started": frozenset(("at", "hosts", "who", "state", "states", "inventory", "variables", "only", "skip")),
    "resource": frozenset(("host", "name", "verdict", "attributes", "prior", "reason")),
    "host": frozenset(("host", "error", "started")),
    "step-started": frozenset(("host", "name")),
    "step-finished": frozenset(("host", "name")),
    "finished": frozenset(("exit", "seconds")),
}
"""Event → the keys it must have; one without them is damaged, and passed over like a line that is no JSON."""


def runs_directory(project: Path) -> Path:
    """Where the journals of a project are."""
    return project / ".engine" / "runs"


class Journal:
    """Writes the record of one run. Safe to use from many threads.

    Where it cannot be written, `problem` says why, and no more is tried: a run that goes on is to be told anyway.
    Once it is closed, the oldest journals beyond `ENGINE_KEEP_RUNS` are removed. Raises InvalidInput where that is no
    number.
    """

    def __init__(self, project: Path, redact: Callable[[str], str]) -> None:
        self._keep = _journals_to_keep()
        self.run = _new_id(runs_directory(project))
        self._path = runs_directory(project) / f"{self.run}.jsonl"
        self._redact = redact
        self._lock = threading.Lock()
        self._file: TextIO | None = None
        self.problem = ""

    @property
    def begun(self) -> bool:
        """Whether anything was recorded."""
        return self._file is not None

    def write(self, event: str, **data: Any) -> None:
        """Append one event with its UTC time; the file is made with the first one."""
        line = json.dumps({"at": _now(), "event": event, **data}, ensure_ascii=False, default=str)
        with self._lock:
            if self.problem:
                return
            try:
                self._append(line)
            except OSError as error:
                self.problem = f"{self._path} cannot be written: {error.strerror}"

    def _append(self, line: str) -> None:
        if self._file is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
            self._file = os.fdopen(os.open(self._path, flags, 0o600), "w", encoding="utf-8")
        self._file.write(line + "\n")
        self._file.flush()

    def note(self, text: str) -> None:
        """Append a note, redacted."""
        self.write("note", text=self._redact(text))

    def host(self, report: HostReport) -> None:
        """What became of one host, resource by resource; the report is redacted."""
        for outcome in report.outcomes:
            self.write(
                "resource",
                host=report.host,
                name=outcome.step.name,
                kind=outcome.step.kind,
                verdict=outcome.verdict,
                verb=outcome.step.verb,
                attributes=[asdict(attribute) for attribute in outcome.step.attributes],
                prior=outcome.step.prior,
                reason=outcome.reason,
                cause=outcome.cause,
                seconds=round(outcome.seconds, 3),
            )
        self.write(
            "host",
            host=report.host,
            error=report.error,
            unreachable=report.unreachable,
            drift=report.drift,
            started=report.started,
            trips=report.trips,
            seconds=round(report.seconds, 3),
        )

    def close(self) -> None:
        """Close the file, and remove the oldest journals; safe to call twice."""
        with self._lock:
            if self._file is not None:
                with suppress(OSError):
                    self._file.close()
                    _prune(self._path, self._keep)


class Recording:
    """A Progress that writes to the journal what it hears, and passes it on."""

    def __init__(self, journal: Journal, onward: Progress) -> None:
        self.journal, self.onward = journal, onward

    def host_observing(self, host: str) -> None:
        """Passed on."""
        self.onward.host_observing(host)

    def host_observed(self, host: str, seconds: float, ok: bool) -> None:
        """Passed on."""
        self.onward.host_observed(host, seconds, ok)

    def host_started(self, host: str) -> None:
        """Noted and passed on."""
        self.journal.write("host-started", host=host)
        self.onward.host_started(host)

    def step_started(self, host: str, name: str) -> None:
        """Noted and passed on."""
        self.journal.write("step-started", host=host, name=name)
        self.onward.step_started(host, name)

    def step_finished(self, host: str, name: str, seconds: float, ok: bool) -> None:
        """Noted and passed on."""
        self.journal.write("step-finished", host=host, name=name, seconds=round(seconds, 3), ok=ok)
        self.onward.step_finished(host, name, seconds, ok)

    def host_finished(self, host: str, ok: bool, changed: int) -> None:
        """Passed on; the journal has the host's report."""
        self.onward.host_finished(host, ok, changed)

    def note(self, text: str) -> None:
        """Noted and passed on."""
        self.journal.note(text)
        self.onward.note(text)

    def close(self) -> None:
        """Passed on."""
        self.onward.close()


def runs(project: Path) -> list[str]:
    """Ids of all runs, oldest first."""
    return sorted(path.stem for path in runs_directory(project).glob("*.jsonl"))


def events(project: Path, run: str) -> list[dict[str, Any]]:
    """All events of a run; a last line that a kill cut short is left out. Raises InvalidInput for an unknown run."""
    path = runs_directory(project) / f"{run}.jsonl"
    if run not in runs(project):
        known = runs(project)[-5:]
        hint = f"The latest are: {', '.join(known)}" if known else "There are no runs yet."
        raise InvalidInput(Problem(f"there is no run `{run}`", where=str(runs_directory(project)), hints=(hint,)))
    return list(_parsed(path))


def _parsed(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and _SHAPES.get(str(event.get("event")), frozenset()) <= event.keys():
                yield event


def unfinished_hosts(found: list[dict[str, Any]]) -> list[str]:
    """Hosts of a run that have not converged: failed, unreachable, not started, or never told of again."""
    hosts: list[str] = next((list(e["hosts"]) for e in found if e["event"] == "started"), [])
    bad = {"failed", "refused", "skipped"}
    failed = {e["host"] for e in found if e["event"] == "resource" and e["verdict"] in bad}
    good = {
        e["host"]
        for e in found
        if e["event"] == "host" and e["started"] and not e["error"] and e["host"] not in failed
    }
    return [host for host in hosts if host not in good]


def _journals_to_keep() -> int:
    text = os.environ.get(KEEP, str(DEFAULT_RUNS)).strip()
    if not text.isdecimal() or int(text) < 1:
        raise InvalidInput(Problem("expected a number of runs, 1 or more", where=f"environment variable {KEEP}"))
    return int(text)


def _prune(own: Path, keep: int) -> None:
    """Remove all journals beside `own` but the `keep` that were written last. By the time of the files, not by their
    names: another machine, or a clock that was wrong, may have named them. Raises OSError."""
    written: list[tuple[int, Path]] = []
    for path in own.parent.glob("*.jsonl"):
        with suppress(FileNotFoundError):  # Another run prunes at the same time.
            written.append((path.stat().st_mtime_ns, path))
    others = sorted((each for each in written if each[1] != own), reverse=True)
    for _, path in others[keep - 1 :]:
        path.unlink(missing_ok=True)


def _new_id(directory: Path) -> str:
    """`20260302-1405-a3f1`: the minute in UTC, and the milliseconds in it as hex digits, so that ids sort by time."""
    while True:
        now = datetime.now(UTC)
        run = f"{now:%Y%m%d-%H%M}-{now.second * 1000 + now.microsecond // 1000:04x}"
        if not (directory / f"{run}.jsonl").exists():
            return run
        time.sleep(0.001)


def changed(found: list[dict[str, Any]]) -> dict[str, dict[str, Changed]]:
    """Host → resource → what a run changed of it, or may have changed before it failed."""
    hosts: dict[str, dict[str, Changed]] = {}
    for event in found:
        if event["event"] == "resource" and event["verdict"] in ("changed", "failed") and event["attributes"]:
            attributes = tuple(attribute["name"] for attribute in event["attributes"])
            hosts.setdefault(event["host"], {})[event["name"]] = Changed(event["prior"], attributes, event["kind"])
    return hosts


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
