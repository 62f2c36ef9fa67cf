"""Plans and reports as JUnit XML, which CI systems show: a test suite a host, a test case a resource."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.sax.saxutils import quoteattr

from engine.model import HostPlan, HostReport, Outcome, Plan, Report, Step
from engine.model.problems import host_code, resource_code
from engine.views import wording
from engine.views.escape import lines, visible
from engine.views.layout import Style
from engine.views.rows import Row, outcome_rows, step_rows

_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def render(value: Plan | Report, style: Style) -> str:
    """A plan or report as JUnit XML, with a final newline.

    failure  a resource that failed or a check that does not hold      error    a host or resource that gave no answer
    skipped  what was not started, left out, or cannot be known yet
    """
    hosts: tuple[HostPlan | HostReport, ...] = value.hosts
    suites = [_suite(value.state, host) for host in hosts]
    totals = _totals(kind for kinds, _ in suites for kind in kinds)
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name={_quoted(value.state)} {totals}'
    body = "\n".join(text for _, text in suites)
    text = f'{head} time="{value.seconds:.3f}">\n{body}\n</testsuites>\n'
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii") if style.ascii else text


def _suite(state: str, host: HostPlan | HostReport) -> tuple[list[str], str]:
    """What kind each case is, and the suite's text."""
    cases = list(_cases(state, host))
    kinds = [kind for kind, _ in cases]
    head = f'  <testsuite name={_quoted(host.host)} {_totals(kinds)} time="{host.seconds:.3f}">'
    return kinds, "\n".join([head, *(text for _, text in cases), "  </testsuite>"])


def _totals(kinds: Iterable[str]) -> str:
    found = list(kinds)
    return (
        f'tests="{len(found)}" failures="{found.count("failure")}" '
        f'errors="{found.count("error")}" skipped="{found.count("skipped")}"'
    )


def _cases(state: str, host: HostPlan | HostReport) -> Iterator[tuple[str, str]]:
    group = f"{state}.{host.host}"
    error = wording.host_error(host)
    if error or (isinstance(host, HostReport) and not host.started):
        kind = "error" if error else "skipped"
        yield kind, _case("host", group, 0.0, kind, lines(error) if error else [wording.NOT_STARTED], host_code(host))
    items: tuple[Step | Outcome, ...] = host.steps if isinstance(host, HostPlan) else host.outcomes
    for item in items:
        step = item if isinstance(item, Step) else item.step
        rows = step_rows(item) if isinstance(item, Step) else outcome_rows(item)
        spent = 0.0 if isinstance(item, Step) else item.seconds
        kind = _kind(item)
        yield kind, _case(visible(step.name), group, spent, kind, [_line(row) for row in rows], resource_code(item))


def _kind(item: Step | Outcome) -> str:
    word = item.outlook if isinstance(item, Step) else item.verdict
    kinds = {"failing": "failure", "failed": "failure", "refused": "failure", "error": "error", "blocked": "skipped",
             "skipped": "skipped", "left": "skipped", "unproven": "skipped", "check": "skipped"}  # fmt: skip
    return kinds.get(word, "")


def _case(name: str, group: str, spent: float, kind: str, text_lines: list[str], code: str) -> str:
    head = f'    <testcase name={_quoted(name)} classname={_quoted(group)} time="{spent:.3f}"'
    if not kind:
        return f"{head}/>"
    body = "\n".join(text_lines).translate(_TEXT)
    of = f" type={_quoted(code)}" if code and kind != "skipped" else ""
    return f"{head}>\n      <{kind} message={_quoted(text_lines[0])}{of}>{body}</{kind}>\n    </testcase>"


def _line(row: Row) -> str:
    value = row.sentence if row.before is None else row.before
    value = value if row.after is None else f"{value} → {row.after}"
    return f"{row.label}: {value}" if row.label and value else row.label or value


def _quoted(text: str) -> str:
    return quoteattr(visible(text))
