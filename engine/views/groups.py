"""The hosts of a plan or report, folded where the same is to be said of them: what text and Markdown lay out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from engine.model import HostPlan, HostReport, Outcome, Plan, Report, Step
from engine.views.diff import FOLD, TextDiff, unified
from engine.views.escape import lines, visible
from engine.views.fold import alike, count, names
from engine.views.rows import Row, label, outcome_rows, step_rows
from engine.views.summary import Tone, seconds, status, tone, trouble


@dataclass(frozen=True)
class Entry:
    """What is said of one resource: its rows, its diffs, and how long it took (empty: not said)."""

    tone: Tone
    name: str
    rows: tuple[Row, ...]
    took: str = ""
    diffs: tuple[tuple[str, TextDiff], ...] = ()


@dataclass(frozen=True)
class Group:
    """Hosts of which the same is to be said. `error`: lines on why they could not be observed or did not end."""

    hosts: tuple[str, ...]
    same: str
    error: tuple[str, ...]
    entries: tuple[Entry, ...]

    @property
    def title(self) -> str:
        """`gpu1`, or `gpu[01:12]   12 hosts: the same 3 changes`"""
        if len(self.hosts) == 1:
            return visible(self.hosts[0])
        return f"{names(self.hosts)}   {count(len(self.hosts), 'host')}: {self.same}"


@dataclass(frozen=True)
class Wish:
    """What is wanted: `verbosity` and `command` as `engine.views.render` says; `diff` whether diffs are, `plain`
    whether in ASCII."""

    verbosity: int = 0
    diff: bool = False
    plain: bool = False
    command: str = ""


def groups(value: Plan | Report, wish: Wish) -> list[Group]:
    """All hosts of which something is to be said, in order."""
    if isinstance(value, Plan):
        planned = [(host, _planned(host, wish)) for host in value.hosts]
        found = [_group(same, _changes(same[0][0].steps)) for same in alike(planned, _said)]
    else:
        reported = [(host, _reported(host, wish)) for host in value.hosts]
        found = [_group(same, _changes(same[0][0].outcomes)) for same in alike(reported, _said)]
    return [group for group in found if group.entries or group.error]


def reason(host: HostPlan | HostReport) -> tuple[str, ...]:
    """Why a host could not be observed, or the run on it did not end, in lines; none where all went well."""
    if not host.error:
        return ()
    text = host.error.removeprefix(f"{host.host}: ")
    return tuple(line.strip() for line in lines(f"unreachable: {text}" if host.unreachable else text))


def _changes(items: Sequence[Step | Outcome]) -> str:
    number = sum(item.outlook == "change" if isinstance(item, Step) else item.verdict == "changed" for item in items)
    return f"the same {count(number, 'change')}" if number else "the same"


def _planned(host: HostPlan, wish: Wish) -> tuple[Entry, ...]:
    facts = [Row(name, visible(value)) for name, value in host.facts.items()] if wish.verbosity > 0 else []
    told = (Entry("quiet", "host", tuple(facts)),) if facts else ()
    return told + tuple(
        Entry(tone(step), visible(step.name), tuple(step_rows(step, wish.verbosity)), "", _diffs(step, wish))
        for step in host.steps
        if _wanted(step, wish.verbosity)
    )


def _reported(host: HostReport, wish: Wish) -> tuple[Entry, ...]:
    found = []
    for outcome in host.outcomes:
        if not _wanted(outcome, wish.verbosity):
            continue
        rows = tuple(outcome_rows(outcome, _fix(outcome, host.host, wish.command), wish.verbosity))
        took = seconds(outcome.seconds) if outcome.verdict in ("changed", "passed") else ""
        diffs = _diffs(outcome.step, wish) if outcome.verdict != "unchanged" else ()
        found.append(Entry(tone(outcome), visible(outcome.step.name), rows, took, diffs))
    return tuple(found)


def _wanted(item: Step | Outcome, verbosity: int) -> bool:
    if verbosity < 0:
        return trouble(item)
    step = item.step if isinstance(item, Outcome) else item
    if verbosity > 0 or (step.outlook == "skipped" and step.reason):
        # A check that was left out and so does not gate is worth a word.
        return True
    if isinstance(item, Outcome):
        return item.verdict not in ("unchanged", "left")
    return item.outlook not in ("converged", "skipped")


def _fix(outcome: Outcome, host: str, command: str) -> str:
    if outcome.fix or not (outcome.cause and command):
        return outcome.fix
    return f"{command} --limit {host}"


def _diffs(step: Step, wish: Wish) -> tuple[tuple[str, TextDiff], ...]:
    if not wish.diff:
        return ()
    fold = None if wish.verbosity > 0 else FOLD
    return tuple(
        (label(name), unified(before, after, fold=fold, plain=wish.plain))
        for name, (before, after) in step.texts.items()
    )


def _said(pair: tuple[HostPlan | HostReport, tuple[Entry, ...]]) -> tuple[object, ...]:
    """What makes two hosts alike: all that is said of them but times, and fixes, which name the host."""
    host, entries = pair
    return reason(host), status(host), *((e.tone, e.name, _lasting(e.rows), e.diffs) for e in entries)


def _lasting(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    return tuple(row for row in rows if row.label != "fix")


def _group(same: Sequence[tuple[HostPlan | HostReport, tuple[Entry, ...]]], changes: str) -> Group:
    hosts = tuple(host.host for host, _ in same)
    entries = _slowest([entries for _, entries in same])
    return Group(hosts, changes, reason(same[0][0]), tuple(_fixed(entries, hosts)))


def _slowest(every: Sequence[tuple[Entry, ...]]) -> Iterator[Entry]:
    """The entries of hosts that are told as one, each with the longest time it took on any of them."""
    for same in zip(*every, strict=True):
        yield max(same, key=lambda entry: float(entry.took.partition(" ")[0] or 0))


def _fixed(entries: Iterator[Entry], hosts: Sequence[str]) -> Iterator[Entry]:
    """A fix for hosts that are told as one is for all of them."""
    limit = f"--limit {','.join(hosts)}"
    for entry in entries:
        yield replace(entry, rows=tuple(_limited(row, hosts, limit) for row in entry.rows))


def _limited(row: Row, hosts: Sequence[str], limit: str) -> Row:
    if row.label != "fix" or len(hosts) == 1:
        return row
    ends = [f"--limit {host}" for host in hosts]
    end = next((end for end in ends if row.sentence.endswith(end)), None)
    return replace(row, sentence=row.sentence.removesuffix(end) + limit) if end else row
