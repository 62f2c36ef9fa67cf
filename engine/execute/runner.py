"""One host: observe, plan, apply, verify. At most one program in flight; each program is one exec."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace

from engine.errors import EngineError, InvalidInput, LockHeld
from engine.execute import frames
from engine.execute.ask import Asked
from engine.execute.lock import stop_program
from engine.execute.outcome import Carried, outcomes
from engine.execute.sections import carry, probe_name, probes, resource_of, uploads
from engine.execute.seen import Seen
from engine.execute.shell import Lock, Section, compose, run
from engine.execute.upload import stage
from engine.model import (
    Declared,
    Facts,
    HostDeclaration,
    HostPlan,
    HostReport,
    Outcome,
    Phase,
    Secret,
    Step,
    Transport,
    Upload,
    become_of,
)
from engine.model.progress import Progress
from engine.plan.cause import hopeless
from engine.plan.planner import Draft, Observation, draft

ROUNDS = 3
"""How often changes are carried out in one apply: verifying may show that one undid what was converged before it (a
recreated container has lost its packages)."""


@dataclass(frozen=True)
class Settings:
    """What a run is told from outside. `lock` for applies; `fix` the command that would go on with this host;
    `run` the id under which the host keeps what is replaced (empty: it keeps nothing)."""

    fingerprint: Callable[[Secret], str]
    left_out: frozenset[str] = frozenset()
    skipped: frozenset[str] = frozenset()
    lock: Lock | None = None
    fix: str = ""
    run: str = ""


Finish = Callable[[Facts], tuple[HostDeclaration, Settings]]
"""Facts of a host → what is declared for it, and the settings that fit. Raises InvalidInput."""


class HostRun:
    """Everything that happens on one host, over one transport.

    `finish` where what is declared depends on facts of the host: they are asked for in the trip that plans it.
    `here` is the transport to the controller itself, for what is asked from there; `other` gives one to the host as
    another user. Raises Unreachable and HostFailed from every method that reaches the host.
    """

    def __init__(
        self,
        declared: HostDeclaration,
        transport: Transport,
        here: Transport,
        settings: Settings,
        progress: Progress,
        finish: Finish | None = None,
        other: Callable[[str], Transport] | None = None,
    ) -> None:
        self.transport, self.here, self.progress, self.finish = transport, here, progress, finish
        self.other = other
        self.become = become_of(declared.host.name, declared.host.vars)
        self.host = declared.host.name
        self.trips = 0
        self.draft: Draft | None = None
        self.stopped = False
        self.invalid: InvalidInput | None = None
        self._facts: dict[str, Observation] = {}
        self._running: tuple[Transport, int, str] | None = None
        self._declare(declared, settings)

    def _declare(self, declared: HostDeclaration, settings: Settings) -> None:
        self.declared, self.settings = declared, settings
        self._by_name = {resource.name: resource for resource in declared.resources}

    def plan(self) -> HostPlan:
        """One trip: look, and say what differs. Writes nothing on the host."""
        start = time.monotonic()
        finish = self.finish
        observed = self._observe("plan", self.declared.resources) if finish is None else self._asked(finish)
        self.draft = self._drafted(observed)
        took = time.monotonic() - start
        return HostPlan(self.host, self.draft.steps, trips=self.trips, seconds=took, facts=self.declared.facts)

    def _asked(self, finish: Finish) -> dict[str, Observation]:
        """Ask the host for its facts, finish with them what is declared for it, and observe it in the same trip.
        Raises InvalidInput, which `invalid` keeps, where what is declared is wrong on this host."""
        self.trips += 1
        with closing(Asked(self.transport)) as asked:
            try:
                self._declare(*finish(asked.facts))
            except InvalidInput as error:
                self.invalid = error
                raise
            self.finish = None
            return self._observe("plan", self.declared.resources, asked)

    def apply(self, agreed: Callable[[HostPlan], str] | None = None) -> HostReport:
        """Carry out what `plan` found (planning first where it was not called) and prove it.

        `agreed` is asked again when the host had to be planned anew, and answers why the new plan may not be
        carried out, or nothing; then the report is one of drift.
        """
        start = time.monotonic()
        if self.draft is None:
            self.plan()
        first: dict[str, Step] = {}
        done: dict[str, Carried] = {}
        found: tuple[Outcome, ...] = ()
        for _ in range(ROUNDS):
            seen, carried = self._carry_out(self._plan_in_hand())
            while seen.waited:
                # Another apply was here first: what was planned may no longer be so.
                replanned, first = self.plan(), {}
                drift = agreed(replanned) if agreed is not None else ""
                if drift:
                    return HostReport(self.host, error=drift, drift=True, trips=self.trips)
                self._give_up(start)
                seen, carried = self._carry_out(self._plan_in_hand())
            first = first or {step.name: step for step in self._plan_in_hand().steps}
            done.update(carried)
            observed = seen.observations(self.declared.resources)
            found = self._judge(first, done, observed, seen)
            self.draft = self._drafted(observed)
            if seen.stopped or not self._again(self.draft, done):
                break
        return HostReport(self.host, found, trips=self.trips, seconds=time.monotonic() - start)

    def _plan_in_hand(self) -> Draft:
        assert self.draft is not None
        return self.draft

    def _give_up(self, start: float) -> None:
        """Raises LockHeld where others have come first for as long as a lock may be waited for."""
        wait = self.settings.lock.wait if self.settings.lock is not None else 0.0
        if time.monotonic() - start > wait:
            raise LockHeld(f"{self.host}: other applies came first for {wait:.0f} s; apply again later")

    def stop(self) -> None:
        """Let the running step finish, and start none after it. Called from another thread; best effort."""
        self.stopped = True
        self._ask_to_stop()

    def _ask_to_stop(self) -> None:
        running = self._running
        if running is None:
            return
        transport, pid, born = running
        with suppress(EngineError):
            for _ in run(transport, stop_program(pid, born)):
                pass

    def _again(self, after: Draft, done: Mapping[str, Carried]) -> bool:
        """Something is to be done that no action of this run has failed at or already tried twice."""
        if any(carried.ended != "done" for carried in done.values()):
            return False
        fresh = [name for name in after.work if name not in done]
        return bool(fresh)

    def _carry_out(self, plan: Draft) -> tuple[Seen, dict[str, Carried]]:
        if plan.idle:
            return self._without_changes(plan), {}
        if self.stopped:
            return Seen(stopped=True), {name: Carried("skipped", reason="the run was stopped") for name in plan.work}
        staged = self._stage(plan)
        carrying = carry(self.declared, plan, staged, self.settings.run)
        here, there = self._split(self.declared.resources)
        once = hopeless(plan.steps)
        sections = [*carrying.sections, *probes(there, "verify", carrying.behind(self.declared), once)]
        seen = self._run(self.transport, sections, self.settings.lock)
        if seen.waited or seen.stopped:
            return seen, seen.carried(carrying.of_step)
        carried = seen.carried(carrying.of_step)
        failed = any(c.ended != "done" for c in carried.values())
        if here and not failed:
            seen.merge(self._run(self.here, probes(here, "verify", once=once), None, trip=False))
        self._retry(seen)
        return seen, carried

    def _without_changes(self, plan: Draft) -> Seen:
        """Nothing to carry out: what was seen stands, but a check that said "not yet" is asked with patience."""
        waiting = {name for name, seen in self._facts.items() if seen.facts.get("not_yet")} - hopeless(plan.steps)
        again = [
            self._by_name[step.name]
            for step in plan.steps
            if step.check and step.outlook in ("failing", "check") and step.name in waiting
        ]
        seen = Seen()
        for name, observation in self._facts.items():
            if observation.error:
                seen.results[probe_name(name)] = frames.Result(1, {}, observation.error, False, 0.0)
            else:
                seen.results[probe_name(name)] = frames.Result(0, dict(observation.facts), "", False, 0.0)
        here, there = self._split(again)
        if there:
            seen.merge(self._run(self.transport, probes(there, "verify"), None))
        if here:
            seen.merge(self._run(self.here, probes(here, "verify"), None, trip=False))
        return seen

    def _retry(self, seen: Seen) -> None:
        """Ask again what only the controller could judge, as often as `retries` says."""
        for attempt in range(max((r.retries for r in self.declared.resources if r.resource.check), default=0)):
            settled = self._drafted(seen.observations(self.declared.resources), settled=True)
            again = [
                self._by_name[step.name]
                for step in settled.steps
                if step.outlook == "failing" and self._by_name[step.name].retries > attempt
            ]
            if not again or seen.skipped or self.stopped:
                return
            time.sleep(1.0)
            here, there = self._split(again)
            if there:
                seen.merge(self._run(self.transport, probes(there, "verify"), None))
            if here:
                seen.merge(self._run(self.here, probes(here, "verify"), None, trip=False))

    def _judge(
        self,
        first: Mapping[str, Step],
        carried: Mapping[str, Carried],
        observed: Mapping[str, Observation],
        seen: Seen,
    ) -> tuple[Outcome, ...]:
        after = self._drafted(observed, settled=True)
        seconds = {name: seen.results[probe_name(name)].seconds for name in first if probe_name(name) in seen.results}
        found = outcomes(
            first, carried, {s.name: s for s in after.steps}, seconds, self.settings.fix, self.settings.skipped
        )
        return tuple(
            replace(outcome, verdict="skipped", reason=seen.skipped[probe_name(outcome.step.name)])
            if probe_name(outcome.step.name) in seen.skipped and outcome.verdict in ("failed", "unproven")
            else outcome
            for outcome in found
        )

    # --- reaching the host -----------------------------------------------------------------------------------

    def _observe(
        self, phase: Phase, resources: tuple[Declared, ...], over: Transport | None = None
    ) -> dict[str, Observation]:
        here, there = self._split(resources)
        # `over` is a trip that was begun, and counted, before.
        seen = self._run(over or self.transport, probes(there, phase), None, trip=over is None)
        if here:
            seen.merge(self._run(self.here, probes(here, phase), None, trip=False))
        self._facts = seen.observations(resources)
        return self._facts

    def _stage(self, plan: Draft) -> dict[str, str]:
        """Send bulk content; one trip for each user who is to have some."""
        bulk: dict[str | None, dict[str, Upload]] = {}
        for name, upload in uploads(plan).items():
            user = self._by_name[resource_of(name)].become
            bulk.setdefault(user if self.other is not None else None, {})[name] = upload
        found: dict[str, str] = {}
        for user, some in bulk.items():
            self.trips += 1
            found |= stage(self.other(user) if self.other is not None and user else self.transport, some)
        return found

    def _run(self, transport: Transport, sections: list[Section], lock: Lock | None, trip: bool = True) -> Seen:
        self.trips += trip
        seen = Seen()
        program = compose(sections, lock=lock and replace(lock, stopped=self.stopped), become=self.become)
        for event in run(transport, program):
            match event:
                case frames.Hello(pid, born) if lock is not None:
                    self._running = (transport, pid, born)
                    if self.stopped:
                        # Stopped while the program was on its way: nobody has asked this one yet.
                        self._ask_to_stop()
                case frames.Started(section):
                    if lock is not None and self._telling(section):
                        self.progress.step_started(self.host, resource_of(section))
                case frames.Finished(section, result):
                    seen.results[section] = result
                    if lock is not None and self._telling(section):
                        done = result.status == 0
                        self.progress.step_finished(self.host, resource_of(section), result.seconds, done)
                case frames.Skipped(section, because):
                    seen.skipped[section] = f"needs {resource_of(because)}, which failed"
                case frames.LockBusy(holder):
                    raise LockHeld(f"{self.host}: another apply holds its lock: {holder}")
                case frames.Waited():
                    seen.waited = True
                case frames.Stopped():
                    seen.stopped = True
        self._running = None
        return seen

    def _telling(self, section: str) -> bool:
        """Actions and checks are worth telling of while they run; marks and other probes are not."""
        name = resource_of(section)
        return section.startswith("act:") or (section.startswith("probe:") and self._by_name[name].resource.check)

    # --- from results to values ------------------------------------------------------------------------------

    def _drafted(self, observed: Mapping[str, Observation], settled: bool = False) -> Draft:
        return draft(
            self.declared,
            observed,
            left_out=self.settings.left_out,
            skipped=self.settings.skipped,
            fingerprint=self.settings.fingerprint,
            settled=settled,
        )

    def _split(self, resources: tuple[Declared, ...] | list[Declared]) -> tuple[list[Declared], list[Declared]]:
        """Those looked at from the controller, and those looked at from the host."""
        here = [resource for resource in resources if resource.resource.where() == "controller"]
        return here, [resource for resource in resources if resource.resource.where() == "host"]
