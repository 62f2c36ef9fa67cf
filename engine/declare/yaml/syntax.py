"""Broken YAML → a problem that says what to do about it. Loaded only when there is one."""

from __future__ import annotations

import re
from typing import Any

from engine.codes import Code
from engine.errors import Position, Problem

_OPENED = re.compile(r"""(?:^\s*|[:\-?,\[{]\s+|\[)(\{\{)""")
_TEMPLATE = re.compile(r"\{\{.*?\}\}[^,\]}#]*")
_INDICATORS = "@`%&*!|>{}[],"


def unquoted(where: Position, line: str) -> Problem:
    """The classic: `path: {{ dir }}/x`, which YAML reads as a map inside a map. `line`: its text, to correct it."""
    rest = line[where.column - 1 :]
    found = _TEMPLATE.match(rest)
    hint = 'write it in quotes, like "{{ name }}/rest"'
    if found and '"' not in found[0]:
        hint = f'write it as "{found[0].rstrip()}"'
    return Problem("a value that begins with `{{` must be quoted", where, (hint,), code=Code.YAML_SYNTAX)


def explain(error: Any, text: str, label: str) -> Problem:
    """What is wrong with YAML text that its parser refused. `error` is the parser's (a yaml.YAMLError)."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return _unreadable(error, text, label)
    lines = text.splitlines() or [""]
    row = min(mark.line, len(lines) - 1)
    where = Position(label, mark.line + 1, mark.column + 1)
    begun = getattr(error, "context_mark", None)
    # A parser may notice an unquoted brace only some lines after it.
    for number in range(row, max(min(begun.line if begun else row, row), row - 3) - 1, -1):
        if found := _OPENED.search(_bare(lines[number])):
            return unquoted(Position(label, number + 1, found.start(1) + 1), lines[number])
    return _named(str(getattr(error, "problem", "") or ""), where, lines[row], begun)


def _named(problem: str, where: Position, line: str, begun: Any) -> Problem:
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent or line[where.column - 1 : where.column] == "\t":
        at = Position(where.file, where.line, (line.find("\t") if "\t" in line else 0) + 1)
        return Problem("a tab where YAML allows only spaces", at, ("indent with spaces",), code=Code.YAML_SYNTAX)
    char = line[where.column - 1 : where.column]
    if "alias" in problem or "anchor" in problem or line[where.column - 2 : where.column - 1] in ("*", "&"):
        char, where = "*", Position(where.file, where.line, max(where.column - 1, 1))
        char = line[where.column - 1 : where.column] or char
    if ("cannot start" in problem or "expected alphabetic" in problem) and char and char in _INDICATORS:
        return Problem(f"not valid YAML: text that begins with `{char}` must be quoted", where, code=Code.YAML_SYNTAX)
    if "mapping values are not allowed" in problem:
        hint = "a value that contains `: ` must be quoted, and keys of one map start in the same column"
        return Problem("not valid YAML: a `:` where no key is allowed", where, (hint,), code=Code.YAML_SYNTAX)
    if "unexpected end of stream" in problem and begun is not None:
        return Problem(
            "not valid YAML: this quote is never closed",
            Position(where.file, begun.line + 1, begun.column + 1),
            code=Code.YAML_SYNTAX,
        )
    if "document start" in problem:
        return Problem(
            "not valid YAML: this line is indented less than those before it", where, code=Code.YAML_SYNTAX
        )
    hints = ("keys of one map, and items of one list, start in the same column",)
    if begun is not None and begun.line + 1 != where.line:
        hints = (f"while reading what begins in line {begun.line + 1}; {hints[0]}",)
    return Problem(f"not valid YAML: {problem or 'it cannot be read'}", where, hints, code=Code.YAML_SYNTAX)


def _unreadable(error: Any, text: str, label: str) -> Problem:
    """Characters that YAML forbids: a binary file, mostly."""
    at = int(getattr(error, "position", 0) or 0)
    code = getattr(error, "character", None)
    # libyaml counts bytes where the pure parser counts characters.
    if isinstance(code, int) and not (at < len(text) and ord(text[at]) == code):
        at = max(text.find(chr(code)), 0)
    where = Position(label, text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1)
    shown = f"U+{ord(text[at]):04X}" if at < len(text) else "a control character"
    hint = "is this a text file? in double quotes such a character can be written as an escape"
    return Problem(f"not YAML: the character {shown} is not allowed", where, (hint,), code=Code.FILE_TEXT)


def _bare(line: str) -> str:
    """The line with what stands in quotes or in a comment blanked out, columns kept."""
    blank = re.sub(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"", lambda found: "_" * len(found[0]), line)
    return re.sub(r"(^|\s)#.*", lambda found: " " * len(found[0]), blank)
