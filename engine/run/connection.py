"""Reaching one host: the programs that run on it, and what they reported. At most one is in flight."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.errors import EngineError, LockHeld
from engine.model import (
    WRONG,
    DeclaredResource,
    Host,
    Outside,
    Phase,
    Reason,
    Sentence,
    Transport,
    Upload,
    Why,
    become_of,
)
from engine.model.events import Progress, StepFinished, StepStarted
from engine.program import parser
from engine.program.compose import compose, run
from engine.program.section import Lock, Section
from engine.run.results import SectionResults
from engine.run.sections import Patience, place, probes, resource_of, usable

if TYPE_CHECKING:
    from engine.kit import Variables


class HostConnection:
    """The way to a host, and how often it was taken: `trips`.

    `transport` leads to the host; `here` to the controller itself, for what is asked from there; `other` gives one
    to the host as another user. Raises Unreachable and HostFailed from every method that reaches the host.
    """

    def __init__(
        self,
        host: Host,
        transport: Transport,
        here: Transport,
        progress: Progress,
        other: Callable[[str], Transport] | None = None,
    ) -> None:
        self.host, self.transport, self.here, self.progress, self.other = host.name, transport, here, progress, other
        self.become = become_of(host.name, host.vars)
        self.awaited: Mapping[str, Variables] = {}
        self.trips = 0
        self.stopped = False
        self._running: tuple[Transport, int, str] | None = None

    def probe(
        self,
        resources: Iterable[DeclaredResource],
        phase: Phase,
        once: Collection[str] = (),
        over: Transport | None = None,
        left: Mapping[str, Patience] | None = None,
    ) -> SectionResults:
        """Probe resources, from the host or from the controller as they ask to be. A plan takes its trip even where
        it has nothing to ask, for it says whether the host can be reached. `once` and `left` as for `probes`; `over`
        is a trip that was begun, and counted, before."""
        here, there = split(resources)
        seen = SectionResults()
        if there or phase == "plan":
            self.trips += over is None
            sections = probes(there, phase, once=once, left=left, awaited=self.awaited)
            seen.merge(self._run(over or self.transport, sections))
        if here:
            seen.merge(self._run(self.here, probes(here, phase, once=once, left=left)))
        return seen

    def run_sections(self, sections: list[Section], lock: Lock | None, checks: Collection[str]) -> SectionResults:
        """Run actions and what proves them, while holding the host's lock. Progress is told of each action, and of
        the resources named in `checks`. Raises LockHeld where another has the lock."""
        self.trips += 1
        return self._run(self.transport, sections, lock, checks)

    def send(self, uploads: Mapping[str, Upload], users: Mapping[str, str | None]) -> dict[str, str]:
        """Send bulk content; one trip for each of the `users` (resource → whose it is to be). Name of the upload →
        directory on the host."""
        if not uploads:
            return {}
        from engine.program.upload import stage

        bulk: dict[str | None, dict[str, Upload]] = {}
        for name, upload in uploads.items():
            user = users[resource_of(name)] if self.other is not None else None
            bulk.setdefault(user, {})[name] = upload
        found: dict[str, str] = {}
        for user, some in bulk.items():
            self.trips += 1
            found |= stage(self.other(user) if self.other is not None and user else self.transport, some)
        return found

    def stop(self) -> None:
        """Let the running step finish, and start none after it. Called from another thread; best effort."""
        self.stopped = True
        self._ask_to_stop()

    def _ask_to_stop(self) -> None:
        running = self._running
        if running is None:
            return
        from engine.program.lock import stop_program

        transport, pid, born = running
        with suppress(EngineError):
            for _ in run(transport, stop_program(pid, born)):
                pass

    def _run(
        self, transport: Transport, sections: list[Section], lock: Lock | None = None, checks: Collection[str] = ()
    ) -> SectionResults:
        # Marks and other probes are not worth telling of while they run.
        shown = {
            section.name: of
            for section in (sections if lock is not None else ())
            if section.name.startswith(("act:", "probe:", "gate:"))
            and ((of := resource_of(section.name)) in checks or section.name.startswith("act:"))
        }
        seen = SectionResults()
        lock = lock and replace(lock, stopped=self.stopped)
        try:
            program = compose(sections, lock=lock, become=self.become)
        except Exception:
            program = compose(list(map(usable, sections)), lock=lock, become=self.become)
        for event in run(transport, program):
            match event:
                case parser.Hello(pid, born) if lock is not None:
                    self._running = (transport, pid, born)
                    if self.stopped:
                        # Stopped while the program was on its way: nobody has asked this one yet.
                        self._ask_to_stop()
                case parser.Started(section) if section in shown:
                    self.progress(StepStarted(self.host, shown[section]))
                case parser.Finished(section, result):
                    seen.results[section] = result
                    if section in shown:
                        done = result.status == 0 or (section.startswith("probe:") and result.status == WRONG)
                        self.progress(StepFinished(self.host, shown[section], result.seconds, done))
                case parser.Skipped(section, because):
                    seen.skipped[section] = Reason(Why.NEEDS_FAILED, (resource_of(because),))
                case parser.LockBusy(holder):
                    raise LockHeld(Sentence(f"{self.host}: another apply holds its lock: ", Outside(holder)))
                case parser.Waited():
                    seen.waited = True
                case parser.Stopped():
                    seen.stopped = True
        self._running = None
        return seen


def split(resources: Iterable[DeclaredResource]) -> tuple[list[DeclaredResource], list[DeclaredResource]]:
    """Those looked at from the controller, and those looked at from the host."""
    here: list[DeclaredResource] = []
    there: list[DeclaredResource] = []
    for resource in resources:
        (here if place(resource) == "controller" else there).append(resource)
    return here, there
