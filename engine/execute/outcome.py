"""What became of each step: planned steps, what their actions did, and the verify pass → outcomes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.model import Outcome, Sentence, Step, Verdict
from engine.plan.cause import describe, differences, first_cause, upstream


@dataclass(frozen=True)
class Carried:
    """What the actions of one step did: `ended` done, failed or skipped; `changed` False where the host reported
    that nothing was to be done; `reason` why it failed or was skipped; `output` what the failing one printed."""

    ended: str
    changed: bool = True
    reason: str = ""
    output: str = ""
    seconds: float = 0.0


def outcomes(
    planned: Mapping[str, Step],
    carried: Mapping[str, Carried],
    after: Mapping[str, Step],
    seconds: Mapping[str, float],
    fix: str,
    skipped: frozenset[str],
) -> tuple[Outcome, ...]:
    """One outcome a step, in order. `after` holds the steps as drafted from the verify pass (settled), `seconds`
    what verifying each took, `fix` the command that would go on, `skipped` the names that --skip left out."""
    needs = {step.name: step.needs for step in planned.values()}
    return tuple(
        _outcome(
            step, carried.get(name), after[name], upstream(name, needs), after, seconds.get(name, 0.0), fix, skipped
        )
        for name, step in planned.items()
    )


def _outcome(
    step: Step,
    carried: Carried | None,
    after: Step,
    above: frozenset[str],
    steps: Mapping[str, Step],
    seconds: float,
    fix: str,
    skipped: frozenset[str],
) -> Outcome:
    spent = carried.seconds if carried else seconds if step.check else 0.0
    base = Outcome(step, "unchanged", seconds=spent, due=after.pending, now=after.now, show=after.show)
    if step.outlook == "skipped":
        return replace(base, verdict="left")
    if carried is not None and carried.ended == "failed":
        return replace(base, verdict="failed", reason=carried.reason, output=carried.output, due=True)
    if carried is not None and carried.ended == "skipped":
        return replace(base, verdict="skipped", reason=carried.reason, due=not step.check)
    if step.outlook in ("refused", "blocked"):
        verdict: Verdict = "refused" if step.outlook == "refused" else "skipped"
        return replace(base, verdict=verdict, reason=step.reason, due=True)
    if after.outlook in ("error", "refused"):
        return replace(base, verdict="failed", reason=after.reason, due=not step.check)
    if step.check:
        return _judged(base, after, above, steps, fix, skipped)
    if after.outlook == "converged":
        return replace(base, verdict="changed" if carried is not None and carried.changed else "unchanged")
    reason = Sentence("not converged: ", differences(after.attributes))
    return replace(base, verdict="failed", reason=reason, due=True)


def _judged(
    base: Outcome,
    after: Step,
    above: frozenset[str],
    steps: Mapping[str, Step],
    fix: str,
    skipped: frozenset[str],
) -> Outcome:
    if after.outlook == "converged":
        return replace(base, verdict="passed")
    left = next((step for step in steps.values() if step.name in above & skipped and step.pending), None)
    if left is not None:
        return replace(base, verdict="unproven", reason=f"{left.name} was left out and is still due")
    cause = first_cause(above, steps)
    return replace(
        base,
        verdict="failed",
        reason=after.reason or differences(after.attributes),
        cause=describe(cause) if cause is not None else "",
        fix=fix if cause is not None else "",
    )
