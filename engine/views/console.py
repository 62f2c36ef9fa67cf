"""Plans and reports as text. On a terminal values are cut in the middle and sentences wrapped to its width; anywhere
else (`width` None) nothing is ever cut or wrapped, so that it can be searched and compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from engine.model import Plan, Report
from engine.views import wording
from engine.views.escape import cells, to_ascii, visible
from engine.views.fold import alike, few, names
from engine.views.groups import Group, GroupOptions, HostLine, batch_lines, groups, host_lines
from engine.views.layout import Style, block, filled, padded, wrapped
from engine.views.status import status
from engine.views.wording import Summary, headline, plan_summary, report_summary, what_now


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
    yield from _lost(plan, style)
    yield _last(plan_summary(plan), style)


def _report(report: Report, style: Style) -> Iterator[str]:
    yield from _rollout(report, style) if len(report.batches) > 1 else _groups(report, style)
    yield from _lost(report, style)
    yield _last(report_summary(report), style)
    yield from what_now(report, style.program)


def _groups(value: Plan | Report, style: Style) -> Iterator[str]:
    for group in groups(value, GroupOptions(style.verbosity, style.diff, style.ascii)):
        for line in [group.title] if style.width is None else wrapped(group.title, style.width):
            yield style.paint(line, "bold")
        yield from _failure(group, style)
        yield from block(group.entries, style)
        yield ""


def _lost(value: Plan | Report, style: Style) -> Iterator[str]:
    """What a rollback does not put back, folded over hosts."""
    if value.lost:
        yield style.paint(wording.lost_title(value), "bold")
    for same in alike(value.lost, lambda lost: (lost.name, lost.reason)):
        said = f"{names(lost.host for lost in same)}/{visible(wording.lost_text(same[0]))}"
        first, *more = wrapped(said, style.width - 4) if style.width is not None else [said]
        yield f"  {style.mark('warn')} {first}"
        yield from (f"    {part}" for part in more)
    if value.lost:
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
        yield from _outcome(line, wide, style)
    if found:
        yield ""
    if style.verbosity > 0:
        stuck = tuple(host for host in report.hosts if status(host) not in ("converged", "not started"))
        yield from _groups(replace(report, hosts=stuck), style)


def _outcome(line: HostLine, wide: int, style: Style) -> Iterator[str]:
    """Hosts, and what became of them; on a terminal within its width, names above where they are too long."""
    long = style.width is not None and cells(line.hosts) > wide - 2
    if long:
        yield from wrapped(line.hosts, style.width or 0)
        wide = 2
    for at, text in enumerate(line.texts):
        left = " " * wide if at or long else padded(line.hosts, wide)
        first, *more = wrapped(text, max(style.width - wide - 2, 10)) if style.width is not None else [text]
        yield f"{left}{style.mark(line.tone)} {first}"
        yield from (" " * (wide + 2) + part for part in more)


def _batches(report: Report, style: Style) -> Iterator[str]:
    yield from wrapped(headline(report), style.width) if style.width is not None else [headline(report)]
    batches = batch_lines(report)
    digits = max(len(str(batch.counts[0][0])) for batch in batches)
    said = [wording.batch_text(batch.counts, digits) for batch in batches]
    heads = [f"  {number}/{len(batches)}  " for number in range(1, len(batches) + 1)]
    hosts = [", ".join(batch.hosts) for batch in batches]
    if style.width is not None:
        took = max(cells(batch.took) for batch in batches)
        room = style.width - cells(heads[-1]) - max(map(cells, said)) - took - 4
        hosts = [few(batch.hosts, max(room, 13)) for batch in batches]
    wide = max(*map(cells, hosts), 13) + 2
    for head, some, what, batch in zip(heads, hosts, said, batches, strict=True):
        yield filled(f"{head}{padded(some, wide)}{what}", batch.took, style)
    yield ""


def _last(summary: Summary, style: Style) -> str:
    said = str(summary)
    if style.width is not None and cells(said) > style.width:
        said = "\n  ".join([*wrapped(f"{summary.lead}{summary.counts}", style.width - 2), summary.extent])
    return style.paint(summary.lead, summary.tone) + said[len(summary.lead) :]
