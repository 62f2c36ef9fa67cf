"""How text stands in columns: over a host, within the width of a terminal where there is one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.views import wording
from engine.views.escape import cells, middle, taken, to_ascii
from engine.views.groups import Entry
from engine.views.rows import Row
from engine.views.status import MARKS, Tone

if TYPE_CHECKING:
    from engine.views.diff import TextDiff

_COLUMNS = 100  # what a line with a duration is filled to, where there is room
_NAME, _LABEL = 20, 9  # the least a column is wide
_NAME_MOST, _LABEL_MOST = 34, 24  # the most, on a terminal
_ROOM = 26  # with less than this for values, they go on lines of their own
_INDENT = 6
_WORDS = re.compile(r" *[^ ]+| +$")
_COLOURS = {
    "create": "32",
    "change": "33",
    "remove": "31",
    "check": "36",
    "good": "32",
    "bad": "1;31",
    "warn": "1;35",
    "quiet": "2",
    "dim": "2",
    "bold": "1",
    "+": "32",
    "-": "31",
    "@": "36",
    "~": "2",
    "\\": "2",
    " ": "",
}


@dataclass(frozen=True)
class Style:
    """How to write: see `engine.views.render` for what each means."""

    width: int | None = None
    color: bool = False
    ascii: bool = False
    verbosity: int = 0
    diff: bool = False
    command: str = ""
    limit: int = 65_536
    program: str = "onetrip"

    def paint(self, text: str, colour: str) -> str:
        """Text in a colour, if there are colours and there is text."""
        code = _COLOURS[colour]
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and code and text.strip() else text

    def mark(self, tone: Tone) -> str:
        """The mark of a tone, in its colour."""
        return self.paint(to_ascii(MARKS[tone]) if self.ascii else MARKS[tone], tone)


@dataclass(frozen=True)
class _Columns:
    """Widths: of the name, the label, the room for values (None: no limit), and where durations end. `stacked`:
    names stand on lines of their own."""

    name: int
    label: int
    room: int | None
    end: int
    stacked: bool = False

    @property
    def indent(self) -> int:
        return _INDENT if self.stacked else 4 + self.name


def padded(text: str, width: int) -> str:
    """Text filled with blanks to `width` columns; where it is too long, two blanks keep it apart."""
    return text + " " * max(width - cells(text), 2)


def filled(line: str, took: str, style: Style) -> str:
    """A line with what it took at the right."""
    end = min(style.width or _COLUMNS, _COLUMNS)
    return _with(line, cells(line), took, end, style)


def block(entries: Sequence[Entry], style: Style) -> list[str]:
    """The lines of one host's entries, columns aligned over all of them."""
    if style.ascii:
        entries = [_plain(entry) for entry in entries]
    columns = _columns(entries, style)
    return [line for entry in entries for line in _entry(entry, columns, style)]


def _plain(entry: Entry) -> Entry:
    """In ASCII; before anything is measured, because `->` is wider than the arrow it stands for."""

    def rewritten(text: str | None) -> str | None:
        return None if text is None else to_ascii(text)

    def plain(row: Row) -> Row:
        label, sentence = to_ascii(row.label), to_ascii(row.sentence)
        return replace(row, label=label, sentence=sentence, before=rewritten(row.before), after=rewritten(row.after))

    return replace(entry, name=to_ascii(entry.name), rows=tuple(map(plain, entry.rows)))


def _columns(entries: Sequence[Entry], style: Style) -> _Columns:
    names = max((cells(entry.name) for entry in entries), default=0)
    labels = max((cells(row.label) for entry in entries for row in entry.rows), default=0)
    if style.width is None:
        columns = _Columns(max(names, _NAME) + 2, max(labels, _LABEL) + 2, None, _COLUMNS)
        return replace(columns, end=_end(entries, columns, style))
    names = max((cells(entry.name) for entry in entries if cells(entry.name) <= _NAME_MOST), default=0)
    took = max((cells(entry.took) + 2 for entry in entries if entry.took), default=0)
    label = min(max(labels, _LABEL), _LABEL_MOST) + 2
    name = min(max(names, _NAME), _NAME_MOST) + 2
    most = style.width - 4 - label - took
    if most - name < _ROOM and names + 2 < name:
        name = names + 2
    columns = _Columns(name, label, most - name, _COLUMNS)
    if most - name < _ROOM:
        columns = _stacked(columns, style.width, took)
    return replace(columns, end=min(_end(entries, columns, style), style.width))


