"""What is to be said of a rollout: a line a batch, one for the hosts that went well alike, one for each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from engine.model import HostReport, Plan, Report
from engine.views.escape import visible
from engine.views.fold import alike, count, names
from engine.views.groups import reason
from engine.views.rows import outcome_rows
from engine.views.summary import HOST_ORDER, Tone, carried, seconds, status


@dataclass(frozen=True)
class BatchLine:
    """A batch: its hosts folded, `10 converged`, `1 failed`, and how long it took (empty: not started)."""

    hosts: str
    parts: tuple[str, ...]
    took: str


@dataclass(frozen=True)
class HostLine:
    """What became of some hosts, in one or more texts."""

    hosts: str
    tone: Tone
    texts: tuple[str, ...]


def headline(value: Plan | Report) -> str:
    """`Rollout: 30 hosts in batches of 1, 2, 12, 15; stops at the first failure`"""
    sizes = ", ".join(str(len(batch.hosts)) for batch in value.batches)
    rule = f"; {visible(value.rule)}" if value.rule else ""
    return f"Rollout: {count(len(value.hosts), 'host')} in batches of {sizes}{rule}"


def batch_lines(report: Report) -> list[BatchLine]:
    """One line a batch, in order."""
    by_name = {host.host: host for host in report.hosts}
    found = []
    for batch in report.batches:
        tally = Counter(status(by_name[name]) for name in batch.hosts if name in by_name)
        parts = tuple(f"{tally[state]} {state}" for state in HOST_ORDER if tally[state]) or ("0 hosts",)
        found.append(BatchLine(names(batch.hosts), parts, seconds(batch.seconds) if batch.seconds else ""))
    return found


def host_lines(report: Report, verbosity: int = 0) -> Iterator[HostLine]:
    """Those that converged, by what was done on them; then the others, folded where the same befell them."""
    if verbosity >= 0:
        good = [host for host in report.hosts if status(host) == "converged"]
        for same in alike(good, lambda host: tuple(carried(host.outcomes))):
            said = ", ".join(carried(same[0].outcomes)) or "nothing to do"
            yield HostLine(count(len(same), "host"), "good", (said,))
    rest = [host for host in report.hosts if status(host) not in ("converged", "not started")]
    for same in alike(rest, _trouble):
        yield HostLine(names(host.host for host in same), "bad", _trouble(same[0]))


def _trouble(host: HostReport) -> tuple[str, ...]:
    found = [" ".join(reason(host))] if host.error else []
    for outcome in host.outcomes:
        if outcome.verdict in ("failed", "refused"):
            rows = outcome_rows(outcome)
            why = [row.sentence for row in rows if row.label == "because"] or [row.sentence for row in rows]
            found.append(f"{visible(outcome.step.name)}: {why[0] or outcome.verdict}")
    return tuple(found) or ("stopped before it was done",)
