"""The hosts of a plan or report, folded where the same is to be said of them: what text and Markdown lay out. Of a
rollout: a line a batch, one for the hosts that went well alike, one for each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.model import HostPlan, HostReport, Outcome, Plan, Report, Step
from engine.model.counting import count
from engine.views import wording
from engine.views.escape import visible
from engine.views.fold import alike, folded, names
from engine.views.rows import Row, outcome_rows, step_rows
from engine.views.status import Tone, status, tone, trouble

if TYPE_CHECKING:
    from engine.views.diff import TextDiff


@dataclass(frozen=True)
class Entry:
    """What is said of one resource: its rows, its diffs, and the seconds it took (None: not said), also in words."""

    tone: Tone
    name: str
    rows: tuple[Row, ...]
    seconds: float | None = None
    diffs: tuple[tuple[str, TextDiff], ...] = ()
    took: str = ""


@dataclass(frozen=True)
class Group:
    """Hosts of which the same is to be said: their names and how many they are, in words. `error`: lines on why they
    could not be observed or did not end."""

    names: str
    same: str
    number: int
    error: tuple[str, ...]
    entries: tuple[Entry, ...]

    @property
    def title(self) -> str:
        """`gpu1`, or `gpu[01:12]   12 hosts: the same 3 changes`"""
        return f"{self.names}   {self.same}" if self.same else self.names


@dataclass(frozen=True)
class GroupOptions:
    """What is wanted: `verbosity` as for `engine.views.render`; whether diffs are, whether in ASCII (`plain`)."""

    verbosity: int = 0
    diff: bool = False
    plain: bool = False


def groups(value: Plan | Report, options: GroupOptions) -> list[Group]:
    """All hosts of which something is to be said, in order."""
    hosts: Sequence[HostPlan | HostReport] = value.hosts
    told = [
        (host, _planned(host, options) if isinstance(host, HostPlan) else _reported(host, options)) for host in hosts
    ]
    found = [_group(same) for same in alike(told, _said)]
    return [group for group in found if group.entries or group.error]


def _planned(host: HostPlan, options: GroupOptions) -> tuple[Entry, ...]:
    facts = [Row(name, visible(value)) for name, value in host.facts.items()] if options.verbosity > 0 else []
    told = (Entry("quiet", "host", tuple(facts)),) if facts else ()
    return told + tuple(
        Entry(tone(step), visible(step.name), tuple(step_rows(step, options.verbosity)), None, _diffs(step, options))
        for step in host.steps
        if _wanted(step, options.verbosity)
    )


def _reported(host: HostReport, options: GroupOptions) -> tuple[Entry, ...]:
    found = []
    for outcome in host.outcomes:
        if not _wanted(outcome, options.verbosity):
            continue
        rows = tuple(outcome_rows(outcome, options.verbosity))
        took = outcome.seconds if outcome.verdict in ("changed", "passed") else None
        diffs = _diffs(outcome.step, options) if outcome.verdict != "unchanged" else ()
        said = "" if took is None else wording.seconds(took)
        found.append(Entry(tone(outcome), visible(outcome.step.name), rows, took, diffs, said))
    return tuple(found)


def _wanted(item: Step | Outcome, verbosity: int) -> bool:
    if verbosity < 0:
        return trouble(item)
    step = item.step if isinstance(item, Outcome) else item
    if verbosity > 0 or (step.outlook == "skipped" and (step.reason or step.because)):
        # A check that was left out and so does not gate is worth a word.
        return True
    if isinstance(item, Outcome):
        return item.verdict not in ("unchanged", "left")
    return item.outlook not in ("converged", "skipped")


def _diffs(step: Step, options: GroupOptions) -> tuple[tuple[str, TextDiff], ...]:
    if not options.diff:
        return ()
    from engine.views.diff import FOLD, unified

    fold = None if options.verbosity > 0 else FOLD
    return tuple(
        (visible(name), unified(before, after, fold=fold, plain=options.plain))
        for name, (before, after) in step.texts.items()
    )


def _said(pair: tuple[HostPlan | HostReport, tuple[Entry, ...]]) -> tuple[object, ...]:
    """What makes two hosts alike: all that is said of them but times, and fixes, which name the host."""
    host, entries = pair
    told = ((e.tone, e.name, tuple(row for row in e.rows if row.fix is None), e.diffs) for e in entries)
    return wording.host_lines(host), status(host), *told


def _group(same: Sequence[tuple[HostPlan | HostReport, tuple[Entry, ...]]]) -> Group:
    """Entries of hosts that are told as one, each with the longest time it took on any of them."""
    hosts, first = tuple(host.host for host, _ in same), same[0][0]
    slowest = [
        max(every, key=lambda entry: entry.seconds or 0.0) for every in zip(*(e for _, e in same), strict=True)
    ]
    if len(hosts) > 1:
        slowest = [replace(entry, rows=tuple(_for_all(row, hosts) for row in entry.rows)) for entry in slowest]
    return Group(*wording.group_title(hosts, _changes(first)), len(hosts), wording.host_lines(first), tuple(slowest))


def _changes(host: HostPlan | HostReport) -> int:
    if isinstance(host, HostPlan):
        return sum(step.outlook == "change" for step in host.steps)
    return sum(outcome.verdict == "changed" for outcome in host.outcomes)


def _for_all(row: Row, hosts: tuple[str, ...]) -> Row:
    """A fix for hosts that are told as one is for all of them."""
    if row.fix is None or not row.fix.limit:
        return row
    fix = replace(row.fix, limit=hosts)
    return replace(row, sentence=visible(wording.command_line(fix)), fix=fix)


@dataclass(frozen=True)
class BatchLine:
    """A batch: its hosts as ranges, how many of them came to what, and how long it took (empty: not started)."""

    hosts: tuple[str, ...]
    counts: tuple[tuple[int, str], ...]
    took: str


@dataclass(frozen=True)
class HostLine:
    """What became of some hosts, in one or more texts."""

    hosts: str
    tone: Tone
    texts: tuple[str, ...]


def batch_lines(report: Report) -> list[BatchLine]:
    """One line a batch, in order."""
    by_name = {host.host: host for host in report.hosts}
    found = []
    for batch in report.batches:
        tally = Counter(status(by_name[name]) for name in batch.hosts if name in by_name)
        took = wording.seconds(batch.seconds) if batch.seconds else ""
        found.append(BatchLine(folded(batch.hosts), wording.batch_counts(tally), took))
    return found


def host_lines(report: Report, verbosity: int = 0) -> Iterator[HostLine]:
    """Those that converged, by what was done on them; then the others, folded where the same befell them."""
    if verbosity >= 0:
        good = [host for host in report.hosts if status(host) == "converged"]
        for same in alike(good, lambda host: wording.done_text(host.outcomes)):
            yield HostLine(count(len(same), "host"), "good", (wording.done_text(same[0].outcomes),))
    rest = [host for host in report.hosts if status(host) not in ("converged", "not started")]
    for same in alike(rest, _trouble):
        yield HostLine(names(host.host for host in same), "bad", _trouble(same[0]))


def _trouble(host: HostReport) -> tuple[str, ...]:
    lines = wording.host_lines(host)
    found = [" ".join(lines)] if lines else []
    for outcome in host.outcomes:
        if outcome.verdict in ("failed", "refused"):
            rows = outcome_rows(outcome)
            why = next((row for row in rows if row.role == "because"), rows[0]).sentence
            found.append(f"{visible(outcome.step.name)}: {why or outcome.verdict}")
    return tuple(found) or (wording.STOPPED_EARLY,)