def _stacked(columns: _Columns, width: int, took: int = 0) -> _Columns:
    """The same with names on lines of their own, which leaves more room."""
    return replace(columns, room=max(width - _INDENT - columns.label - took, _ROOM // 2), stacked=True)


def _end(entries: Sequence[Entry], columns: _Columns, style: Style) -> int:
    """Where durations end: the usual column, or further right for the longest line."""
    longest = max(
        (
            columns.indent + max(cells(entry.rows[0].label) + 2, columns.label) + cells(_value(entry.rows[0], style))
            for entry in entries
            if entry.took
        ),
        default=0,
    )
    took = max((cells(entry.took) for entry in entries), default=0)
    return max(_COLUMNS, longest + 2 + took)


def _entry(entry: Entry, columns: _Columns, style: Style) -> Iterator[str]:
    head = f"  {style.mark(entry.tone)} "
    if style.width is not None and cells(entry.name) + 2 > columns.name:
        columns = _stacked(columns, style.width, cells(entry.took) + 2 if entry.took else 0)
    if columns.stacked:
        yield head + entry.name
    for at, row in enumerate(entry.rows):
        start = " " * columns.indent if columns.stacked or at else head + padded(entry.name, columns.name)
        named = row.label if style.width is None else middle(row.label, columns.label - 2)
        for number, (text, shown) in enumerate(_pieces(row, columns, style)):
            label = " " * columns.label if number else padded(named, columns.label)
            painted = style.paint(label, "dim") if row.role and row.label else label
            line = (start if not number else " " * columns.indent) + painted + shown
            if at or number or not entry.took:
                yield line.rstrip()
            else:
                used = columns.indent if columns.stacked else max(columns.indent, cells(entry.name) + 6)
                yield _with(line, used + cells(label) + cells(text), entry.took, columns.end, style)
    for name, diff in entry.diffs:
        yield from _diff(name, diff, style)


def _with(line: str, long: int, took: str, end: int, style: Style) -> str:
    if not took:
        return line
    return line + " " * max(end - long - cells(took), 2) + style.paint(took, "dim")


def _arrow(style: Style) -> str:
    return " -> " if style.ascii else " → "


def _value(row: Row, style: Style) -> str:
    if row.before is None:
        return row.sentence
    return row.before if row.after is None else f"{row.before}{_arrow(style)}{row.after}"


def _pieces(row: Row, columns: _Columns, style: Style) -> Iterator[tuple[str, str]]:
    """The lines of a row's value: as measured, and as painted."""
    room = columns.room
    if row.before is None:
        # A command is there to be copied, so it is left in one piece.
        pieces = [row.sentence] if room is None or row.fix else wrapped(row.sentence, room)
        yield from ((piece, style.paint(piece, "bold") if row.fix else piece) for piece in pieces)
    elif row.after is None:
        pieces = [row.before] if room is None else [middle(row.before, room)]
        yield from ((piece, piece) for piece in pieces)
    else:
        before, after, arrow = row.before, row.after, _arrow(style)
        if room is not None:
            before, after = _share(before, after, room - len(arrow))
        text = f"{before}{arrow}{after}"
        yield text, f"{style.paint(before, 'dim')}{style.paint(arrow, 'dim')}{after}"


def _share(before: str, after: str, room: int) -> tuple[str, str]:
    """Both values cut to fit into `room` together; what the shorter does not need goes to the longer."""
    half = room // 2
    short, long = sorted((cells(before), cells(after)))
    if short + long <= room:
        return before, after
    most = max(half, room - short)
    return middle(before, most if cells(before) == long else half), middle(
        after, most if cells(after) == long and cells(before) != long else half
    )


def wrapped(text: str, room: int) -> list[str]:
    """Text in lines of at most `room` columns, broken at blanks where possible."""
    if cells(text) <= room:
        return [text]
    found, line = [], ""
    for word in _WORDS.findall(text):
        if line and cells(line + word) > room:
            found.append(line)
            line = word.lstrip()
        else:
            line += word
        while cells(line) > room:
            head = taken(line, room)
            found.append(head)
            line = line[len(head) :]
    return [*found, line] if line else found


def _diff(name: str, diff: TextDiff, style: Style) -> Iterator[str]:
    pad = " " * _INDENT
    yield ""
    for sign, title in zip(("---", "+++"), wording.diff_titles(name), strict=True):
        yield f"{pad}{style.paint(f'{sign} {title}', 'bold')}"
    for line in diff.lines:
        sign = ("..." if style.ascii else "…") if line.sign == "~" else line.sign
        yield f"{pad}{style.paint(f'{sign}{line.text}', line.sign)}"
    yield ""
