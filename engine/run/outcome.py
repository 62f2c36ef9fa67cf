"""What became of each step: planned steps, what their actions did, and the verify pass → outcomes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.model import (
    CURRENT,
    UNKNOWN,
    Command,
    Outcome,
    Reason,
    ResultStatus,
    Step,
    Tense,
    Watched,
    Why,
)
from engine.plan.cause import stale_watches, upstream


@dataclass(frozen=True)
class ActionResult:
    """What the actions of one step did: `ended` done, failed or skipped; `changed` False where the host reported
    that nothing was to be done; `reason` why it failed or was skipped; `output` what the failing one printed."""

    ended: str
    changed: bool = True
    reason: Reason | None = None
    output: str = ""
    seconds: float = 0.0

    def after(self, before: ActionResult | None) -> ActionResult:
        """This, where the same step was carried out before in the same run."""
        if before is None:
            return self
        return replace(self, changed=self.changed or before.changed, seconds=self.seconds + before.seconds)


def outcomes(
    planned: Mapping[str, Step],
    action_results: Mapping[str, ActionResult],
    after: Mapping[str, Step],
    seconds: Mapping[str, float],
    fix: Command | None,
    skipped: frozenset[str],
) -> tuple[Outcome, ...]:
    """One outcome a step, in order. `after` holds the steps as drafted from the verify pass (settled), `seconds`
    what verifying each took, `fix` the command that would go on, `skipped` the names that --skip left out."""
    needs = {step.name: step.needs for step in planned.values()}
    found = tuple(
        _outcome(
            step,
            action_results.get(name),
            after[name],
            upstream(name, needs),
            after,
            seconds.get(name, 0.0),
            fix,
            skipped,
        )
        for name, step in planned.items()
    )
    changed = frozenset(outcome.step.name for outcome in found if outcome.verdict == "changed")
    return tuple(
        replace(outcome, because=_restarted(outcome.step, changed)) if outcome.verdict == "changed" else outcome
        for outcome in found
    )


def _outcome(
    step: Step,
    action_results: ActionResult | None,
    after: Step,
    above: frozenset[str],
    steps: Mapping[str, Step],
    seconds: float,
    fix: Command | None,
    skipped: frozenset[str],
) -> Outcome:
    spent = action_results.seconds if action_results else seconds if step.check else 0.0
    base = Outcome(step, "unchanged", seconds=spent, due=after.pending, now=after.now, show=after.show)
    if step.outlook == "skipped":
        return replace(base, verdict="left", reason=step.reason)
    if action_results is not None and action_results.ended == "failed":
        return replace(base, verdict="failed", reason=action_results.reason, output=action_results.output, due=True)
    if action_results is not None and action_results.ended == "skipped":
        return replace(base, verdict="skipped", reason=action_results.reason, due=not step.check)
    if step.outlook == "refused" or (step.outlook == "blocked" and not step.gates):
        verdict: ResultStatus = "refused" if step.outlook == "refused" else "skipped"
        return replace(base, verdict=verdict, reason=step.reason, due=True)
    if after.outlook in ("error", "refused"):
        return replace(base, verdict="failed", reason=after.reason, due=not step.check)
    if step.check:
        return _judged(base, after, above, steps, fix, skipped)
    if after.outlook == "converged":
        did = action_results is not None and action_results.changed
        return replace(base, verdict="changed", step=_as_it_is(step, after)) if did else base
    return replace(base, verdict="failed", reason=after.reason, attributes=after.attributes, due=True)


def _judged(
    base: Outcome,
    after: Step,
    above: frozenset[str],
    steps: Mapping[str, Step],
    fix: Command | None,
    skipped: frozenset[str],
) -> Outcome:
    if after.outlook == "converged":
        return replace(base, verdict="passed")
    left = next((step for step in steps.values() if step.name in above & skipped and step.pending), None)
    if left is not None:
        return replace(base, verdict="unproven", reason=Reason(Why.LEFT_OUT, (left.name,)))
    failed = replace(base, verdict="failed", reason=after.reason, attributes=after.attributes)
    return replace(failed, cause=after.cause, fix=fix) if after.cause else failed


def _as_it_is(step: Step, after: Step) -> Step:
    """The step, with what its plan could not know yet as the verify pass found it."""
    found = after.prior or {}
    known = [
        replace(attribute, after=found.get(attribute.name)) if attribute.after == UNKNOWN else attribute
        for attribute in step.attributes
        if attribute.after != UNKNOWN or attribute.name in found
    ]
    told = (replace(each, before="not known") if each.before == UNKNOWN else each for each in known)
    return replace(step, attributes=tuple(told))


def _restarted(step: Step, changed: frozenset[str]) -> tuple[Watched, ...]:
    """Why a service was restarted: of what it watches, only what was changed, now or before."""
    stale = {a.name: str(a.before) for a in step.attributes if a.after == CURRENT and a.before is not None}
    known = {name: Tense.CHANGED if name in changed else now for name, now in stale.items()}
    pending = (Tense.WILL_CHANGE, Tense.MAY_CHANGE)
    return stale_watches({name: now for name, now in known.items() if now not in pending})
