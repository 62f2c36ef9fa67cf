"""Unified diffs of text content, safe to show: whitespace visible, long ones folded."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from engine.model.counting import count
from engine.views.escape import visible

Sign: TypeAlias = Literal[" ", "+", "-", "@", "\\", "~"]

FOLD = 60
_CONTEXT = 3
_SLOW = 1000  # lines from which exactness of the matching is given up for speed


@dataclass(frozen=True)
class Line:
    """One line of a diff: context ` `, `+`, `-`, `@` for where a hunk is, `\\` for a missing final newline, `~` for
    lines folded away. `text` is visible, without the sign."""

    sign: Sign
    text: str


@dataclass(frozen=True)
class TextDiff:
    """A diff, and how many lines it adds and removes in all, folded ones included."""

    lines: tuple[Line, ...]
    added: int
    removed: int


@lru_cache(maxsize=4096)
def unified(before: str, after: str, *, fold: int | None = FOLD, plain: bool = False) -> TextDiff:
    """The diff from `before` to `after`. At most about `fold` lines are shown (None: all). `plain` keeps to ASCII
    for what marks whitespace. Binary content is told by size and digest."""
    if "\0" in before or "\0" in after:
        return TextDiff((Line("-", _binary(before)), Line("+", _binary(after))), 1, 1)
    found = tuple(_lines(before, after, plain))
    added, removed = (sum(line.sign == sign for line in found) for sign in "+-")
    return TextDiff(_folded(found, fold), added, removed)


def _binary(text: str) -> str:
    data = text.encode("utf-8", "surrogateescape")
    return f"binary, {count(len(data), 'byte')}, sha256 {hashlib.sha256(data).hexdigest()[:12]}"


def _lines(before: str, after: str, plain: bool) -> Iterator[Line]:
    old, new = _split(before), _split(after)
    start, end = _common(old, new)
    first = max(start - _CONTEXT, 0)
    old_part = old[first : len(old) - max(end - _CONTEXT, 0)]
    new_part = new[first : len(new) - max(end - _CONTEXT, 0)]
    matcher = difflib.SequenceMatcher(None, old_part, new_part, autojunk=len(old_part) + len(new_part) > _SLOW)
    for group in matcher.get_grouped_opcodes(_CONTEXT):
        yield Line("@", _where(group, first))
        for tag, a, b, c, d in group:
            if tag == "equal":
                yield from _side(" ", old_part[a:b], plain)
            else:
                yield from _side("-", old_part[a:b], plain)
                yield from _side("+", new_part[c:d], plain)


def _split(text: str) -> list[str]:
    """Lines with their line feeds; only `\\n` ends one, so that a lone carriage return stays visible in it."""
    parts = text.split("\n")
    last = parts.pop()
    return [f"{part}\n" for part in parts] + ([last] if last else [])


def _common(old: list[str], new: list[str]) -> tuple[int, int]:
    """How many lines are equal at the start, and at the end of what remains."""
    most = min(len(old), len(new))
    start = 0
    while start < most and old[start] == new[start]:
        start += 1
    end = 0
    while end < most - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return start, end


def _where(group: list[tuple[str, int, int, int, int]], first: int) -> str:
    old, new = (group[0][1], group[-1][2]), (group[0][3], group[-1][4])
    return f"@ -{_range(*old, first)} +{_range(*new, first)} @@"


def _range(start: int, end: int, first: int) -> str:
    length = end - start
    begin = first + start + (1 if length else 0)
    return f"{begin}" if length == 1 else f"{begin},{length}"


def _side(sign: Sign, part: list[str], plain: bool) -> Iterator[Line]:
    for line in part:
        yield Line(sign, whitespace(line.removesuffix("\n"), plain))
        if not line.endswith("\n"):
            yield Line("\\", " no newline at the end")


def whitespace(line: str, plain: bool = False) -> str:
    """A line with its tabs, trailing blanks and everything unprintable made visible."""
    body = line.rstrip(" ")
    blanks = ("\\x20" if plain else "·") * (len(line) - len(body))
    if "\t" in body and not plain:
        return "→   ".join(map(visible, body.split("\t"))) + blanks
    return visible(body) + blanks


def _folded(found: tuple[Line, ...], fold: int | None) -> tuple[Line, ...]:
    if fold is None or len(found) <= fold:
        return found
    head, tail = found[: fold * 2 // 3], found[-(fold // 3) :]
    hidden = found[len(head) : -len(tail)]
    added, removed = (sum(line.sign == sign for line in hidden) for sign in "+-")
    text = f" {count(len(hidden), 'more line')}: {added} added, {removed} removed"
    return (*head, Line("~", text), *tail)
