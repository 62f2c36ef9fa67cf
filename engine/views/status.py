"""What a step, an outcome or a host comes to: its mark and tone, its verb, its status. No words are made here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from engine.model import HostPlan, HostReport, Outcome, Step

Tone: TypeAlias = Literal["create", "change", "remove", "check", "good", "bad", "warn", "quiet"]

MARKS: Mapping[Tone, str] = {
    "create": "+",
    "change": "~",
    "remove": "-",
    "check": "?",
    "good": "✓",
    "bad": "✗",
    "warn": "!",
    "quiet": "·",
}

HOST_ORDER = ("converged", "failed", "refused", "unreachable", "not started")


def verb(step: Step) -> str:
    """The verb of a change: `change` told apart into create, change and remove."""
    if step.verb != "change":
        return step.verb
    if step.prior is None:
        return "create"
    held = {name for name, value in step.prior.items() if value is not None}
    dropped = {attribute.name for attribute in step.attributes if attribute.after is None}
    return "remove" if held and held <= dropped else "change"


def tone(item: Step | Outcome) -> Tone:
    """What a step or outcome is, as its mark and colour say."""
    if isinstance(item, Outcome):
        return _outcome_tone(item)
    match item.outlook:
        case "change":
            return _verb_tone(item)
        case "check":
            return "check"
        case "converged":
            return "good"
        case "failing" | "error":
            return "bad"
        case "refused":
            return "warn"
        case _:
            return "quiet"


def _outcome_tone(outcome: Outcome) -> Tone:
    match outcome.verdict:
        case "changed":
            return _verb_tone(outcome.step)
        case "passed" | "unchanged":
            return "good"
        case "failed":
            return "bad"
        case "refused":
            return "warn"
        case "unproven":
            return "check"
        case _:
            return "quiet"


def _verb_tone(step: Step) -> Tone:
    match verb(step):
        case "create":
            return "create"
        case "remove" | "stop":
            return "remove"
        case _:
            return "change"


def trouble(item: Step | Outcome) -> bool:
    """Whether it stands in the way of the whole having converged: what -q still shows."""
    if isinstance(item, Outcome):
        return item.verdict in ("failed", "refused", "skipped")
    return item.outlook in ("failing", "refused", "error", "blocked")


def status(host: HostPlan | HostReport) -> str:
    """What became of a host, in one word: for a plan `unchanged`, `changes`, `trouble` or `unreachable`; for a
    report `converged`, `failed`, `unreachable`, `refused` (it drifted) or `not started`."""
    if isinstance(host, HostReport) and not host.started:
        return "not started"
    if host.unreachable:
        return "unreachable"
    if isinstance(host, HostReport):
        if host.drift:
            return "refused"
        return "failed" if host.error or any(map(trouble, host.outcomes)) else "converged"
    if host.error or any(map(trouble, host.steps)):
        return "trouble"
    return "changes" if any(step.outlook in ("change", "check") for step in host.steps) else "unchanged"
