"""What differs: facts of one host → its steps. Pure: the same facts give the same plan.

The steps are plain data (`engine.model.plan`); what carrying them out needs, secrets included, stays beside them in
`Draft.work` and never leaves the process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from engine.model import (
    CURRENT,
    Action,
    Attribute,
    Change,
    Declared,
    Facts,
    HostDeclaration,
    Outlook,
    Plain,
    Secret,
    Sentence,
    State,
    Step,
    Unknown,
    Value,
    said,
)
from engine.plan.cause import describe, first_cause, upstream, wrong_secret

Fingerprint = Callable[[Secret], str]


@dataclass(frozen=True)
class Observation:
    """What the probe of one resource reported; `error` says why there is nothing to go by."""

    facts: Facts = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class Work:
    """What carrying out one step takes."""

    change: Change
    actions: tuple[Action, ...]


@dataclass(frozen=True)
class Draft:
    """The steps of one host, the work behind those that have any, and the secrets that were found on it: of what is
    to be replaced only the digest is known, but a program may still print it."""

    steps: tuple[Step, ...]
    work: Mapping[str, Work]
    found: frozenset[Secret] = frozenset()

    @property
    def idle(self) -> bool:
        """Nothing to carry out."""
        return not self.work


def draft(
    declared: HostDeclaration,
    seen: Mapping[str, Observation],
    *,
    left_out: frozenset[str] = frozenset(),
    skipped: frozenset[str] = frozenset(),
    fingerprint: Fingerprint,
    settled: bool = False,
) -> Draft:
    """Plan one host from what its probes reported.

    `seen` maps resource names to observations (a missing one counts as an error); `left_out` are the names that
    --skip and --only exclude, `skipped` those of --skip alone: a check behind one of these that is still due is
    unproven, not failing. `settled`: the facts are those of a verify pass, so nothing is pending any more: a
    check that differs fails, and nothing is foretold of restarts.
    """
    drafter = _Drafter(declared, seen, left_out, skipped, fingerprint, settled)
    for resource in declared.resources:
        drafter.add(resource)
    return Draft(tuple(drafter.steps.values()), drafter.work, frozenset(drafter.found))


def plain(value: Value, fingerprint: Fingerprint) -> Plain:
    """A value as it may be shown and saved."""
    if isinstance(value, Secret):
        return fingerprint(value)
    if isinstance(value, Unknown):
        return str(value)
    return str(value) if isinstance(value, str) else value


@dataclass
class _Drafter:
    declared: HostDeclaration
    seen: Mapping[str, Observation]
    left_out: frozenset[str]
    skipped: frozenset[str]
    fingerprint: Fingerprint
    settled: bool
    steps: dict[str, Step] = field(default_factory=dict)
    work: dict[str, Work] = field(default_factory=dict)
    wanted: dict[str, State] = field(default_factory=dict)
    found: set[Secret] = field(default_factory=set)

    def add(self, declared: Declared) -> None:
        needs = {d.name: d.needs for d in self.declared.resources}
        above = upstream(declared.name, needs)
        seen = self.seen.get(declared.name, Observation(error="it was not observed"))
        step = Step(
            name=declared.name,
            kind=declared.resource.kind,
            outlook="error",
            needs=declared.needs,
            check=declared.resource.check,
            position=str(declared.position or ""),
        )
        pending = not self.settled and any(name in self.work for name in above)
        if seen.error:
            step = self._unseen(step, seen.error, pending)
        else:
            step = self._observed(step, declared, seen.facts, above, pending)
        if step.name in self.left_out:
            undone = step.outlook not in ("converged", "skipped") and not step.check
            step = replace(step, outlook="skipped", pending=undone)
            self.work.pop(step.name, None)
        self.steps[step.name] = step

    def _unseen(self, step: Step, error: str, pending: bool) -> Step:
        if pending:
            return replace(step, outlook="check", reason=Sentence("cannot be seen yet: ", error), now="not known")
        return replace(step, outlook="error", reason=error)

    def _observed(self, step: Step, declared: Declared, facts: Facts, above: frozenset[str], pending: bool) -> Step:
        resource = declared.resource
        try:
            before, after = resource.actual(facts), resource.desired(facts)
        except ValueError as refusal:
            return replace(step, outlook="refused", reason=said(refusal))
        self.found.update(value for value in (before or {}).values() if isinstance(value, Secret))
        before = self._with_watches(declared, before)
        change = Change(before, after, facts)
        step = self._described(step, declared, change)
        self.wanted[step.name] = after or {}
        if step.check:
            step = self._check(step, change, above, pending)
            if step.outlook == "failing" and not step.cause:
                among = {name: state for name, state in self.wanted.items() if name in above}
                step = replace(step, reason=wrong_secret(resource, among, self.fingerprint))
            return step
        unknowns = [value for value in self._values(change) if isinstance(value, Unknown)]
        hopeless = next((value for value in unknowns if value.upstream and not pending), None)
        if hopeless is not None:
            return replace(step, outlook="error", reason=hopeless.reason)
        unknown = bool(unknowns)
        if (not change.differing() and before is not None and after is not None) or before is after is None:
            if not (resource.volatile and pending):
                return replace(step, outlook="converged")
            unknown = True
        blocker = self._blocker(above)
        if blocker is not None:
            return replace(step, outlook="blocked", reason=f"needs {blocker.name}", cause=describe(blocker))
        try:
            actions = tuple(resource.actions(change))
        except ValueError as refusal:
            return replace(step, outlook="refused", reason=said(refusal))
        self.work[step.name] = Work(change, actions)
        outlook: Outlook = "check" if unknown else "change"
        return replace(step, outlook=outlook, actions=tuple(action.title for action in actions))

    def _described(self, step: Step, declared: Declared, change: Change) -> Step:
        resource, facts = declared.resource, change.facts
        before, after = change.before or {}, change.after or {}
        attributes = tuple(
            Attribute(name, self._plain(before.get(name)), self._plain(after.get(name)))
            for name in change.differing()
        )
        prior = None if change.before is None else {k: self._plain(v) for k, v in change.before.items()}
        return replace(
            step,
            attributes=attributes,
            prior=prior,
            verb=resource.verb(change) if attributes or before != after else "change",
            reason=self._restart_reason(declared, change),
            texts={k: v for k, v in resource.texts(facts).items() if k in change.differing()},
            show=dict(resource.show(facts)),
            expected=next((str(self._plain(v)) for v in after.values()), ""),
            now=next(("" if isinstance(v, Unknown) else str(self._plain(v)) for v in before.values()), ""),
        )

    def _check(self, step: Step, change: Change, above: frozenset[str], pending: bool) -> Step:
        failing = bool(change.differing())
        cause = first_cause(above, self.steps)
        because = describe(cause) if cause is not None and failing else ""
        if pending:
            return replace(step, outlook="check", cause=because)
        if not failing:
            return replace(step, outlook="converged")
        due = next((s for s in self.steps.values() if s.name in above & self.skipped and s.pending), None)
        if due is not None and not self.settled:
            return replace(step, outlook="check", cause=because, reason=f"unproven while {due.name} is left out")
        unknown = any(isinstance(value, Unknown) for value in self._values(change))
        return replace(step, outlook="check" if unknown else "failing", cause=because)

    def _with_watches(self, declared: Declared, before: State | None) -> State | None:
        if before is None or self.settled:
            return before
        stale = {
            watch.name: "will change"
            for watch in declared.resource.watches()
            if self.steps.get(watch.name) is not None and self.steps[watch.name].outlook == "change"
        }
        return {**before, **{name: text for name, text in stale.items() if name in before}}

    def _restart_reason(self, declared: Declared, change: Change) -> str:
        names = [
            watch.name
            for watch in declared.resource.watches()
            if change.before is not None and change.before.get(watch.name, CURRENT) != CURRENT
        ]
        if not names or change.before is None:
            return ""
        future = any(change.before[name] == "will change" for name in names)
        return f"{_listed(names)} {'will change' if future else 'changed'}"

    def _blocker(self, above: frozenset[str]) -> Step | None:
        stuck = ("refused", "error", "blocked")
        return next((s for s in self.steps.values() if s.name in above and s.outlook in stuck), None)

    def _values(self, change: Change) -> list[Value]:
        return [value for state in (change.before, change.after) for value in (state or {}).values()]

    def _plain(self, value: Value) -> Plain:
        return plain(value, self.fingerprint)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
