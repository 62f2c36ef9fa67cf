"""Plans and reports as Markdown for a comment on a forge (GitHub, GitLab, Forgejo): a table a host, diffs to open.

What came from a host shows as it is and does nothing: values are code spans, in which a forge looks for no markup,
mention, link or reference; in sentences every word that might be one is made a code span, and markup characters are
character references. A diff's fence is longer than any run of back-ticks in it.

A forge refuses a comment above its limit. So whole items are left out, diffs before rows, and counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from engine.model import Plan, Report
from engine.views import wording
from engine.views.diff import TextDiff
from engine.views.escape import to_ascii, visible
from engine.views.groups import Entry, Group, GroupOptions, batch_lines, groups, host_lines
from engine.views.layout import Style
from engine.views.rows import Row
from engine.views.status import MARKS
from engine.views.wording import Summary, headline, plan_summary, report_summary, what_now

# Words that are plain everywhere: no mention, reference, link, emoji, commit or markup can be made of them.
_PLAIN = re.compile(r"[\"'(]*(?!www\.|[0-9a-f]{7,40}\b|[A-Za-z]+-[0-9])[\w][\w'.,/-]*[)\"':;,.!?]*$")
_SPAN = re.compile(r"[`|\\]|^ | $")
_EXOTIC = re.compile(r"[^\w\s]|_")
_RUN = re.compile("`+")
_RESERVE = 400  # bytes kept for saying what was left out


def render(value: Plan | Report, style: Style) -> str:
    """A plan or report as Markdown of at most `style.limit` bytes of UTF-8, so never more characters than that."""
    summary = plan_summary(value) if isinstance(value, Plan) else report_summary(value)
    page = _Page(style.limit - _RESERVE, to_ascii if style.ascii else str)
    page.must(f"<!-- engine {'plan' if isinstance(value, Plan) else 'report'}: {_marker(value.state)} -->")
    page.must(f"### {_headline(summary)}\n\n{prose(value.state)} · {summary.extent}")
    if len(value.batches) > 1:
        page.must(prose(headline(value)))
    if isinstance(value, Report) and len(value.batches) > 1:
        page.rows(_rollout(value))
    else:
        _groups(page, groups(value, GroupOptions(style.verbosity, True)))
    if isinstance(value, Report):
        page.last(prose(line) for line in what_now(value))
    return page.text(style.command)


def prose(text: str) -> str:
    """A sentence in which nothing is markup."""
    return " ".join(map(_word, visible(text).split(" ")))


def code(text: str) -> str:
    """A value as a code span, fit for a table cell; nothing for an empty one."""
    if not text:
        return ""
    text = visible(text)
    return f"<code>{_references(_EXOTIC, text)}</code>" if _SPAN.search(text) else f"`{text}`"


def fence(body: str) -> str:
    """The fence that nothing in `body` can close."""
    return "`" * max(3, max(map(len, _RUN.findall(body)), default=0) + 1)


@dataclass
class _Table:
    """A table under a heading: its rows, how many were left out, and what is to be opened below it."""

    head: str
    rows: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)


class _Page:
    """What is written so far, within a limit of bytes."""

    def __init__(self, limit: int, spelling: Callable[[str], str]) -> None:
        self.room, self.spelling = limit, spelling
        self.parts: list[str | _Table] = []
        self.ending: list[str] = []
        self.lost = {"host": 0, "resource": 0, "diff": 0, "line": 0}

    def must(self, text: str) -> None:
        """A part that is never left out."""
        self.parts.append(text)
        self.room -= self.size(text)

    def rows(self, lines: Iterable[str]) -> None:
        """Lines of which the last are left out where there is no room."""
        every = list(lines)
        kept = [line for line in every if self.fits(line)]
        self.lost["line"] += len(every) - len(kept)
        self.parts.append("\n".join(kept))

    def last(self, lines: Iterable[str]) -> None:
        """Lines for the end."""
        self.ending = [line for line in lines if self.fits(line)]

    def size(self, text: str) -> int:
        """The bytes a part takes, with the blank line after it."""
        return len(self.spelling(text).encode()) + 2

    def fits(self, text: str) -> bool:
        """Take the room for a text, if there is enough."""
        size = self.size(text)
        if size > self.room:
            return False
        self.room -= size
        return True

    def text(self, command: str) -> str:
        """All of it, with a word on what was left out."""
        found = [part if isinstance(part, str) else _written(part) for part in self.parts]
        found += ["  \n".join(self.ending)] if self.ending else []
        if lost := wording.too_long(self.lost):
            whole = f" {wording.ALL_OF_IT} {code(wording.as_html(command))}" if 0 < self.size(command) < 200 else ""
            found.append(f"**{lost}**{whole}")
        return self.spelling("\n\n".join(part for part in found if part)) + "\n"


def _groups(page: _Page, found: list[Group]) -> None:
    """Tables first, then diffs as far as there is room for them."""
    tables: list[tuple[Group, _Table]] = []
    for group in found:
        table = _Table(_title(group))
        if not page.fits(table.head + _HEADER):
            page.lost["host"] += group.number
            continue
        page.parts.append(table)
        tables.append((group, table))
        for text in (*_errors(group), *map(_row, group.entries)):
            if page.fits(text):
                table.rows.append(text)
            else:
                page.lost["resource"] += 1
    for group, table in tables:
        for text in _details(group):
            if page.fits(text):
                table.details.append(text)
            else:
                page.lost["diff"] += 1


_HEADER = "| | resource | | | |\n| :-: | :-- | :-- | :-- | --: |"


def _written(table: _Table) -> str:
    parts = [table.head]
    parts += ["\n".join([_HEADER, *table.rows])] if table.rows else []
    return "\n\n".join(parts + table.details)


def _title(group: Group) -> str:
    return f"#### {code(group.names)}{f' {prose(group.same)}' if group.same else ''}"


def _errors(group: Group) -> Iterator[str]:
    if group.error:
        marks = [MARKS["bad"], *[""] * (len(group.error) - 1)]
        cells = zip(marks, map(prose, group.error), strict=True)
        yield "\n".join(f"| {mark} | | | {text} | |" for mark, text in cells)


def _row(entry: Entry) -> str:
    """One resource: a line of the table for each of its rows, the first with its mark and name."""
    end = next((at for at, row in enumerate(entry.rows) if row.role == "output"), len(entry.rows))
    lines = [f"| {prose(row.label)} | {_value(row)} |" for row in entry.rows[:end]]
    first, *rest = lines or ["| | |"]
    return "\n".join(
        [f"| {MARKS[entry.tone]} | {code(entry.name)} {first} {entry.took} |", *(f"| | {line} |" for line in rest)]
    )


def _value(row: Row) -> str:
    if row.before is None:
        return code(row.sentence) if row.role in ("fix", "action") else prose(row.sentence)
    return code(row.before) if row.after is None else f"{code(row.before)} → {code(row.after)}"


def _details(group: Group) -> Iterator[str]:
    """Diffs and the output of failing actions, each to be opened."""
    for entry in group.entries:
        for name, diff in entry.diffs:
            yield _folded(f"{entry.name}: {name}", f"+{diff.added} −{diff.removed}", "diff", _diff(diff))
        output = [row for row in entry.rows if row.role == "output"]
        if output:
            body = "\n".join(row.sentence for row in output)
            yield _folded(f"{entry.name}: {output[0].label}", "", "text", body)


def _diff(diff: TextDiff) -> str:
    return "\n".join(f"{'…' if line.sign == '~' else line.sign}{line.text}" for line in diff.lines)


def _folded(title: str, more: str, language: str, body: str) -> str:
    marks = fence(body)
    head = f"<details><summary><code>{_references(_EXOTIC, title)}</code> {more}</summary>"
    return f"{head}\n\n{marks}{language}\n{body}\n{marks}\n\n</details>"


def _rollout(report: Report) -> Iterator[str]:
    yield "| batch | hosts | | |\n| --: | :-- | :-- | --: |"
    batches = batch_lines(report)
    for number, batch in enumerate(batches, 1):
        hosts = code(", ".join(batch.hosts))
        yield f"| {number}/{len(batches)} | {hosts} | {wording.batch_text(batch.counts)} | {batch.took} |"
    yield "\n| | hosts | |\n| :-: | :-- | :-- |"
    for line in host_lines(report):
        yield f"| {MARKS[line.tone]} | {prose(line.hosts)} | {'<br>'.join(map(prose, line.texts))} |"


def _headline(summary: Summary) -> str:
    return prose(f"{summary.lead}: {', '.join(summary.parts)}" if summary.parts else summary.lead)


def _word(word: str) -> str:
    if _PLAIN.match(word) or not word:
        return word.replace("_", "&#95;")
    core = word.rstrip(",;:.!?")
    return code(core) + word[len(core) :] if core else _references(_EXOTIC, word)


def _references(pattern: re.Pattern[str], text: str) -> str:
    """The text with every match as a character reference. A comment after `@` keeps it from becoming an address."""
    return pattern.sub(lambda found: f"&#{ord(found[0])};{'<!-- -->' if found[0] == '@' else ''}", text)


def _marker(state: str) -> str:
    return re.sub(r"-{2,}|[^\w.-]", "-", visible(state)).strip("-")
