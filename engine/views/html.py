"""Plans and reports as one HTML file that needs nothing else: no network, no server.

All that is shown travels as JSON in a script element that no browser executes, and is put into the page as text,
never as markup. A content security policy allows the page's own style and script, by their digests, and nothing else.
Equal details and diffs are stored once, so that many hosts make a small file.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from engine.model import HostPlan, HostReport, Outcome, Plan, Report, Step
from engine.views import wording
from engine.views.diff import TextDiff, unified
from engine.views.escape import visible
from engine.views.fold import alike, names
from engine.views.groups import batch_lines
from engine.views.layout import Style
from engine.views.rows import Row, outcome_rows, step_rows
from engine.views.status import MARKS, status, tone
from engine.views.wording import headline, plan_summary, report_summary, what_now, word

_PAGE = Path(__file__).parent / "page"
_SCRIPTS = ("start.js", "detail.js", "matrix.js", "graph.js", "filter.js", "main.js")
_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'"
_FOLD = 400  # lines of a diff; the rest is counted


def render(value: Plan | Report, style: Style) -> str:
    """A plan or report as an HTML page. It is ASCII, so it can be sent in any encoding."""
    data = json.dumps(_Gathering().shown(value), separators=(",", ":"))
    page, css, script = _template()
    # Within a script element only `<` could end it; the rest is for the sake of careless readers of the file.
    safe = data.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    parts = {
        "TITLE": _text(f"{visible(value.state)}: {'plan' if isinstance(value, Plan) else 'report'}"),
        "SUMMARY": _text(str(plan_summary(value) if isinstance(value, Plan) else report_summary(value))),
        "POLICY": f"{_POLICY}; style-src {_digest(css)}; script-src {_digest(script)}",
        "STYLE": css,
        "SCRIPT": script,
        "DATA": safe,
    }
    return re.sub("@([A-Z]+)@", lambda found: parts[found[1]], page)


@cache
def _template() -> tuple[str, str, str]:
    """The page, its style and its script."""
    text = "\n".join((_PAGE / name).read_text("utf-8") for name in _SCRIPTS)
    script = text.encode("ascii", "backslashreplace").decode("ascii")  # it has such characters in strings alone
    return (
        (_PAGE / "page.html").read_text("ascii"),
        (_PAGE / "page.css").read_text("ascii"),
        f'"use strict";\n(() => {{\n{script}}})();\n',
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _text(text: str) -> str:
    """Text for an element or attribute, in ASCII."""
    for character, reference in {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}.items():
        text = text.replace(character, reference)
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


class _Gathering:
    """What the page is shown, equal parts pooled."""

    def __init__(self) -> None:
        self.resources: dict[str, dict[str, Any]] = {}
        self.details: list[dict[str, Any]] = []
        self.diffs: list[dict[str, Any]] = []
        self._detail_at: dict[str, int] = {}
        self._diff_at: dict[TextDiff, int] = {}

    def shown(self, value: Plan | Report) -> dict[str, Any]:
        """All the page needs, as plain data. Numbers in `cells`, `needs` and `diffs` are positions in the lists."""
        summary = plan_summary(value) if isinstance(value, Plan) else report_summary(value)
        for name, kind in _columns(value):
            self.resources[name] = {"name": visible(name), "kind": visible(kind), "at": len(self.resources)}
        hosts = [self._host(host) for host in value.hosts]
        return {
            "type": "plan" if isinstance(value, Plan) else "report",
            "state": visible(value.state),
            "summary": {"lead": summary.lead, "tone": summary.tone, "parts": summary.parts, "extent": summary.extent},
            "after": list(what_now(value)) if isinstance(value, Report) else [],
            "rollout": headline(value) if len(value.batches) > 1 else "",
            "batches": _batches(value),
            "marks": MARKS,
            "resources": [{"name": r["name"], "kind": r["kind"]} for r in self.resources.values()],
            "hosts": hosts,
            "groups": _groups(hosts),
            "details": self.details,
            "diffs": self.diffs,
        }

    def _host(self, host: HostPlan | HostReport) -> dict[str, Any]:
        cells = [-1] * len(self.resources)
        took = [0.0] * len(self.resources)
        items: tuple[Step | Outcome, ...] = host.steps if isinstance(host, HostPlan) else host.outcomes
        for item in items:
            step = item if isinstance(item, Step) else item.step
            at = self.resources[step.name]["at"]
            cells[at] = self._detail(item, step)
            took[at] = 0.0 if isinstance(item, Step) else round(item.seconds, 1)
        shown: dict[str, Any] = {"name": visible(host.host), "status": status(host), "cells": cells}
        error = wording.host_lines(host)
        shown |= {"error": error} if error else {}
        shown |= {"took": took} if any(took) else {}
        return shown | {"trips": host.trips, "seconds": round(host.seconds, 1)}

    def _detail(self, item: Step | Outcome, step: Step) -> int:
        rows = step_rows(item, 1) if isinstance(item, Step) else outcome_rows(item, 1)
        detail: dict[str, Any] = {"tone": tone(item), "word": word(item), "rows": [_row(row) for row in rows]}
        detail |= (
            {"needs": [self.resources[n]["at"] for n in step.needs if n in self.resources]} if step.needs else {}
        )
        detail |= {"position": visible(step.position)} if step.position else {}
        detail |= {"state": _state(step)} if step.prior or step.attributes else {}
        detail |= {"diffs": [self._diff(name, *pair) for name, pair in step.texts.items()]} if step.texts else {}
        key = json.dumps(detail)
        at = self._detail_at.setdefault(key, len(self.details))
        if at == len(self.details):
            self.details.append(detail)
        return at

    def _diff(self, name: str, before: str, after: str) -> list[Any]:
        diff = unified(before, after, fold=_FOLD)
        at = self._diff_at.setdefault(diff, len(self.diffs))
        if at == len(self.diffs):
            lines = [[line.sign, line.text] for line in diff.lines]
            self.diffs.append({"added": diff.added, "removed": diff.removed, "lines": lines})
        return [visible(name), at]


def _columns(value: Plan | Report) -> Iterable[tuple[str, str]]:
    """Every resource's name and kind, each after what comes before it on the hosts that have it."""
    kinds: dict[str, str] = {}
    order: list[str] = []
    for every in dict.fromkeys(tuple((s.name, s.kind) for s in _steps(host)) for host in value.hosts):
        at = 0
        for name, kind in every:
            if name in kinds:
                at = max(at, order.index(name) + 1)
            else:
                order.insert(at, name)
                kinds[name] = kind
                at += 1
    return [(name, kinds[name]) for name in order]


