"""Plans and reports as text. On a terminal values are cut in the middle and sentences wrapped to its width; anywhere
else (`width` None) nothing is ever cut or wrapped, so that it can be searched and compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from engine.model import HostPlan, HostReport, Outcome, Plan, Report, Step
from engine.views.diff import FOLD, TextDiff, unified
from engine.views.escape import cells, lines, to_ascii, visible
from engine.views.fold import alike, count, names
from engine.views.layout import Entry, Style, block, filled, padded, wrapped
from engine.views.rows import label, outcome_rows, step_rows
from engine.views.summary import (
    HOST_ORDER,
    MARKS,
    Summary,
    Tone,
    carried,
    plan_summary,
    report_summary,
    seconds,
    status,
    tone,
    trouble,
)


def render(value: Plan | Report, style: Style) -> str:
    """A plan or report as text, with a final newline."""
    text = "\n".join(_plan(value, style) if isinstance(value, Plan) else _report(value, style))
    return (to_ascii(text) if style.ascii else text) + "\n"


def _plan(plan: Plan, style: Style) -> Iterator[str]:
    if len(plan.batches) > 1 and style.verbosity >= 0:
        yield from (rollout(plan), "")
    groups = alike(((host, _plan_entries(host, style)) for host in plan.hosts), _said)
    for group in groups:
        hosts, entries = [host for host, _ in group], group[0][1]
        if entries or hosts[0].error:
            changes = sum(step.outlook == "change" for step in hosts[0].steps)
            same = f"the same {count(changes, 'change')}" if changes else "the same"
            yield style.paint(_heading([host.host for host in hosts], same), "bold")
            yield from _failure(hosts[0], style)
            yield from block(entries, style)
            yield ""
    yield _last(plan_summary(plan), style)


def _plan_entries(host: HostPlan, style: Style) -> tuple[Entry, ...]:
    return tuple(
        Entry(tone(step), visible(step.name), tuple(step_rows(step, style.verbosity)), "", _diffs(step, style))
        for step in host.steps
        if _wanted(step, style.verbosity)
    )


def _report(report: Report, style: Style) -> Iterator[str]:
    if len(report.batches) > 1:
        yield from _rollout(report, style)
        return
    groups = alike(((host, _report_entries(host, report, style)) for host in report.hosts), _said)
    for group in groups:
        hosts = [host for host, _ in group]
        entries = _slowest([entries for _, entries in group])
        if entries or hosts[0].error:
            changes = sum(outcome.verdict == "changed" for outcome in hosts[0].outcomes)
            same = f"the same {count(changes, 'change')}" if changes else "the same"
            yield style.paint(_heading([host.host for host in hosts], same), "bold")
            yield from _failure(hosts[0], style)
            yield from block(tuple(_fixed(entries, hosts)), style)
            yield ""
    yield _last(report_summary(report), style)
    yield from _what_now(report)


def _report_entries(host: HostReport, report: Report, style: Style) -> tuple[Entry, ...]:
    found = []
    for outcome in host.outcomes:
        if _wanted(outcome, style.verbosity):
            fix = _fix(outcome, host.host, style.command)
            rows = tuple(outcome_rows(outcome, fix, style.verbosity))
            took = seconds(outcome.seconds) if outcome.verdict in ("changed", "passed") else ""
            diffs = _diffs(outcome.step, style) if outcome.verdict != "unchanged" else ()
            found.append(Entry(tone(outcome), visible(outcome.step.name), rows, took, diffs))
    return tuple(found)


def _rollout(report: Report, style: Style) -> Iterator[str]:
    yield rollout(report)
    by_name = {host.host: host for host in report.hosts}
    folded = [names(batch.hosts) for batch in report.batches]
    wide = max(*map(cells, folded), 13) + 2
    digits = len(str(max(len(batch.hosts) for batch in report.batches)))
    for number, (batch, fold) in enumerate(zip(report.batches, folded, strict=True), 1):
        found = Counter(status(by_name[name]) for name in batch.hosts if name in by_name)
        parts = [f"{found[state]} {state}" for state in HOST_ORDER if found[state]] or ["0 hosts"]
        indent = " " * (digits - len(parts[0].split()[0]))
        took = seconds(batch.seconds) if batch.seconds else ""
        yield filled(f"  {number}/{len(folded)}  {padded(fold, wide)}{indent}{', '.join(parts)}", took, style)
    yield ""
    yield from _outcomes(report, style)
    yield ""
    yield _last(report_summary(report), style)
    yield from _what_now(report)


def rollout(value: Plan | Report) -> str:
    """`Rollout: 30 hosts in batches of 1, 2, 12, 15; stops at the first failure`"""
    sizes = ", ".join(str(len(batch.hosts)) for batch in value.batches)
    rule = f"; {visible(value.rule)}" if value.rule else ""
    return f"Rollout: {count(len(value.hosts), 'host')} in batches of {sizes}{rule}"


def _outcomes(report: Report, style: Style) -> Iterator[str]:
    """One line for all hosts that went well alike, then one for each of the others."""
    said: list[tuple[str, Tone, list[str]]] = []
    good = [host for host in report.hosts if status(host) == "converged"]
    if style.verbosity >= 0:
        for group in alike(good, lambda host: tuple(carried(host.outcomes))):
            said.append((count(len(group), "host"), "good", [", ".join(carried(group[0].outcomes))]))
    rest = [host for host in report.hosts if status(host) not in ("converged", "not started")]
    for group in alike(rest, lambda host: tuple(_trouble(host))):
        said.append((names(host.host for host in group), "bad", _trouble(group[0])))
    wide = max((cells(name) for name, _, _ in said), default=0)
    wide = min(max(wide, 8), 30) + 2
    for name, shade, texts in said:
        for text in texts:
            yield f"{padded(name, wide)}{style.paint(MARKS[shade], shade)} {text}"
            name = ""


def _trouble(host: HostReport) -> list[str]:
    found = [_reason(host)] if host.error else []
    for outcome in host.outcomes:
        if outcome.verdict in ("failed", "refused"):
            rows = outcome_rows(outcome)
            because = [row.sentence for row in rows if row.label == "because"] or [row.sentence for row in rows]
            found.append(f"{visible(outcome.step.name)}: {because[0] or outcome.verdict}")
    return found or ["stopped before it was done"]


def _reason(host: HostPlan | HostReport) -> str:
    text = host.error.removeprefix(f"{host.host}: ")
    return " ".join(line.strip() for line in lines(f"unreachable: {text}" if host.unreachable else text))


def _failure(host: HostPlan | HostReport, style: Style) -> Iterator[str]:
    if not host.error:
        return
    text = host.error.removeprefix(f"{host.host}: ")
    said = lines(f"unreachable: {text}" if host.unreachable else text)
    yield f"  {style.paint(MARKS['bad'], 'bad')} {said[0]}"
    for line in said[1:]:
        yield f"    {line.strip()}"


def _what_now(report: Report) -> Iterator[str]:
    stuck = [host for host in report.hosts if status(host) != "converged"]
    if report.stopped:
        yield visible(report.stopped)
    if stuck and report.run and len(report.hosts) > 1:
        yield f"Go on with: engine retry {visible(report.run)}"


def _wanted(item: Step | Outcome, verbosity: int) -> bool:
    if verbosity < 0:
        return trouble(item)
    if isinstance(item, Outcome):
        return verbosity > 0 or item.verdict not in ("unchanged", "left")
    return verbosity > 0 or item.outlook not in ("converged", "skipped")


def _said(pair: tuple[HostPlan | HostReport, tuple[Entry, ...]]) -> object:
    host, entries = pair
    without = [
        replace(entry, took="", rows=tuple(row for row in entry.rows if row.label != "fix")) for entry in entries
    ]
    return host.error.removeprefix(f"{host.host}: "), host.unreachable, status(host), tuple(without)


def _heading(hosts: Sequence[str], same: str) -> str:
    if len(hosts) == 1:
        return visible(hosts[0])
    return f"{names(hosts)}   {count(len(hosts), 'host')}: {same}"


def _slowest(group: Sequence[tuple[Entry, ...]]) -> tuple[Entry, ...]:
    """The entries of hosts that are told as one, each with the longest time it took on any of them."""
    return tuple(
        max(same, key=lambda entry: float(entry.took.partition(" ")[0] or 0)) for same in zip(*group, strict=True)
    )


def _fix(outcome: Outcome, host: str, command: str) -> str:
    if outcome.fix or not (outcome.cause and command):
        return outcome.fix
    return f"{command} --limit {host}"


def _fixed(entries: tuple[Entry, ...], hosts: Sequence[HostReport]) -> Iterator[Entry]:
    """A fix for hosts that are told as one is for all of them."""
    if len(hosts) == 1:
        yield from entries
        return
    limit = f"--limit {','.join(host.host for host in hosts)}"
    for entry in entries:
        rows = [
            replace(row, sentence=row.sentence.replace(f"--limit {hosts[0].host}", limit))
            if row.label == "fix"
            else row
            for row in entry.rows
        ]
        yield replace(entry, rows=tuple(rows))


def _diffs(step: Step, style: Style) -> tuple[tuple[str, TextDiff], ...]:
    if not style.diff:
        return ()
    fold = None if style.verbosity > 0 else FOLD
    return tuple(
        (label(name), unified(before, after, fold=fold, plain=style.ascii))
        for name, (before, after) in step.texts.items()
    )


def _last(summary: Summary, style: Style) -> str:
    said = str(summary)
    if style.width is not None and cells(said) > style.width:
        counts = wrapped(said.removesuffix(f"   {summary.extent}"), style.width - 2)
        said = "\n  ".join([*counts, summary.extent])
    return style.paint(summary.lead, summary.tone) + said.removeprefix(summary.lead)
