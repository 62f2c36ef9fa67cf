"""Why: the first resource upstream that has not converged. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from engine.model import Attribute, Outside, Resource, Secret, Sentence, State, Step
from engine.model.sentence import first_line

NOT_CONVERGED = frozenset({"change", "failing", "refused", "error", "blocked"})


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


def first_cause(names: Iterable[str], steps: Mapping[str, Step]) -> Step | None:
    """Of the steps planned so far (in order), the first among `names` that has not converged."""
    among = frozenset(names)
    for step in steps.values():
        if step.name in among and (step.outlook in NOT_CONVERGED or step.pending):
            return step
    return None


def hopeless(steps: Iterable[Step]) -> frozenset[str]:
    """Names of the checks that need something refused, in error or blocked: to wait for them is idle."""
    every = tuple(steps)
    needs = {step.name: step.needs for step in every}
    stuck = {step.name for step in every if step.outlook in ("refused", "error", "blocked")}
    return frozenset(step.name for step in every if step.check and upstream(step.name, needs) & stuck)


def wrong_secret(resource: Resource, above: Mapping[str, State], fingerprint: Callable[[Secret], str]) -> str:
    """A sentence where a check sends secrets of which none is what the resources it needs set; else nothing.

    `above` holds their desired states by name.
    """
    parameters = [getattr(resource, parameter.name) for parameter in fields(resource)]  # type: ignore[arg-type]
    sent = {secret.digest: secret for value in parameters for secret in _secrets(value)}
    held = [(name, label, v) for name, state in above.items() for label, v in state.items() if isinstance(v, Secret)]
    if not sent or not held or any(value.digest in sent for _, _, value in held):
        return ""
    name, label, value = held[-1]
    said = " and ".join(fingerprint(secret) for secret in sent.values())
    return f"it sends {said}, but {label} of {name} is {fingerprint(value)}"


def _secrets(value: Any) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secrets(item)


def describe(step: Step) -> str:
    """One sentence on what is wrong with a step: `login-password differs: line 1 is A, not B`."""
    if step.outlook in ("refused", "error", "blocked"):
        return Sentence(step.name, ": ", first_line(step.reason)) if step.reason else f"{step.name} is {step.outlook}"
    if step.verb in ("restart", "start", "create", "recreate"):
        due = {"restart": "restarted", "start": "started", "create": "created", "recreate": "recreated"}
        return Sentence(step.name, " is to be ", due[step.verb], *([": ", step.reason] if step.reason else []))
    if step.prior is None and step.attributes:
        return f"{step.name} is missing"
    return Sentence(step.name, " differs", *([": ", differences(step.attributes)] if step.attributes else []))


def differences(attributes: Iterable[Attribute], most: int = 3) -> str:
    """`line 1 is A, not B; mode is 0644, not 0600`, at most `most` of them."""
    every = tuple(attributes)
    parts: list[str] = []
    for a in every[:most]:
        before = shown(a.before) if a.before is None or isinstance(a.before, bool) else Outside(shown(a.before))
        parts += ["; " if parts else "", a.name, " is ", before, f", not {shown(a.after)}"]
    return Sentence(*parts, f"; and {len(every) - most} more" if len(every) > most else "")


def shown(value: object) -> str:
    """A plain value in a sentence."""
    if value is None:
        return "absent"
    return "yes" if value is True else "no" if value is False else str(value)
