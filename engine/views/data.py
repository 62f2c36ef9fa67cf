"""Plans and reports as JSON, for programs. The shape is published in `plan.schema.json` and `report.schema.json`
beside this file; `version` grows when a key is removed or changes its meaning, not when one is added. What is data in
a reason, a cause or a fix stands beside the same in `words`, as people read it.

Keys keep their order and every step stands on a line of its own, so that two outputs can be compared by line. The
text is ASCII: everything else is escaped, so it is harmless on any terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from engine.model import (
    Attribute,
    Batch,
    Command,
    Drift,
    HostPlan,
    HostReport,
    Lost,
    Outcome,
    Plan,
    Reason,
    Report,
    ResourceRef,
    Step,
    Watched,
)
from engine.model.problems import host_code, resource_code
from engine.views import VERSION, wording
from engine.views.escape import json_text
from engine.views.layout import Style
from engine.views.status import status
from engine.views.wording import Summary, plan_summary, report_summary


def render(value: Plan | Report, style: Style) -> str:
    """A plan or report as JSON, with a final newline."""
    return "\n".join(_written(value)) + "\n"


def _written(value: Plan | Report) -> Iterator[str]:
    head = _plan(value) if isinstance(value, Plan) else _report(value)
    hosts: Sequence[HostPlan | HostReport] = value.hosts
    yield "{"
    for key, item in head.items():
        yield f"{json_text(key)}: {json_text(item)},"
    yield '"hosts": ['
    for at, host in enumerate(hosts):
        comma = "," if at < len(hosts) - 1 else ""
        named, items = _host(host)
        opening = json_text(named)[:-1]
        key = "steps" if isinstance(host, HostPlan) else "outcomes"
        yield f'{opening}, "{key}": ['
        yield ",\n".join(json_text(item) for item in items)
        yield f"]}}{comma}"
    yield "]"
    yield "}"


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "version": VERSION,
        "type": "plan",
        "state": plan.state,
        "summary": _summary(plan_summary(plan)),
        "seconds": _rounded(plan.seconds),
        "max_failures": plan.max_failures,
        "batches": _batches(plan.batches),
        "lost": list(map(_lost, plan.lost)),
    }


def _report(report: Report) -> dict[str, Any]:
    return {
        "version": VERSION,
        "type": "report",
        "state": report.state,
        "run": report.run,
        "summary": _summary(report_summary(report)),
        "stopped": report.stopped,
        "seconds": _rounded(report.seconds),
        "max_failures": report.max_failures,
        "batches": _batches(report.batches),
        "lost": list(map(_lost, report.lost)),
    }


def _summary(summary: Summary) -> dict[str, Any]:
    return {"lead": summary.lead, "parts": list(summary.parts), "extent": summary.extent}


def _batches(batches: Iterable[Batch]) -> list[dict[str, Any]]:
    return [{"hosts": list(batch.hosts), "seconds": _rounded(batch.seconds)} for batch in batches]


def _host(host: HostPlan | HostReport) -> tuple[dict[str, Any], Iterable[dict[str, Any]]]:
    named: dict[str, Any] = {
        "host": host.host,
        "status": status(host),
        "error": host.error,
        "code": host_code(host),
        "unreachable": host.unreachable,
        "trips": host.trips,
        "seconds": _rounded(host.seconds),
    }
    if isinstance(host, HostPlan):
        named |= {"invalid": host.invalid, "facts": dict(host.facts)}
        return named, (step_data(host.host, step) for step in host.steps)
    named |= {"drift": [_drift(host.host, drift) for drift in host.drift], "started": host.started}
    return named, (_outcome(host.host, outcome) for outcome in host.outcomes)


def step_data(host: str, step: Step) -> dict[str, Any]:
    """A step as plain data, with its address."""
    return {
        "address": f"{host}/{step.name}",
        "name": step.name,
        "kind": step.kind,
        "status": step.outlook,
        "code": resource_code(step),
        "verb": step.verb,
        "attributes": _attributes(step.attributes),
        "prior": None if step.prior is None else dict(step.prior),
        "reason": _reason(step.reason),
        "because": _because(step.because),
        "cause": _cause(step.cause),
        "needs": list(step.needs),
        "gates": list(step.gates),
        "actions": list(step.actions),
        "texts": {name: {"before": before, "after": after} for name, (before, after) in step.texts.items()},
        "show": dict(step.show),
        "check": step.check,
        "pending": step.pending,
        "expected": step.expected,
        "now": step.now,
        "position": step.position,
    }


def _outcome(host: str, outcome: Outcome) -> dict[str, Any]:
    return {
        "address": f"{host}/{outcome.step.name}",
        "status": outcome.verdict,
        "code": resource_code(outcome),
        "words": wording.outcome_text(outcome),
        "reason": _reason(outcome.reason),
        "attributes": _attributes(outcome.attributes),
        "because": _because(outcome.because),
        "cause": _cause(outcome.cause),
        "fix": _fix(outcome.fix),
        "output": outcome.output,
        "seconds": _rounded(outcome.seconds),
        "due": outcome.due,
        "now": outcome.now,
        "show": dict(outcome.show),
        "step": step_data(host, outcome.step),
    }


def _attributes(attributes: Iterable[Attribute]) -> list[dict[str, Any]]:
    return [dict(vars(attribute)) for attribute in attributes]


def _because(because: Iterable[Watched]) -> list[dict[str, Any]]:
    return [dict(vars(watched)) for watched in because]


def _reason(reason: Reason | None) -> dict[str, Any] | None:
    return None if reason is None else {**asdict(reason), "words": wording.reason_text(reason)}


def _cause(cause: ResourceRef | None) -> dict[str, Any] | None:
    if cause is None:
        return None
    data = asdict(cause)
    head = {"name": data.pop("name"), "status": data.pop("outlook")}
    return {**head, **data, "reason": _reason(cause.reason), "words": wording.cause_text(cause)}


def _fix(fix: Command | None) -> dict[str, Any] | None:
    return None if fix is None else {**asdict(fix), "words": wording.command_line(fix)}


def _drift(host: str, drift: Drift) -> dict[str, Any]:
    return {**asdict(drift), "reason": _reason(drift.reason), "words": wording.drift_text(host, drift)}


def _lost(lost: Lost) -> dict[str, Any]:
    return {**asdict(lost), "reason": _reason(lost.reason)}


def _rounded(value: float) -> float:
    return round(value, 3)
