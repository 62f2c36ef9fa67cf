"""What is to be said of a plan or report, in few words: marks, counts, summary lines. Shared by all views."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from engine.model import HostPlan, HostReport, Outcome, Plan, Report, Step
from engine.views.fold import count

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

# verb: what a plan calls it, what a report calls it
VERBS: Mapping[str, tuple[str, str]] = {
    "create": ("to create", "created"),
    "change": ("to change", "changed"),
    "remove": ("to remove", "removed"),
    "recreate": ("to recreate", "recreated"),
    "start": ("to start", "started"),
    "restart": ("to restart", "restarted"),
    "stop": ("to stop", "stopped"),
}


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


def word(item: Step | Outcome) -> str:
    """What a step or outcome is, in words short enough for a label."""
    if isinstance(item, Step):
        if item.outlook == "change":
            return VERBS.get(verb(item), (f"to {verb(item)}",))[0]
        said = {"check": "checked after apply", "error": "not seen", "skipped": "left out"}
        return said.get(item.outlook) or ("unchanged" if item.outlook == "converged" else item.outlook)
    if item.verdict == "changed":
        return past(verb(item.step))
    return {"unproven": "not proven", "left": "left out"}.get(item.verdict, item.verdict)


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


@dataclass(frozen=True)
class Summary:
    """The last line of a view: `lead: parts.   extent`, with the tone of its lead."""

    lead: str
    tone: Tone
    parts: tuple[str, ...]
    extent: str

    def __str__(self) -> str:
        said = ", ".join(self.parts)
        return f"{self.lead}: {said}.   {self.extent}" if said else f"{self.lead}.   {self.extent}"


def plan_summary(plan: Plan) -> Summary:
    """Counts over all hosts of what is to be done."""
    parts = planned(step for host in plan.hosts for step in host.steps)
    parts += _lost(plan.hosts) + _not_put_back(plan, "cannot be put back")
    states = {status(host) for host in plan.hosts}
    idle = not states - {"unchanged"}
    if idle and not any(step.pending for host in plan.hosts for step in host.steps):
        return Summary("Nothing to change", "bad" if plan.lost else "good", tuple(parts), _extent(plan))
    bad = plan.lost or states & {"trouble", "unreachable"}
    return Summary("Plan", "bad" if bad else "change", tuple(parts), _extent(plan))


def planned(steps: Iterable[Step]) -> list[str]:
    """`2 to change, 1 to restart, 3 checks after apply, 1 unchanged`, as parts."""
    tally: Counter[str] = Counter()
    due: Counter[str] = Counter()
    for step in steps:
        kind = step.outlook
        key = f"{kind} {verb(step)}" if kind == "change" else f"{kind} check" if step.check else kind
        tally[key] += 1
        if kind == "skipped" and step.pending:
            due[verb(step)] += 1
    parts = [f"{tally[f'change {name}']} {words[0]}" for name, words in VERBS.items() if tally[f"change {name}"]]
    parts += [f"{n} to {key[7:]}" for key, n in tally.items() if key[:7] == "change " and key[7:] not in VERBS]
    many = {
        "check check": "check after apply|checks after apply",
        "check": "to look at again after apply",
        "failing check": "check failing|checks failing",
        "refused": "refused",
        "refused check": "check refused|checks refused",
        "error": "could not be seen",
        "error check": "check could not be asked|checks could not be asked",
        "blocked": "blocked",
        "blocked check": "check blocked|checks blocked",
        "converged": "unchanged",
        "converged check": "check passes|checks pass",
    }
    parts += [_number(tally[key], words) for key, words in many.items() if tally[key]]
    return parts + _left(tally["skipped"] + tally["skipped check"], due)


def report_summary(report: Report) -> Summary:
    """Counts over all hosts of what became of things."""
    summary = _report_summary(report)
    if not report.lost:
        return summary
    lead = summary.lead if summary.tone == "bad" else "Put back in part"
    return replace(summary, lead=lead, tone="bad", parts=(*_not_put_back(report, "not put back"), *summary.parts))


def _report_summary(report: Report) -> Summary:
    outcomes = [outcome for host in report.hosts for outcome in host.outcomes]
    states = Counter(status(host) for host in report.hosts)
    if len(report.batches) > 1:
        return _rollout_summary(report, states)
    lost = _lost(report.hosts)
    bad = _failures(outcomes)
    done = carried(outcomes)
    if report.stopped:
        return Summary("Stopped", "bad", tuple(bad + lost + done), _extent(report))
    if bad or lost or set(states) - {"converged"}:
        due = _due(outcomes) if done and any(o.verdict == "changed" for o in outcomes) else []
        return Summary("Failed", "bad", tuple(bad + lost + done + due), _extent(report))
    unproven = [o for o in outcomes if o.verdict == "unproven"]
    lead = "Not proven" if unproven else "Converged"
    return Summary(lead, "check" if unproven else "good", tuple(done + _due(outcomes)), _extent(report))


def carried(outcomes: Iterable[Outcome]) -> list[str]:
    """`2 changed, 1 restarted, 3 checks passed, 1 unchanged`, as parts."""
    tally: Counter[str] = Counter()
    for outcome in outcomes:
        changed = outcome.verdict == "changed"
        tally[f"changed {verb(outcome.step)}" if changed else outcome.verdict] += 1
    parts = [f"{tally[f'changed {name}']} {words[1]}" for name, words in VERBS.items() if tally[f"changed {name}"]]
    known = {f"changed {name}" for name in VERBS}
    parts += [f"{n} {past(k[8:])}" for k, n in tally.items() if k[:8] == "changed " and k not in known]
    many = {
        "passed": "check passed|checks passed",
        "unproven": "check not proven|checks not proven",
        "skipped": "skipped",
        "unchanged": "unchanged",
    }
    return parts + [_number(tally[key], words) for key, words in many.items() if tally[key]]


def past(word: str) -> str:
    """`restarted` for `restart`."""
    if word in VERBS:
        return VERBS[word][1]
    return f"{word}d" if word.endswith("e") else f"{word}ed"


def seconds(value: float) -> str:
    """`0.4 s`, `78.3 s`."""
    return f"{value:.1f} s"


def _failures(outcomes: Iterable[Outcome]) -> list[str]:
    tally = Counter(
        f"{o.verdict}{' check' if o.step.check else ''}" for o in outcomes if o.verdict in ("failed", "refused")
    )
    many = {
        "failed": "resource|resources",
        "failed check": "check|checks",
        "refused": "refused",
        "refused check": "check refused|checks refused",
    }
    return [_number(tally[key], words) for key, words in many.items() if tally[key]]


def _lost(hosts: Iterable[HostPlan | HostReport]) -> list[str]:
    """Hosts of which there is nothing to count but themselves."""
    tally = Counter(status(host) for host in hosts if host.error or not getattr(host, "started", True))
    many = {
        "trouble": "host in trouble|hosts in trouble",
        "failed": "host|hosts",
        "refused": "host refused|hosts refused",
        "unreachable": "host unreachable|hosts unreachable",
        "not started": "host not started|hosts not started",
    }
    return [_number(tally[key], words) for key, words in many.items() if tally[key]]


def _not_put_back(value: Plan | Report, words: str) -> list[str]:
    return [f"{len(value.lost)} {words}"] if value.lost else []


def _rollout_summary(report: Report, states: Counter[str]) -> Summary:
    parts = tuple(f"{states[state]} {state}" for state in HOST_ORDER if states[state])
    whole = set(states) <= {"converged"}
    lead = "Converged" if whole else "Stopped" if report.stopped or states["not started"] else "Failed"
    if whole:
        parts = (f"all {count(len(report.hosts), 'host')}",)
    return Summary(lead, "good" if whole else "bad", parts, seconds(report.seconds))


def _left(number: int, due: Counter[str]) -> list[str]:
    if not number:
        return []
    return [f"{number} left out" + (f" ({_still(due)})" if due else "")]


def _due(outcomes: Iterable[Outcome]) -> list[str]:
    due = Counter(verb(o.step) for o in outcomes if o.verdict == "left" and o.due)
    return [_still(due)] if due else []


def _still(due: Counter[str]) -> str:
    """`restart still due`, `2 changes and 1 restart still due`."""
    if sum(due.values()) == 1:
        return f"{next(iter(due))} still due"
    nouns = {"remove": "removal", "create": "creation", "recreate": "recreation"}
    words = [count(number, nouns.get(name, name)) for name, number in due.items()]
    return f"{', '.join(words[:-1]) + ' and ' if len(words) > 1 else ''}{words[-1]} still due"


def _number(number: int, words: str) -> str:
    one, _, more = words.partition("|")
    return f"{number} {one if number == 1 or not more else more}"


def _extent(value: Plan | Report) -> str:
    hosts = value.hosts
    trips = sorted({host.trips for host in hosts if host.trips})
    if len(hosts) == 1:
        said = [count(host.trips, "trip") for host in hosts if host.trips]
    else:
        said = [f"{count(trips[0], 'trip')} each"] if len(trips) == 1 else []
        said += [f"{trips[0]} to {trips[-1]} trips each"] if len(trips) > 1 else []
    return ", ".join([count(len(hosts), "host"), *said, seconds(value.seconds)])
