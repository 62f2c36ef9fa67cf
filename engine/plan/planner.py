"""What differs: facts of one host → its steps. Pure: the same facts give the same plan.

The steps are plain data (`engine.model.plan`); what carrying them out needs, secrets included, stays beside them in
`Draft.work` and never leaves the process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from engine.errors import Refused, code_of, of_kind
from engine.model import (
    CURRENT,
    REQUEST,
    Action,
    Attribute,
    Change,
    DeclaredResource,
    Facts,
    HostDeclaration,
    Plain,
    PlanStatus,
    Reason,
    Resource,
    ResourceRef,
    Secret,
    State,
    Step,
    Tense,
    Unknown,
    Value,
    Watched,
    Why,
    said,
)
from engine.plan.cause import STARTS, holders, reference, responsible, stale_watches, upstream, wrong_secret
from engine.plan.gates import Gates

Fingerprint = Callable[[Secret], str]


@dataclass(frozen=True)
class Observation:
    """What the probe of one resource reported; `error` says why there is nothing to go by: `facts` are then what it
    reported before it failed, and `lasting` says that no change upstream can mend that."""

    facts: Facts = field(default_factory=dict)
    error: Reason | None = None
    lasting: bool = False


@dataclass(frozen=True)
class PlannedActions:
    """What carrying out one step takes; `step` is that step as it is once its gates have passed."""

    change: Change
    actions: tuple[Action, ...]
    step: Step


@dataclass(frozen=True)
class PlannedHost:
    """The steps of one host, and the work behind those that have any. Those blocked by a check have some, too: an
    apply asks that check again at its place. `sends` names the checks with effects that an apply is to ask. `found`
    are the secrets seen on the host: of what is to be replaced only the digest is known, but a program may still
    print it."""

    steps: tuple[Step, ...]
    work: Mapping[str, PlannedActions]
    sends: frozenset[str] = frozenset()
    found: frozenset[Secret] = frozenset()

    @property
    def idle(self) -> bool:
        """Nothing to carry out."""
        return not self.work


def plan_host(
    declared: HostDeclaration,
    seen: Mapping[str, Observation],
    *,
    left_out: frozenset[str] = frozenset(),
    skipped: frozenset[str] = frozenset(),
    requested: frozenset[str] = frozenset(),
    fingerprint: Fingerprint,
    settled: bool = False,
) -> PlannedHost:
    """Plan one host from what its probes reported.

    `seen` maps resource names to observations (a missing one counts as an error); `left_out` are the names that
    --skip and --only exclude, `skipped` those of --skip alone: a check behind one of these that is still due is
    unproven, not failing. `requested` are the services to be restarted whatever their ledger says. The checks that
    gate what is to be done are asked though --only leaves them out. `settled`: the facts are those of a verify pass,
    so nothing is pending any more: a check that differs fails, nothing is foretold of restarts, and nothing waits for
    a check.
    """
    gates = Gates(declared)
    requested = frozenset() if settled else requested
    drafter = Planner(declared, seen, left_out, skipped, requested, fingerprint, settled, gates).all()
    asked = drafter.gating() & (left_out - skipped)
    if asked:
        drafter = Planner(declared, seen, left_out - asked, skipped, requested, fingerprint, settled, gates).all()
    steps = tuple(drafter.passed_over().values())
    return PlannedHost(steps, drafter.work, frozenset(drafter.sends), frozenset(drafter.found))


def _refusal(error: Refused) -> Reason:
    """Why a resource is refused, with its code where that is a narrower one."""
    return Reason.of(said(error), "" if error.code is Refused.code else error.code)


def plain(value: Value, fingerprint: Fingerprint) -> Plain:
    """A value as it may be shown and saved."""
    if isinstance(value, Secret):
        return fingerprint(value)
    if isinstance(value, Unknown):
        return str(value)
    if not isinstance(value, str | int | float | None):
        raise TypeError(f"{type(value).__name__} is not a value of an attribute")
    return str(value) if isinstance(value, str) else value


@dataclass
class Planner:
    declared: HostDeclaration
    seen: Mapping[str, Observation]
    left_out: frozenset[str]
    skipped: frozenset[str]
    requested: frozenset[str]
    fingerprint: Fingerprint
    settled: bool
    gates: Gates
    steps: dict[str, Step] = field(default_factory=dict)
    work: dict[str, PlannedActions] = field(default_factory=dict)
    sends: set[str] = field(default_factory=set)
    wanted: dict[str, State] = field(default_factory=dict)
    found: set[Secret] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.resources = {declared.name: declared.resource for declared in self.declared.resources}
        self._plain = partial(plain, fingerprint=self.fingerprint)

    def all(self) -> Planner:
        for resource in self.declared.resources:
            self.add(resource)
        return self

    def gating(self) -> frozenset[str]:
        """The checks that must pass before something that is to be done."""
        if self.settled:
            return frozenset()
        return frozenset(
            gate for name in (*self.work, *self.sends) for gate in self.gates.nearest(name, self.skipped)
        )

    def passed_over(self) -> dict[str, Step]:
        """The steps; each check that --skip leaves out names what it does not gate."""
        free: dict[str, list[str]] = {}
        for name in () if self.settled else (name for name in self.steps if name in self.work or name in self.sends):
            for gate in self.gates.nearest(name):
                if gate in self.skipped:
                    free.setdefault(gate, []).append(name)
        for gate, names in free.items():
            self.steps[gate] = replace(self.steps[gate], reason=Reason(Why.DOES_NOT_GATE, tuple(names)))
        return self.steps

    def add(self, declared: DeclaredResource) -> None:
        above = upstream(declared.name, self.gates.needs)
        seen = self.seen.get(declared.name, Observation(error=Reason(Why.NOT_OBSERVED)))
        step = Step(
            name=declared.name,
            kind=declared.resource.kind,
            outlook="error",
            needs=declared.needs,
            check=declared.resource.check,
            position=str(declared.position or ""),
        )
        pending = not self.settled and any(self._pending(name, declared.resource.check) for name in above)
        try:
            if seen.error:
                curable = pending and not seen.lasting and self._curable(declared.resource, seen.facts, above)
                step = replace(step, outlook="check" if curable else "error", reason=seen.error)
            else:
                step = self._observed(step, declared, seen.facts, above, pending)
        except Exception as error:
            self.work.pop(step.name, None)
            step = replace(
                step, outlook="error", reason=Reason.of(of_kind(step.name, step.kind, error), code_of(error))
            )
        if step.name in self.left_out:
            undone = step.outlook not in ("converged", "skipped") and not step.check
            step = replace(step, outlook="skipped", pending=undone)
            self.work.pop(step.name, None)
            self.sends.discard(step.name)
        self.steps[step.name] = step

    def _pending(self, name: str, for_check: bool) -> bool:
        """Something is to be done, as far as is known now. For a check, that another one with effects is asked."""
        due = name in self.work or (for_check and name in self.sends)
        return due and self.steps[name].outlook != "blocked"

    def _observed(
        self, step: Step, declared: DeclaredResource, facts: Facts, above: frozenset[str], pending: bool
    ) -> Step:
        resource = declared.resource
        try:
            before, after = resource.actual(facts), resource.desired(facts)
        except Refused as refusal:
            return replace(step, outlook="refused", reason=_refusal(refusal))
        self.found.update(value for value in (before or {}).values() if isinstance(value, Secret))
        found, before = before, self._with_watches(declared, before)
        requested = step.name in self.requested
        if requested and before is not None and after is not None:
            before, after = {**before, REQUEST: Tense.REQUESTED.value}, {**after, REQUEST: CURRENT}
        change = Change(before, after, facts)
        differing = change.differing()
        if requested and (after is None or resource.verb(change) not in STARTS):
            return replace(step, outlook="error", reason=Reason(Why.NOT_TO_RUN))
        step = self._described(step, declared, change, differing)
        self.wanted[step.name] = after or {}
        if step.check:
            return self._check(step, resource, change, bool(differing), above, pending)
        unknowns = [value for value in self._values(change) if isinstance(value, Unknown)]
        not_worth_waiting_for = next((value for value in unknowns if value.upstream and not pending), None)
        if not_worth_waiting_for is not None:
            return replace(step, outlook="error", reason=Reason.of(not_worth_waiting_for.reason))
        unknown = bool(unknowns) or self._may_be_right(change, differing, found)
        same = (not differing and before is not None and after is not None) or before is after is None
        if resource.volatile and pending:
            unknown, step = True, replace(step, verb=resource.verb(change))
        elif same:
            return replace(step, outlook="converged")
        blocker = self._blocker(above)
        if blocker is not None:
            reason = Reason(Why.NEEDS, (blocker.name,))
            return replace(step, outlook="blocked", reason=reason, cause=reference(blocker))
        try:
            actions = tuple(resource.actions(change))
            if not all(isinstance(action, Action) for action in actions):
                raise TypeError("something else than actions")
        except Refused as refusal:
            return replace(step, outlook="refused", reason=_refusal(refusal))
        outlook: PlanStatus = "check" if unknown else "change"
        step = replace(step, reason=self._why(resource, facts))
        step = replace(step, outlook=outlook, actions=tuple(action.title for action in actions))
        self.work[step.name] = PlannedActions(change, actions, step)
        return self._gated(step, above)

    def _why(self, resource: Resource, facts: Facts) -> Reason | None:
        """Why it is not as declared in the end, as its kind tells."""
        text = resource.explain(facts) if self.settled else ""
        return Reason.of(text) if text else None

    def _gated(self, step: Step, above: frozenset[str]) -> Step:
        """What is to be done, as its gates leave it: blocked by those that fail, or after those yet to be asked."""
        gates = () if self.settled else self.gates.nearest(step.name, self.skipped)
        failing = tuple(g for g in gates if self.steps[g].outlook in ("failing", "refused", "error", "blocked"))
        if failing:
            reason, cause = Reason(Why.GATES_FAIL, failing), reference(self.steps[failing[0]])
            return replace(step, outlook="blocked", reason=reason, gates=failing, cause=cause)
        blocked = [s for s in self.steps.values() if s.name in above and s.outlook == "blocked" and not s.check]
        held = next((s for s in blocked if s.gates), None)
        if held is not None:
            reason = Reason(Why.NEEDS, (held.name,))
            return replace(step, outlook="blocked", reason=reason, gates=held.gates, cause=held.cause)
        return replace(step, gates=tuple(gate for gate in gates if self.steps[gate].outlook == "check"))

    def _described(self, step: Step, declared: DeclaredResource, change: Change, differing: Sequence[str]) -> Step:
        resource, facts = declared.resource, change.facts
        before, after = change.before or {}, change.after or {}
        attributes = tuple(
            Attribute(name, self._plain(before.get(name)), self._plain(after.get(name))) for name in differing
        )
        prior = None if change.before is None else {k: self._plain(v) for k, v in change.before.items()}
        return replace(
            step,
            attributes=attributes,
            prior=prior,
            verb=resource.verb(change) if attributes or before != after else "change",
            because=self._stale(declared, change),
            texts={k: (str(a), str(b)) for k, (a, b) in resource.texts(facts).items() if k in differing},
            show={str(label): str(value) for label, value in resource.show(facts).items()},
            expected=next((str(self._plain(v)) for v in after.values()), ""),
            now=next(("" if isinstance(v, Unknown) else str(self._plain(v)) for v in before.values()), ""),
        )

    def _check(
        self, step: Step, resource: Resource, change: Change, failing: bool, above: frozenset[str], pending: bool
    ) -> Step:
        step = self._asked(step, resource, change, failing, above, pending)
        if step.outlook != "failing" or step.cause:
            return step
        among = {name: state for name, state in self.wanted.items() if name in above}
        why = self._why(resource, change.facts) or wrong_secret(resource, among, self.fingerprint)
        return replace(step, reason=why)

    def _asked(
        self, step: Step, resource: Resource, change: Change, failing: bool, above: frozenset[str], pending: bool
    ) -> Step:
        unknown = any(isinstance(value, Unknown) for value in self._values(change))
        if resource.effects() and unknown and not self.settled:
            self.sends.add(step.name)
            step = self._gated(replace(step, outlook="check"), above)
            if step.outlook == "blocked":
                return step
        because = self._cause(step.name, resource, above) if failing else None
        if pending:
            return replace(step, outlook="check", cause=because)
        if not failing:
            return replace(step, outlook="converged")
        due = next((s for s in self.steps.values() if s.name in above & self.skipped and s.pending), None)
        if due is not None and not self.settled:
            return replace(step, outlook="check", cause=because, reason=Reason(Why.LEFT_OUT, (due.name,)))
        return replace(step, outlook="check" if unknown else "failing", cause=because)

    def _cause(self, name: str, resource: Resource, above: frozenset[str]) -> ResourceRef | None:
        """What a failing check is to be blamed on; None where all that it needs has converged."""
        among = {other: state for other, state in self.wanted.items() if other in above}
        cause = responsible(name, self.gates.needs, self.steps, holders(resource, among))
        return reference(cause) if cause is not None else None

    def _curable(self, resource: Resource, facts: Facts, above: frozenset[str]) -> bool:
        """Whether a pending change upstream could be what the probe failed for want of."""
        pending = [name for name in above if self._pending(name, False)]
        return resource.curable(facts, [self.resources[name].places() for name in pending])

    def _with_watches(self, declared: DeclaredResource, before: State | None) -> State | None:
        if before is None or self.settled:
            return before
        stale: dict[str, str] = {}
        for watch in declared.resource.watches():
            if watch.name not in before or not self._pending(watch.name, False):
                continue
            sure = self.steps[watch.name].outlook == "change"
            if sure and self.resources[watch.name].alters(self.work[watch.name].change):
                stale[watch.name] = Tense.WILL_CHANGE
            elif before[watch.name] == CURRENT:
                stale[watch.name] = Tense.MAY_CHANGE
        return {**before, **stale}

    def _may_be_right(self, change: Change, names: Sequence[str], found: State | None) -> bool:
        """Whether nothing differs but what is watched, of which each may after all be what the service was started
        with: it may not change, or change back."""
        before = change.before or {}
        return bool(names) and all(
            before.get(name) == Tense.MAY_CHANGE
            or (before.get(name) == Tense.WILL_CHANGE and (found or {}).get(name) == Tense.CHANGED)
            for name in names
        )

    def _stale(self, declared: DeclaredResource, change: Change) -> tuple[Watched, ...]:
        before = change.before or {}
        names = [*(watch.name for watch in declared.resource.watches()), REQUEST]
        return stale_watches({name: before.get(name, CURRENT) for name in names})

    def _blocker(self, above: frozenset[str]) -> Step | None:
        """What can not be brought about, whatever a check says. Checks gate, see `_gated`."""
        stuck = [s for s in self.steps.values() if s.name in above and s.outlook in ("refused", "error", "blocked")]
        return next((step for step in stuck if not step.check and not step.gates), None)

    def _values(self, change: Change) -> list[Value]:
        return [value for state in (change.before, change.after) for value in (state or {}).values()]
