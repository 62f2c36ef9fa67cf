"""Many hosts: plan them all at once, apply them in batches, stop by the rule.

Written against `concurrent.futures.Executor`: each task is one host, and needs nothing but its own `HostRun`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import replace
from typing import TypeVar

from engine.codes import Code
from engine.errors import EngineError, InvalidInput, Unreachable, internal
from engine.model import Batch, Drift, HostPlan, HostReport, Stop
from engine.model.events import HostFinished, HostObserved, HostObserving, HostStarted, Progress
from engine.model.sentence import without_name
from engine.run.apply import Agreed, apply
from engine.run.batches import RolloutRule
from engine.run.host import HostRun

T = TypeVar("T")

CLOSING = 1.0
"""Seconds for closing the connections of a run that is stopped at once."""

FAILED = frozenset({"failed", "refused", "skipped"})


def converged(report: HostReport) -> bool:
    """Every resource of the host is as declared, its checks included."""
    return (
        report.started
        and not (report.error or report.drift)
        and not any(o.verdict in FAILED for o in report.outcomes)
    )


class Rollout:
    """The runs of all hosts. `stop()` may be called from another thread.

    `refused` (host → why) holds hosts that must not be changed, since they are not what was reviewed.
    """

    def __init__(self, runs: Sequence[HostRun], executor: Executor, progress: Progress) -> None:
        self.runs = {run.host: run for run in runs}
        self.executor, self.progress = executor, progress
        self.stopping = threading.Event()
        self.not_inspected: dict[str, HostPlan] = {}
        self.refused: dict[str, tuple[Drift, ...]] = {}

    def plan(self) -> tuple[HostPlan, ...]:
        """Observe every host, in parallel. A host that cannot be observed has an `error` instead of steps; what is
        declared wrongly for a host, given its facts, is in the `invalid` of its run."""
        return tuple(self._gather(list(self.runs.values()), self._plan_one))

    def apply(
        self,
        rule: RolloutRule,
        agreed: Agreed | None = None,
        finished: Callable[[HostReport], None] = lambda report: None,
    ) -> tuple[tuple[HostReport, ...], tuple[Batch, ...], Stop | None]:
        """Carry out the plans batch by batch: reports in the order of the batches, the batches with their seconds,
        and why it stopped early, if it did. `finished` hears of each host as it ends, from its thread."""
        reports: list[HostReport] = []
        batches: list[Batch] = []
        stopped: Stop | None = None

        def one(run: HostRun) -> HostReport:
            report = self._apply_one(run, agreed)
            finished(report)
            return report

        for index, names in enumerate(rule.batches):
            if index and rule.pause and not stopped:
                self._pause(rule.pause)
            if stopped or self.stopping.is_set():
                left = [HostReport(name, started=False) for name in names]
                for report in left:
                    finished(report)
                reports.extend(left)
                batches.append(Batch(names))
                continue
            start = time.monotonic()
            reports.extend(self._gather([self.runs[name] for name in names], one))
            batches.append(Batch(names, time.monotonic() - start))
            failures = sum(not converged(report) for report in reports)
            if failures > rule.max_failures and index + 1 < len(rule.batches):
                stopped = Stop.FAILURES
        if self.stopping.is_set():
            stopped = Stop.REQUESTED
        return tuple(reports), tuple(batches), stopped

    def stop(self) -> None:
        """Running steps finish, none is started after them, no further host is begun. Returns once every host has
        been asked; one that does not answer holds up no other."""
        self.stopping.set()
        asking = [
            threading.Thread(target=run.connection.stop, name="stop", daemon=True) for run in self.runs.values()
        ]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()

    def close(self, at_once: bool = False) -> None:
        """Close every connection. `at_once`: what is in the way of that is waited for a second at most."""
        transports = [run.connection.transport for run in self.runs.values()]
        if not at_once:
            for transport in transports:
                transport.close()
            return
        closing = [threading.Thread(target=transport.close, name="closer", daemon=True) for transport in transports]
        for thread in closing:
            thread.start()
        until = time.monotonic() + CLOSING
        for thread in closing:
            thread.join(max(0.0, until - time.monotonic()))

    def _pause(self, seconds: float) -> None:
        """Between two batches; in short pieces, for Windows handles a Ctrl-C only between two waits."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self.stopping.wait(min(left, 0.5)):
            pass

    def _gather(self, runs: Sequence[HostRun], task: Callable[[HostRun], T]) -> list[T]:
        futures: list[Future[T]] = [self.executor.submit(task, run) for run in runs]
        pending = set(futures)
        while pending:
            _, pending = wait(pending, timeout=0.5)
        return [future.result() for future in futures]

    def _plan_one(self, run: HostRun) -> HostPlan:
        if self.stopping.is_set():
            return HostPlan(run.host, error="not inspected, because the run was stopped", code=str(Code.INTERRUPTED))
        self.progress(HostObserving(run.host))
        start, ok = time.monotonic(), False
        try:
            plan = self._planned(run)
            ok = not plan.error
        finally:
            self.progress(HostObserved(run.host, time.monotonic() - start, ok))
        return plan

    def _planned(self, run: HostRun) -> HostPlan:
        try:
            return run.plan()
        except InvalidInput as error:
            if run.invalid is None:
                raise
            found = HostPlan(run.host, error=error.coded(), code=str(error.code), invalid=True)
        except EngineError as error:
            lost = isinstance(error, Unreachable)
            text = without_name(run.host, error)
            found = HostPlan(run.host, error=text, code=str(error.code), unreachable=lost)
        except Exception as error:
            found = HostPlan(run.host, error=internal(error), code=str(Code.INTERNAL))
        self.not_inspected[run.host] = found = replace(found, trips=run.connection.trips)
        return found

    def _apply_one(self, run: HostRun, agreed: Agreed | None) -> HostReport:
        if self.stopping.is_set():
            return HostReport(run.host, started=False)
        self.progress(HostStarted(run.host))
        start = time.monotonic()
        report = self._carried_out(run, agreed)
        report = replace(report, seconds=time.monotonic() - start, trips=run.connection.trips)
        changed = sum(outcome.verdict == "changed" for outcome in report.outcomes)
        self.progress(HostFinished(run.host, converged(report), changed))
        return report

    def _carried_out(self, run: HostRun, agreed: Agreed | None) -> HostReport:
        if run.host in self.refused:
            return HostReport(run.host, drift=self.refused[run.host])
        if run.host in self.not_inspected:
            found = self.not_inspected[run.host]
            return HostReport(run.host, error=found.error, code=found.code, unreachable=found.unreachable)
        try:
            return apply(run, agreed)
        except EngineError as error:
            # Whatever ends the run on one host, what was done on the others is still to be told.
            lost = isinstance(error, Unreachable)
            text = without_name(run.host, error)
            return HostReport(run.host, error=text, code=str(error.code), unreachable=lost)
        except Exception as error:
            return HostReport(run.host, error=internal(error), code=str(Code.INTERNAL))
