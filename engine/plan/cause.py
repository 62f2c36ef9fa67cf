"""Why: which resource upstream, of those that have not converged, a failing check is to be blamed on. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from engine.model import (
    CURRENT,
    Attribute,
    Reason,
    Resource,
    ResourceRef,
    Secret,
    State,
    Step,
    Tense,
    Watched,
    Why,
)

NOT_CONVERGED = frozenset({"change", "failing", "refused", "error", "blocked"})
TENSES = frozenset(Tense)
STARTS = frozenset({"restart", "start", "create", "recreate"})
"""What a service is to have done to it that starts it."""


def upstream(name: str, needs: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """Names of all that `name` needs, directly or through others; itself left out."""
    found: set[str] = set()
    queue = list(needs.get(name, ()))
    while queue:
        need = queue.pop()
        if need not in found:
            found.add(need)
            queue.extend(needs.get(need, ()))
    return frozenset(found)


def responsible(
    name: str, needs: Mapping[str, tuple[str, ...]], steps: Mapping[str, Step], holders: frozenset[str]
) -> Step | None:
    """The step that the failing check `name` is to be blamed on; None where all that it needs has converged.

    `steps` are those planned so far, in order; `holders` are the resources that set a secret which the check sends.
    Of the steps that have not converged it is the one that holds the secret; else the nearest that the check needs,
    and where that is a service which is due because of what it watches, the first of those that is not right yet.
    What is blocked, and another failing check, are the effect of something and are named only where nothing else is.
    """
    near = _distances(name, needs)
    found = {n: s for n, s in steps.items() if n in near and (s.outlook in NOT_CONVERGED or s.pending)}
    causes = {n: s for n, s in found.items() if not s.check and s.outlook != "blocked"} or found
    held = [step for step in causes.values() if step.name in holders]
    step = min(held or causes.values(), key=lambda each: near[each.name], default=None)
    while step is not None and not held:
        stale = [attribute.name for attribute in step.attributes if attribute.after == CURRENT]
        watched = next((n for n in causes if n in stale and n != step.name), None)
        if watched is None or holders.intersection(stale):
            break
        step = causes[watched]
    return step


def _distances(name: str, needs: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """All that `name` needs, and over how many others."""
    found: dict[str, int] = {}
    queue = [(need, 0) for need in needs.get(name, ())]
    for need, far in queue:
        if need not in found:
            found[need] = far
            queue += [(below, far + 1) for below in needs.get(need, ())]
    return found


def holders(resource: Resource, above: Mapping[str, State]) -> frozenset[str]:
    """Of the resources whose desired states are `above`, by name, those that set a secret which `resource` sends."""
    sent = {secret.digest for secret in secrets_of(resource)}
    values = ((name, value) for name, state in above.items() for value in state.values())
    return frozenset(name for name, value in values if isinstance(value, Secret) and value.digest in sent)


def not_worth_waiting_for(steps: Iterable[Step]) -> frozenset[str]:
    """Names of the checks that need something refused, in error or blocked: to wait for them is idle. What only
    waits for a check may still come."""
    every = tuple(steps)
    needs = {step.name: step.needs for step in every}
    stuck = {step.name for step in every if step.outlook in ("refused", "error", "blocked") and not step.gates}
    return frozenset(step.name for step in every if step.check and upstream(step.name, needs) & stuck)


def wrong_secret(
    resource: Resource, above: Mapping[str, State], fingerprint: Callable[[Secret], str]
) -> Reason | None:
    """Why a check fails that sends secrets of which none is what the resources it needs set; else None.

    `above` holds their desired states by name.
    """
    sent = {secret.digest: secret for secret in secrets_of(resource)}
    held = [(name, label, v) for name, state in above.items() for label, v in state.items() if isinstance(v, Secret)]
    if not sent or not held or any(value.digest in sent for _, _, value in held):
        return None
    name, label, value = held[-1]
    attributes = tuple(Attribute(label, fingerprint(secret), fingerprint(value)) for secret in sent.values())
    return Reason(Why.OTHER_SECRET, (name,), attributes=attributes)


def secrets_of(resource: Resource) -> Iterator[Secret]:
    """The secrets among the parameters of a resource."""
    for value in vars(resource).values():
        yield from _secrets(value)


def _secrets(value: Any) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secrets(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _secrets(item)


def reference(step: Step) -> ResourceRef:
    """A step that has not converged, as the cause of something."""
    absent = step.prior is None
    return ResourceRef(step.name, step.outlook, step.verb, absent, step.attributes, step.reason, step.because)


def stale_watches(found: Mapping[str, object]) -> tuple[Watched, ...]:
    """What a service restarts for, out of what the attribute of each watch holds."""
    stale = ((name, str(now)) for name, now in found.items() if now != CURRENT)
    return tuple(Watched(name, Tense(now) if now in TENSES else Tense.CHANGED) for name, now in stale)
