"""What one program of an apply carries out, where checks stand between its steps. Pure.

A check that the host can judge is asked within the program. What stands behind one that only the controller can judge
is left for the next program: once that check has passed, the host is planned again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from engine.model import DeclaredResource, HostDeclaration, Phase, Reason, Step, Tense, Why
from engine.plan.cause import upstream
from engine.plan.gates import Gates
from engine.plan.planner import PlannedHost
from engine.program.events import Result
from engine.run.outcome import ActionResult


@dataclass(frozen=True)
class Stage:
    """`steps` have their actions carried out; `gates` are checks asked at their place, with the phase they are asked
    in: `gate` where the host judges. `on_controller` are those that it judges, after the program, and `here`
    those that are asked from there, before it. `last`: nothing is left for another stage."""

    steps: frozenset[str] = frozenset()
    gates: Mapping[str, Phase] = field(default_factory=dict)
    on_controller: frozenset[str] = frozenset()
    here: frozenset[str] = frozenset()
    last: bool = True

    @property
    def idle(self) -> bool:
        """Nothing to carry out, and no check to be asked at its place."""
        return not (self.steps or self.gates or self.here)


@dataclass
class SoFar:
    """How far an apply has come on a host.

    first    each step as it was planned
    done     what became of the actions of each step
    tried    the steps of this round that had their turn
    passed   gates that the controller found to hold
    failed   gates that do not hold
    answers  of checks that are not asked again: one with effects is asked once, and a gate that failed stays so
    barred   what is not begun any more, and why
    """

    first: dict[str, Step] = field(default_factory=dict)
    done: dict[str, ActionResult] = field(default_factory=dict)
    tried: set[str] = field(default_factory=set)
    passed: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    answers: dict[str, Result] = field(default_factory=dict)
    blocked: dict[str, Reason] = field(default_factory=dict)

    def block(
        self, declared: HostDeclaration, gates: Gates, failed: Collection[str], skipped: Collection[str]
    ) -> None:
        """Leave out whatever needs a step that failed, and what waits for a check that did: both in `failed`."""
        for resource in declared.resources:
            if resource.name in self.done or resource.name in self.blocked:
                continue
            gated = not resource.resource.check or resource.resource.effects()
            before = gates.nearest(resource.name, skipped) if gated else ()
            above = upstream(resource.name, gates.needs)
            lost = [name for name in failed if name in before or (name in above and name not in gates.checks)]
            lost += [name for name in self.blocked if name in before or (name in above and name not in gates.checks)]
            if lost:
                self.blocked[resource.name] = Reason(Why.NEEDS_FAILED, (lost[0],))


class Stages:
    """Says what can be carried out now. `skipped` are names that --skip leaves out. `careful`: what was reviewed
    counts, so a step that a check blocks is begun by no program before the controller has compared it."""

    def __init__(
        self,
        declared: HostDeclaration,
        gates: Gates,
        planned: PlannedHost,
        so_far: SoFar,
        skipped: Collection[str],
        careful: bool,
    ) -> None:
        self.gates, self.planned, self.so_far, self.skipped, self.careful = gates, planned, so_far, skipped, careful
        self.by_name = {resource.name: resource for resource in declared.resources}
        self.steps = {step.name: step for step in planned.steps}
        self.now: set[str] = set()
        self.later: set[str] = set()
        self.near: set[str] = set()
        self.far: set[str] = set()

    def _add(self, resource: DeclaredResource) -> None:
        name, so_far = resource.name, self.so_far
        work = name in self.planned.work and name not in so_far.tried
        if name in so_far.blocked or not (work or name in self.planned.sends - so_far.answers.keys()):
            return
        gates = [gate for gate in self.gates.nearest(name, self.skipped) if self._open(gate, resource)]
        far = {gate for gate in gates if self._far(gate, name)}
        if far or not self.later.isdisjoint(upstream(name, self.gates.needs)):
            self.later.add(name)
            self.far |= far | {gate for gate in gates if self.by_name[gate].resource.effects()}
        else:
            self.now.add(name)
            self.near.update(gates)

    def _open(self, gate: str, before: DeclaredResource) -> bool:
        """Whether a check has to be asked before a resource. What is planned of a check that has effects needs no
        more than that the plan found its gates to hold."""
        if gate in self.so_far.passed or gate in self.so_far.answers:
            return False
        return not (before.resource.check and self.steps[gate].outlook == "converged")

    def _far(self, gate: str, name: str) -> bool:
        resource = self.by_name[gate].resource
        if resource.where() == "controller" or resource.judge() == "controller":
            return True
        return self.careful and self.steps[name].outlook == "blocked"

    def next(self) -> Stage:
        """What the next program carries out."""
        for resource in self.by_name.values():
            self._add(resource)
        here: set[str] = set()
        asked: set[str] = set()
        for gate in self.far - self.later:
            above = upstream(gate, self.gates.needs)
            if not self.later.isdisjoint(above):
                continue
            if self.by_name[gate].resource.where() == "host":
                asked.add(gate)
            elif self.now.isdisjoint(above):
                here.add(gate)
        phases: dict[str, Phase] = {**dict.fromkeys(self.near, "gate"), **dict.fromkeys(asked, "verify")}
        steps = frozenset(self.now & self.planned.work.keys())
        return Stage(steps, phases, frozenset(asked | here), frozenset(here), last=not self.later)


def as_planned(first: Step, now: Step, done: Collection[str]) -> Step:
    """A step that was planned again after a gate, to be compared with its plan. Where that said that a watched
    resource will change, and this apply has changed it, it is as planned; and so is what nothing was known of."""
    if first.outlook == "check":
        return replace(first, outlook=now.outlook) if now.outlook in ("refused", "error") else first
    pending = {
        name
        for name, value in (first.prior or {}).items()
        if value in (Tense.WILL_CHANGE, Tense.MAY_CHANGE) and name in done
    }
    if not pending or first.prior is None or now.prior is None:
        return now
    if now.outlook == "converged" and {attribute.name for attribute in first.attributes} <= pending:
        return first
    found = {attribute.name: attribute for attribute in now.attributes}
    found |= {attribute.name: attribute for attribute in first.attributes if attribute.name in pending}
    prior = {name: first.prior[name] if name in pending else value for name, value in now.prior.items()}
    return replace(now, prior=prior, attributes=tuple(found.values()), because=first.because)
