"""Plans and reports as text. On a terminal values are cut in the middle and sentences wrapped to its width; anywhere
else (`width` None) nothing is ever cut or wrapped, so that it can be searched and compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from engine.model import HostReport, Plan, Report
from engine.views.escape import cells, to_ascii, visible
from engine.views.groups import Group, Wish, groups
from engine.views.layout import Style, block, filled, padded, wrapped
from engine.views.rollout import batch_lines, headline, host_lines
from engine.views.summary import Summary, plan_summary, report_summary, status


def render(value: Plan | Report, style: Style) -> str:
    """A plan or report as text, with a final newline."""
    lines = _plan(value, style) if isinstance(value, Plan) else _report(value, style)
    # Diffs and hosts both keep a blank line around them; one is enough where they meet.
    text = "\n".join(line for line, following in groupby(lines) for line in (following if line else [line]))
    return (to_ascii(text) if style.ascii else text) + "\n"


def _plan(plan: Plan, style: Style) -> Iterator[str]:
    if len(plan.batches) > 1 and style.verbosity >= 0:
        yield from (headline(plan), "")
    yield from _groups(plan, style)
    yield _last(plan_summary(plan), style)


def _report(report: Report, style: Style) -> Iterator[str]:
    yield from _rollout(report, style) if len(report.batches) > 1 else _groups(report, style)
    yield _last(report_summary(report), style)
    yield from what_now(report)


def _groups(value: Plan | Report, style: Style) -> Iterator[str]:
    for group in groups(value, Wish(style.verbosity, style.diff, style.ascii, style.command)):
        yield style.paint(group.title, "bold")
        yield from _failure(group, style)
        yield from block(group.entries, style)
        yield ""


def _failure(group: Group, style: Style) -> Iterator[str]:
    for at, line in enumerate(group.error):
        yield f"    {line}" if at else f"  {style.mark('bad')} {line}"


def _rollout(report: Report, style: Style) -> Iterator[str]:
    if style.verbosity >= 0:
        yield from _batches(report, style)
    found = list(host_lines(report, style.verbosity))
    wide = min(max((cells(line.hosts) for line in found), default=0), 30)
    wide = max(wide, 8) + 2
    for line in found:
        for at, text in enumerate(line.texts):
            yield f"{padded('' if at else line.hosts, wide)}{style.mark(line.tone)} {text}"
    if found:
        yield ""
    if style.verbosity > 0:
        stuck = tuple(host for host in report.hosts if status(host) not in ("converged", "not started"))
        yield from _groups(replace(report, hosts=stuck), style)


def _batches(report: Report, style: Style) -> Iterator[str]:
    yield headline(report)
    batches = batch_lines(report)
    wide = max(*(cells(batch.hosts) for batch in batches), 13) + 2
    digits = max(len(batch.parts[0].split()[0]) for batch in batches)
    for number, batch in enumerate(batches, 1):
        indent = " " * (digits - len(batch.parts[0].split()[0]))
        said = f"{indent}{', '.join(batch.parts)}"
        yield filled(f"  {number}/{len(batches)}  {padded(batch.hosts, wide)}{said}", batch.took, style)
    yield ""


def what_now(report: Report) -> Iterator[str]:
    """Why a run ended early, and what to go on with."""
    stuck: list[HostReport] = [host for host in report.hosts if status(host) != "converged"]
    if report.stopped and (len(report.batches) < 2 or "request" in report.stopped):
        yield visible(report.stopped[:1].upper() + report.stopped[1:])
    if stuck and report.run and len(report.hosts) > 1:
        yield f"Go on with: engine retry {visible(report.run)}"


def _last(summary: Summary, style: Style) -> str:
    said = str(summary)
    if style.width is not None and cells(said) > style.width:
        counts = wrapped(said.removesuffix(f"   {summary.extent}"), style.width - 2)
        said = "\n  ".join([*counts, summary.extent])
    return style.paint(summary.lead, summary.tone) + said.removeprefix(summary.lead)
