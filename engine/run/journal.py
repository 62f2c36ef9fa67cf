"""The journal: what every apply did, as JSON lines under the project root's `.engine/runs/`.

One file a run, `RUN.jsonl`, mode 0600, append-only; each event is flushed as it happens, so that a killed run is
still told. What a host said is redacted before it gets here (`Redactor.scrub`), and a note right here; never
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
from typing import TYPE_CHECKING, Any, TextIO

from engine.codes import Code
from engine.errors import InvalidInput, Problem
from engine.model import HostReport, Outcome
from engine.model.events import Event, HostStarted, Note, StepFinished, StepStarted
from engine.model.problems import host_code, resource_code

if TYPE_CHECKING:
    from engine.plan.rollback import Changed

VERSION = 1
"""Of the lines of a journal. Version 0.1 of the engine did not write it down."""
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
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = json.dumps({"version": VERSION, "at": now, "event": event, **data}, ensure_ascii=False, default=str)
        with self._lock:
            if self.problem:
                return
            try:
                if self._file is None:
                    self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
                    self._file = os.fdopen(os.open(self._path, flags, 0o600), "w", encoding="utf-8")
                self._file.write(line + "\n")
                self._file.flush()
            except OSError as error:
                self.problem = f"{self._path} cannot be written: {error.strerror}"

    def event(self, event: Event) -> None:
        """Record what happens on a host as it happens. What became of it is for `host`."""
        match event:
            case HostStarted(host):
                self.write("host-started", host=host)
            case StepStarted(host, step):
                self.write("step-started", host=host, name=step)
            case StepFinished(host, step, seconds, ok):
                self.write("step-finished", host=host, name=step, seconds=round(seconds, 3), ok=ok)
            case Note(text):
                self.write("note", text=self._redact(text))

    def host(self, report: HostReport, error: str, why: Callable[[Outcome], str]) -> None:
        """What became of one host, resource by resource; the report is redacted. `error` is what ended the run there,
        if anything did, and `why` says of an outcome why it is so, both in words."""
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
                reason=why(outcome),
                code=resource_code(outcome),
                cause=outcome.cause.name if outcome.cause is not None else "",
                seconds=round(outcome.seconds, 3),
            )
        self.write(
            "host",
            host=report.host,
            error=error,
            code=host_code(report),
            unreachable=report.unreachable,
            drift=bool(report.drift),
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


def runs(project: Path) -> list[str]:
    """Ids of all runs, oldest first."""
    return sorted(path.stem for path in runs_directory(project).glob("*.jsonl"))


def events(project: Path, run: str) -> list[dict[str, Any]]:
    """All events of a run; a last line that a kill cut short is left out. Raises InvalidInput for an unknown run, and
    for one with lines of a version that this engine does not read."""
    path = runs_directory(project) / f"{run}.jsonl"
    if run not in runs(project):
        known = runs(project)[-5:]
        hint = f"The latest are: {', '.join(known)}" if known else "There are no runs yet."
        raise InvalidInput(
            Problem(f"there is no run `{run}`", where=str(runs_directory(project)), hints=(hint,), code=Code.NO_RUN)
        )
    found = list(_parsed(path))
    if strange := next((event["version"] for event in found if event.get("version", VERSION) != VERSION), None):
        what = f"was recorded in version {strange}, and this engine reads version {VERSION}"
        raise InvalidInput(
            Problem(what, where=run, hints=("Use the engine that applied it.",), code=Code.RUN_VERSION)
        )
    return found


def _parsed(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if not isinstance(event, dict):
                continue
            # A line of another version has a shape of its own.
            if (
                event.get("version", VERSION) != VERSION
                or _SHAPES.get(str(event.get("event")), frozenset()) <= event.keys()
            ):
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
        raise InvalidInput(
            Problem(
                "expected a number of runs, 1 or more", where=f"environment variable {KEEP}", code=Code.ENVIRONMENT
            )
        )
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
    from engine.plan.rollback import Changed

    hosts: dict[str, dict[str, Changed]] = {}
    for event in found:
        if event["event"] == "resource" and event["verdict"] in ("changed", "failed") and event["attributes"]:
            attributes = tuple(attribute["name"] for attribute in event["attributes"])
            hosts.setdefault(event["host"], {})[event["name"]] = Changed(event["prior"], attributes, event["kind"])
    return hosts
