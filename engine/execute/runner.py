"""One host: observe, plan, apply, verify."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace

from engine.errors import InvalidInput, LockHeld
from engine.execute.ask import Asked
from engine.execute.events import Result
from engine.execute.outcome import Carried, outcomes
from engine.execute.reach import Reach, split
from engine.execute.sections import carry, probe_name, probes, resource_of, uploads
from engine.execute.seen import Seen
from engine.execute.shell import Lock
from engine.model import (
    Facts,
    HostDeclaration,
    HostPlan,
    HostReport,
    Outcome,
    Secret,
    Step,
    Transport,
    Upload,
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

    `finish` where what is declared depends on facts of the host: they are asked for in the trip that plans it. The
    transports are those of `Reach`. `found` are the secrets seen on the host so far. Raises Unreachable and
    HostFailed from every method that reaches the host.
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
        self.reach = Reach(declared.host, transport, here, progress, other)
        self.host, self.finish = declared.host.name, finish
        self.draft: Draft | None = None
        self.invalid: InvalidInput | None = None
        self.found: set[Secret] = set()
        self._facts: dict[str, Observation] = {}
        self._declare(declared, settings)

    def _declare(self, declared: HostDeclaration, settings: Settings) -> None:
        self.declared, self.settings = declared, settings
        self._by_name = {resource.name: resource for resource in declared.resources}

    @property
    def trips(self) -> int:
        """How often the host was reached."""
        return self.reach.trips

    def stop(self) -> None:
        """See `Reach.stop`."""
        self.reach.stop()

    def plan(self) -> HostPlan:
        """One trip: look, and say what differs. Writes nothing on the host."""
        start = time.monotonic()
        finish = self.finish
        observed = self._observe() if finish is None else self._asked(finish)
        self.draft = self._drafted(observed)
        took = time.monotonic() - start
        return HostPlan(self.host, self.draft.steps, trips=self.trips, seconds=took, facts=self.declared.facts)

    def _asked(self, finish: Finish) -> dict[str, Observation]:
        """Ask the host for its facts, finish with them what is declared for it, and observe it in the same trip.
        Raises InvalidInput, which `invalid` keeps, where what is declared is wrong on this host."""
        self.reach.trips += 1
        with closing(Asked(self.reach.transport)) as asked:
            try:
                self._declare(*finish(asked.facts))
            except InvalidInput as error:
                self.invalid = error
                raise
            self.finish = None
            return self._observe(asked)

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

    def _again(self, after: Draft, done: Mapping[str, Carried]) -> bool:
        """Something is to be done that no action of this run has failed at or already tried twice."""
        if any(carried.ended != "done" for carried in done.values()):
            return False
        fresh = [name for name in after.work if name not in done]
        return bool(fresh)

    def _carry_out(self, plan: Draft) -> tuple[Seen, dict[str, Carried]]:
        if plan.idle:
            return self._without_changes(plan), {}
        if self.reach.stopped:
            return Seen(stopped=True), {name: Carried("skipped", reason="the run was stopped") for name in plan.work}
        staged = self._stage(plan)
        carrying = carry(self.declared, plan, staged, self.settings.run)
        here, there = split(self.declared.resources)
        once = hopeless(plan.steps)
        sections = [*carrying.sections, *probes(there, "verify", carrying.behind(self.declared), once)]
        checks = {resource.name for resource in there if resource.resource.check}
        seen = self.reach.carry_out(sections, self.settings.lock, checks)
        if seen.waited or seen.stopped:
            return seen, seen.carried(carrying.of_step)
        carried = seen.carried(carrying.of_step)
        if all(c.ended == "done" for c in carried.values()):
            seen.merge(self.reach.look(here, "verify", once))
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
                seen.results[probe_name(name)] = Result(1, {}, observation.error, False, 0.0)
            else:
                seen.results[probe_name(name)] = Result(0, dict(observation.facts), "", False, 0.0)
        seen.merge(self.reach.look(again, "verify"))
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
            if not again or seen.skipped or self.reach.stopped:
                return
            time.sleep(1.0)
            seen.merge(self.reach.look(again, "verify"))

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

    def _observe(self, over: Transport | None = None) -> dict[str, Observation]:
        seen = self.reach.look(self.declared.resources, "plan", over=over)
        self._facts = seen.observations(self.declared.resources)
        return self._facts

    def _stage(self, plan: Draft) -> dict[str, str]:
        """Send bulk content to those who are to have it."""
        bulk: dict[str | None, dict[str, Upload]] = {}
        for name, upload in uploads(plan).items():
            user = self._by_name[resource_of(name)].become
            bulk.setdefault(user if self.reach.other is not None else None, {})[name] = upload
        return self.reach.send(bulk)

    def _drafted(self, observed: Mapping[str, Observation], settled: bool = False) -> Draft:
        drafted = draft(
            self.declared,
            observed,
            left_out=self.settings.left_out,
            skipped=self.settings.skipped,
            fingerprint=self.settings.fingerprint,
            settled=settled,
        )
        self.found |= drafted.found
        return drafted