def _steps(host: HostPlan | HostReport) -> tuple[Step, ...]:
    return host.steps if isinstance(host, HostPlan) else tuple(outcome.step for outcome in host.outcomes)


def _row(row: Row) -> list[str]:
    """[role, label, sentence], or [role, label, "", value], or [role, label, "", before, after]."""
    if row.before is None:
        return [row.role, row.label, row.sentence]
    return [row.role, row.label, "", row.before, *([] if row.after is None else [row.after])]


def _state(step: Step) -> list[list[Any]]:
    """Every attribute as found and as declared, in full; a third value only where they differ."""
    declared = {attribute.name: attribute for attribute in step.attributes}
    found = [[visible(name), _whole(value)] for name, value in (step.prior or {}).items() if name not in declared]
    return [[visible(a.name), _whole(a.before), _whole(a.after)] for a in step.attributes] + found


def _whole(value: object) -> str | None:
    return None if value is None else visible(str(value).lower() if isinstance(value, bool) else str(value))


def _batches(value: Plan | Report) -> list[dict[str, Any]]:
    if len(value.batches) < 2:
        return []
    if isinstance(value, Report):
        return [
            {"hosts": ", ".join(line.hosts), "parts": list(map(_batch_part, line.counts)), "took": line.took}
            for line in batch_lines(value)
        ]
    return [{"hosts": names(batch.hosts), "parts": [], "took": ""} for batch in value.batches]


def _batch_part(counted: tuple[int, str]) -> tuple[str, str]:
    """How many hosts came to what, and the class it is shown in."""
    return wording.batch_text([counted]), "bad" if counted[1] in ("failed", "refused", "unreachable") else ""


def _groups(hosts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Hosts of which the same is shown, by their positions."""

    def key(at: int) -> tuple[Any, ...]:
        host = hosts[at]
        return host["status"], tuple(host["cells"]), tuple(host.get("error", ()))

    return [
        {"name": names(hosts[at]["name"] for at in same), "hosts": same} for same in alike(range(len(hosts)), key)
    ]
