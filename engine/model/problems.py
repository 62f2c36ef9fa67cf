"""The code of what is wrong with a host or a resource, from what became of it."""

from __future__ import annotations

from collections.abc import Mapping

from engine.codes import Code
from engine.model.plan import HostPlan, HostReport, Outcome, Step, Why

_PLANNED: Mapping[str, Code] = {
    "refused": Code.REFUSED,
    "error": Code.NOT_INSPECTED,
    "failing": Code.CHECK_FAILED,
    "blocked": Code.BLOCKED,
}


def host_code(host: HostPlan | HostReport) -> str:
    """The code of why a host could not be observed, or the run on it did not end; empty where all went well."""
    return str(Code.DRIFT) if isinstance(host, HostReport) and host.drift else host.code


def resource_code(item: Step | Outcome) -> str:
    """The code of why a resource is refused, in error, blocked, failed or skipped; empty for everything else."""
    found = _planned(item) if isinstance(item, Step) else _done(item)
    if found is None:
        return ""
    return (item.reason.code if item.reason else "") or str(found)


def _planned(step: Step) -> Code | None:
    if step.outlook == "error" and step.reason is not None and step.reason.why is Why.PROBE_TIMED_OUT:
        return Code.PROBE_TIMED_OUT
    return _PLANNED.get(step.outlook)


def _done(outcome: Outcome) -> Code | None:
    why = outcome.reason.why if outcome.reason else None
    match outcome.verdict:
        case "refused":
            return Code.REFUSED
        case "skipped":
            return Code.NEEDS_FAILED
        case "failed" if why is Why.TIMED_OUT:
            return Code.ACTION_TIMED_OUT
        case "failed" if why is Why.PROBE_TIMED_OUT:
            return Code.PROBE_TIMED_OUT
        case "failed" if outcome.step.check:
            return Code.CHECK_FAILED if outcome.now or outcome.attributes else Code.NOT_INSPECTED
        case "failed":
            return Code.ACTION_FAILED if why else Code.NOT_CONVERGED
        case _:
            return None
