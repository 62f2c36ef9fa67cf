"""Text that came from a host or a file, made safe and visible for whatever shows it.

A terminal obeys escape sequences, a browser and a terminal reorder text around bidi characters, and a name may hold
a line break. So every character that does not print as itself is written as `\\x1b`, `\\u202e` and the like. A CI
runner that reads a log takes a line beginning with `::` as a command, and one with `##[` anywhere in it: those are
written `\\x3a:` and `#\\x23[`. All that leaves the engine goes through here: `visible` or `lines` where people read
it, `json_text` where programs do.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# Letters by their Unicode category, but nothing is seen of them: they would hide a difference.
_FILLERS = "\u034f\u115f\u1160\u3164\uffa0"
# Runners ignore blanks before `::`, and text may end up at the beginning of a line, so every word that begins with
# it counts; but no command begins with a digit, as addresses (`::1`) do. `##vso[` is one of another runner.
_COMMAND = re.compile(r"(?<!\S)::(?![0-9])|##(?=\w*\[)")
_SUSPECT = re.compile(f"[{_FILLERS}]|{_COMMAND.pattern}")
_ASCII = str.maketrans(
    {
        "✓": "=",
        "✗": "x",
        "→": "->",
        "…": "...",
        "·": ".",
        "─": "-",
        "│": "|",
    }
)


def visible(text: str) -> str:
    """One line: every character that is not printable (line breaks, escapes, bidi, bytes that are no UTF-8) is
    written out, and so is the beginning of a command to a CI runner."""
    if text.isprintable() and not _SUSPECT.search(text):
        return text
    return _COMMAND.sub(_uncommanded, "".join(map(_shown, text)))


def lines(text: str) -> list[str]:
    """The lines of a text, each made visible; no final empty line."""
    return [visible(line.removesuffix("\r")) for line in text.removesuffix("\n").split("\n")]


def json_text(item: Any, **how: Any) -> str:
    """JSON in ASCII that any parser takes, and no terminal or CI runner obeys. `how` as `json.dumps` takes it."""
    text = json.dumps(item, **how)
    if "\\ud" in text:
        text = json.dumps(valid(item), **how)
    # Outside of strings JSON has neither.
    return _COMMAND.sub(lambda found: "#\\u0023" if found[0] == "##" else "\\u003a:", text)


def to_ascii(text: str) -> str:
    """The same in ASCII alone, for an output whose encoding has no more."""
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")


def cells(text: str) -> int:
    """How many columns of a terminal a visible text takes."""
    if text.isascii():
        return len(text)
    return sum(map(_width, text))


def middle(text: str, width: int) -> str:
    """Cut in the middle to at most `width` columns (1 or more), so that both ends can be compared."""
    if cells(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{taken(text, width - 1 - tail)}…{taken(text[::-1], tail)[::-1]}"


def taken(text: str, width: int) -> str:
    """The longest beginning of a text that fits into `width` columns."""
    used = 0
    for at, character in enumerate(text):
        used += _width(character)
        if used > width:
            return text[:at]
    return text


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _uncommanded(found: re.Match[str]) -> str:
    return "#\\x23" if found[0] == "##" else "\\x3a:"


def _shown(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if character.isprintable() and character not in _FILLERS:
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8, as surrogateescape carries it
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def valid(item: Any) -> Any:
    """The same data without lone surrogates (bytes of a host that are no UTF-8): many JSON parsers refuse those."""
    if isinstance(item, str):
        return item.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if isinstance(item, Mapping):
        return {valid(key): valid(value) for key, value in item.items()}
    return [valid(value) for value in item] if isinstance(item, list) else item
