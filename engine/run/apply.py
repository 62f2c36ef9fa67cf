"""The apply of one host: its plan carried out stage by stage, and proved."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from itertools import chain

from engine.errors import LockHeld
from engine.model import DeclaredResource, Drift, HostPlan, HostReport, Outcome, Reason, Why
from engine.plan.cause import not_worth_waiting_for, upstream
from engine.plan.gates import Gates
from engine.plan.planner import Observation, PlannedHost
from engine.program.events import Result
from engine.run.connection import split
from engine.run.host import HostRun
from engine.run.outcome import ActionResult, outcomes
from engine.run.results import SectionResults
from engine.run.sections import (
    Patience,
    apply_sections,
    awaited,
    gate_name,
    patience,
    probe_name,
    probes,
    proofs,
    proving,
    services_last,
    uploads,
)
from engine.run.stages import SoFar, Stage, Stages, as_planned

ROUNDS = 3
"""How often changes are carried out in one apply: verifying may show that one undid what was converged before it (a
recreated container has lost its packages)."""

PAUSE = 1.0
"""Seconds before the controller asks again."""

Agreed = Callable[[HostPlan], tuple[Drift, ...]]
"""A plan → why it may not be carried out, or nothing."""


def apply(run: HostRun, agreed: Agreed | None = None) -> HostReport:
    """Carry out what `run.plan` found (planning first where it was not called) and prove it. Raises Unreachable and
    HostFailed.

    `agreed` is asked again when the host had to be planned anew, and answers why the new plan may not be carried
    out, or nothing; then the report is one of drift.
    """
    if run.planned is None:
        run.plan()
    return Apply(run).report(agreed)


class Apply:
    """Carries out the plan of one host. Raises Unreachable, HostFailed and LockHeld."""

    def __init__(self, run: HostRun) -> None:
        self.run, self.connection, self.settings = run, run.connection, run.settings
        self.by_name = {resource.name: resource for resource in run.declared.resources}
        self.gates = Gates(run.declared)
        self.checks = frozenset(self.gates.checks)
        self.so_far = SoFar()
        self.connection.awaited = awaited(run.declared)
        self.start = time.monotonic()

    @property
    def planned(self) -> PlannedHost:
        """The plan in hand."""
        assert self.run.planned is not None
        return self.run.planned

    def report(self, agreed: Agreed | None) -> HostReport:
        """What became of it. `agreed` as for `apply`."""
        found: tuple[Outcome, ...] = ()
        rounds = ROUNDS
        while rounds:
            left_out, careful = self.settings.skipped, agreed is not None
            stage = Stages(self.run.declared, self.gates, self.planned, self.so_far, left_out, careful).next()
            reported, action_results = self._carry_out(stage)
            if reported.waited:
                # Another apply was here first: what was planned may no longer be so.
                self.run.plan()
            else:
                found = self._took(stage, reported, action_results)
            if reported.waited or not (stage.last or reported.stopped):
                drift = agreed(self._as_planned()) if agreed is not None else ()
                if drift:
                    return self._drifted(drift, reported)
                if reported.waited:
                    self._give_up()
                continue
            if reported.stopped or not self._again():
                break
            rounds -= 1
            self.so_far.tried.clear()
        return HostReport(self.run.host, found, trips=self.connection.trips, seconds=time.monotonic() - self.start)

    def _as_planned(self) -> HostPlan:
        """The plan in hand, as it compares with the one that was carried out until now."""
        first, done = self.so_far.first, self.so_far.done
        steps = tuple(
            step if step.name not in first
            else first[step.name] if step.name in done
            else as_planned(first[step.name], step, done)
            for step in self.planned.steps
        )  # fmt: skip
        return HostPlan(self.run.host, steps, trips=self.connection.trips, facts=self.run.declared.facts)

    def _drifted(self, drift: tuple[Drift, ...], reported: SectionResults) -> HostReport:
        """The report where the host is not what was agreed to; what was done before that is in it."""
        found: tuple[Outcome, ...] = ()
        if self.so_far.done:
            self._leave(self.planned, Reason(Why.DRIFTED))
            found = self._judge(reported, self._settled(self.run.observed))
        return HostReport(self.run.host, found, drift=drift, trips=self.connection.trips)

    def _give_up(self) -> None:
        """Raises LockHeld where others have come first for as long as a lock may be waited for."""
        wait = self.settings.lock.wait if self.settings.lock is not None else 0.0
        if time.monotonic() - self.start > wait:
            raise LockHeld(f"{self.run.host}: other applies held the lock for {wait:.0f} s; try again later")

    def _again(self) -> bool:
        """Something is to be done that no action of this run has failed at or already tried twice."""
        done = self.so_far.done
        if any(action_results.ended != "done" for action_results in done.values()):
            return False
        return any(name not in done for name in self.planned.work)

    def _leave(self, plan: PlannedHost, reason: Reason) -> None:
        """Nothing more is begun of a plan."""
        for name in plan.work:
            self.so_far.done.setdefault(name, ActionResult("skipped", reason=reason))

    def _carry_out(self, stage: Stage) -> tuple[SectionResults, dict[str, ActionResult]]:
        """Run one stage, and observe the host after it."""
        if stage.idle:
            return self._without_changes(), {}
        if self.connection.stopped:
            return SectionResults(stopped=True), {}
        if stage.here:
            self._ask_here(stage.here)
        plan = self.planned
        part = replace(plan, work={name: work for name, work in plan.work.items() if name in stage.steps})
        staged = self.connection.send(uploads(part), {name: self.by_name[name].become for name in part.work})
        skipped = self.settings.skipped
        waited = self.connection.awaited
        here, there = split(self._to_look_at(stage))
        once = self._once() if stage.last else self.checks
        asked = {resource.name for resource in there if resource.name in self.checks - once}
        told = proving(self.run.declared, part.work.keys(), asked)
        carrying = apply_sections(
            self.run.declared, part, staged, self.settings.run, stage.gates, skipped, waited, told.keys()
        )
        behind = carrying.behind(self.run.declared, self.gates, skipped)
        on_controller = set(chain.from_iterable(told.values()))
        asking = probes(there, "verify", behind, once, on_controller=on_controller, awaited=waited)
        services = [name for name in part.work if self.by_name[name].resource.restarts]
        sections = [*carrying.sections, *services_last(asking, services)]
        sections += proofs(self.run.declared, told)
        shown = {*stage.gates, *(resource.name for resource in there if resource.resource.check)}
        reported = self.connection.run_sections(sections, self.settings.lock, shown)
        if stage.gates:
            self._keep(reported, reported.gates(stage.gates))
        action_results = reported.action_results(carrying.of_step)
        if reported.waited or reported.stopped:
            return reported, action_results
        if not stage.last:
            self._retry(reported, stage.on_controller - stage.here, there)
        else:
            if here and all(c.ended == "done" for c in action_results.values()):
                reported.merge(self.connection.probe(here, "verify", once))
            self._retry(reported, self.checks - once)
        return reported, action_results

    def _to_look_at(self, stage: Stage) -> list[DeclaredResource]:
        """Whom to observe after a stage. What was asked and is not asked again is left out."""
        asked = {name for name in stage.gates if not stage.last or self.by_name[name].resource.effects()}
        asked |= self.so_far.answers.keys() | (self.so_far.blocked.keys() & self.checks)
        return [resource for resource in self.run.declared.resources if resource.name not in asked]

    def _once(self) -> frozenset[str]:
        """The checks that are not worth waiting for, or that must not be asked."""
        steps = self.planned.steps
        left = {step.name for step in steps if step.check and step.outlook == "skipped"}
        mute = {name for name in self.checks - self.planned.sends if self.by_name[name].resource.effects()}
        return not_worth_waiting_for(steps) | left | mute

    def _ask_here(self, names: Collection[str]) -> None:
        """Ask gates from the controller, and judge them."""
        asked = [resource for resource in self.run.declared.resources if resource.name in names]
        reported = self.connection.probe(asked, "verify")
        self._retry(reported, names)
        self.run.observed = {**self.run.observed, **reported.observations(asked)}
        self._settle(names, reported)
        so_far = self.so_far
        so_far.block(self.run.declared, self.gates, so_far.failed, self.settings.skipped)

    def _keep(self, reported: SectionResults, answers: Mapping[str, Result]) -> None:
        """Keep what is not asked again: what a check with effects answered, and a gate that does not hold."""
        for name, result in answers.items():
            failed = reported.results[gate_name(name)].status != 0
            if failed:
                self.so_far.failed.add(name)
            if failed or self.by_name[name].resource.effects():
                self.so_far.answers[name] = result

    def _settle(self, names: Iterable[str], reported: SectionResults) -> None:
        """Judge the gates that only the controller can judge."""
        after = {step.name: step for step in self._settled(self.run.observed).steps}
        for name in names:
            result = reported.results.get(probe_name(name))
            holds = result is not None and after[name].outlook == "converged"
            if holds:
                self.so_far.passed.add(name)
            elif result is not None:
                self.so_far.failed.add(name)
            if result is not None and (not holds or self.by_name[name].resource.effects()):
                self.so_far.answers[name] = result

    def _took(
        self, stage: Stage, reported: SectionResults, action_results: Mapping[str, ActionResult]
    ) -> tuple[Outcome, ...]:
        """Take up what a stage did, plan what is left, and say what became of everything so far."""
        so_far, plan = self.so_far, self.planned
        for step in plan.steps:
            first = so_far.first.get(step.name)
            if first is None or (first.outlook == "skipped" != step.outlook):
                so_far.first[step.name] = step
            elif step.name in plan.work and step.name not in so_far.done:
                open_ = first.outlook in ("blocked", "check")
                so_far.first[step.name] = step if open_ else as_planned(first, step, so_far.done)
        for name, what in action_results.items():
            if what.ended != "skipped" and so_far.first[name].outlook == "blocked":
                so_far.first[name] = plan.work[name].step
        so_far.done |= {name: now.after(so_far.done.get(name)) for name, now in action_results.items()}
        so_far.tried.update(stage.steps)
        self.run.restarted.update(name for name, what in action_results.items() if what.ended == "done")
        for name, result in so_far.answers.items():
            reported.results.setdefault(probe_name(name), result)
        self._bar(reported)
        # A check that was neither asked nor skipped stays as it was found.
        fresh = reported.observations(self.run.declared.resources)
        known = {
            n: o for n, o in self.run.observed.items() if n in self.checks and not stage.last and not reported.has(n)
        }
        self.run.observed = {**fresh, **known}
        if not stage.last and not reported.stopped:
            self._settle(stage.on_controller - stage.here, reported)
            lost = [name for name, what in so_far.done.items() if what.ended != "done"]
            so_far.block(self.run.declared, self.gates, [*lost, *so_far.failed], self.settings.skipped)
            self._bar(reported)
        if reported.stopped:
            self._leave(plan, Reason(Why.STOPPED))
        final = self._settled(self.run.observed)
        # Where nothing differs and nothing is left to be asked, the host is planned by that already.
        over = stage.last and not final.work
        self.run.planned = final if over else self.run.plan_with(self.run.observed)
        for name in so_far.blocked.keys() & self.planned.work.keys():
            so_far.done.setdefault(name, ActionResult("skipped", reason=so_far.blocked[name]))
        return self._judge(reported, final)

    def _bar(self, reported: SectionResults) -> None:
        """A check that is not asked any more was skipped, whatever it answered before."""
        for name in self.so_far.blocked.keys() & self.checks - self.so_far.answers.keys():
            reported.results.pop(probe_name(name), None)
            reported.skipped[probe_name(name)] = self.so_far.blocked[name]

    def _without_changes(self) -> SectionResults:
        """Nothing to carry out: what was seen stands, but checks are asked again as far as they may be."""
        reported, plan, so_far = SectionResults(earlier=self.run.observed), self.planned, self.so_far
        waiting: dict[str, Patience] = {}
        idle = not_worth_waiting_for(plan.steps) | so_far.blocked.keys() | so_far.answers.keys()
        for step in plan.steps:
            if not step.check or step.outlook not in ("failing", "check") or step.name in idle:
                continue
            full, found = patience(self.by_name[step.name]), self.run.observed[step.name].facts
            behind = not upstream(step.name, self.gates.needs).isdisjoint(waiting.keys() & plan.sends)
            if step.name in plan.sends or found.get("not_yet") or behind or so_far.tried:
                waiting[step.name] = full
            elif full.retries:
                # The plan has asked it once.
                waiting[step.name] = full.after(1, 0)
        reported.merge(self.connection.probe([self.by_name[name] for name in waiting], "verify", left=waiting))
        self._retry(reported, waiting, left=waiting)
        return reported

    def _retry(
        self,
        reported: SectionResults,
        names: Collection[str],
        others: Collection[DeclaredResource] = (),
        left: Mapping[str, Patience] | None = None,
    ) -> None:
        """Ask again what only the controller could judge, as long as there is patience `left`. `others` are observed
        in the same trip."""
        resources = [self.by_name[name] for name in names if probe_name(name) in reported.results]
        if not resources:
            return
        rest = {r.name: (left or {}).get(r.name) or patience(r) for r in resources}
        asked = set(rest)
        while True:
            for name in asked:
                result = reported.results[probe_name(name)]
                rest[name] = rest[name].after(int(result.facts.get("retried", "0")), result.seconds + PAUSE)
            final = self._settled({**self.run.observed, **reported.observations(resources)})
            failing = {step.name for step in final.steps if step.outlook == "failing"}
            asked = {n for n, some in rest.items() if n in failing and some.retries > 0 and some.seconds >= 1}
            if not asked or self.connection.stopped:
                return
            time.sleep(PAUSE)
            for name in asked:
                rest[name] = rest[name].after(1, 0)
            again = [r for r in self.run.declared.resources if r.name in asked or r in others]
            reported.merge(self.connection.probe(again, "verify", self.checks - asked, left=rest))

    def _settled(self, observed: Mapping[str, Observation]) -> PlannedHost:
        """The steps where nothing is pending any more; gates are among them though --only left them out."""
        planned = (*self.so_far.first.values(), *self.planned.steps)
        return self.run.plan_with(observed, {s.name for s in planned if s.check and s.outlook != "skipped"})

    def _judge(self, reported: SectionResults, final: PlannedHost) -> tuple[Outcome, ...]:
        first, done = self.so_far.first, self.so_far.done
        after = {step.name: step for step in final.steps}
        seconds = {
            name: reported.results[probe_name(name)].seconds for name in first if probe_name(name) in reported.results
        }
        found = outcomes(first, done, after, seconds, self.settings.fix, self.settings.skipped)
        return tuple(
            replace(outcome, verdict="skipped", reason=reported.skipped[probe_name(outcome.step.name)])
            if probe_name(outcome.step.name) in reported.skipped and outcome.verdict in ("failed", "unproven")
            else outcome
            for outcome in found
        )
