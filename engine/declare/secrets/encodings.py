"""How one secret value can look once other programs have quoted, escaped or encoded it: regular expressions.

`written` matches any mixture of the escapes of shells, JSON, Python, URLs and HTML, nested a few levels deep, by
giving each character its possible spellings. It is one expression a value, so a half-quoted value (only `$`
escaped, say) needs no list of its own. `base64` and `hexadecimal` match what is left of a value once encoded.

A run of quotes, backslashes and white space is matched as a bounded mixture of such characters, not as a sequence,
and apart from that a text has one reading only: so no expression can take exponential time, whatever a host prints.
"""

from __future__ import annotations

import base64 as codec
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

SHORT = 4
"""A value of fewer characters is matched only where it stands alone, else half of any text would be hidden."""
PIECE = 8
"""Pieces of a value (its lines, what stands between `$` signs) are secrets of their own from this length on."""

_QUOTES = "'\"\\$`"
_BLANKS = " \t\r\n\v\f"
_JOINT = r"""(?:[\\'"]|\$'){0,8}"""
_JOINT_WIDTH = 16
_BEYOND = re.compile(r"[^\x00-\x7f]+")
_NAMED = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f", "\v": "v", "\a": "a", "\x1b": "[eE]"}
_ENTITIES = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}


@dataclass(frozen=True)
class Form:
    """One expression. It can match only in a text that holds one of `anchors`; no match is longer than `width`.

    Compiled on first use, for most texts hold no anchor.
    """

    source: str
    anchors: tuple[str, ...]
    width: int

    @cached_property
    def expression(self) -> re.Pattern[str]:
        return re.compile(self.source)

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Start and end of each match in `text`."""
        for start, end in self._windows(text):
            for match in self.expression.finditer(text, start, end):
                yield match.span()

    def _windows(self, text: str) -> Iterator[tuple[int, int]]:
        """The parts of `text` that are near enough to an anchor to hold a match."""
        found = [at for anchor in self.anchors for at in _places(text, anchor, self.width)]
        start = end = -1
        for at in sorted(found):
            if end >= 0 and at - self.width > end:
                yield start, end
                start = -1
            start = max(0, at - self.width) if start < 0 else start
            end = at + 2 * self.width
        if end >= 0:
            yield start, end


def written(value: str) -> Form:
    """`value` as it is, or escaped by any of the usual rules. `value` is not empty."""
    runs = ["".join(run) for _, run in itertools.groupby(value, key=_class)]
    source, width = "", 0
    for index, run in enumerate(runs):
        inner = 0 < index < len(runs) - 1
        piece, size = _mixture(run, inner) if run[0] in _QUOTES + _BLANKS else _run(run)
        if index and not {run[0], runs[index - 1][0]} & set(_QUOTES + _BLANKS):
            source, width = source + _JOINT, width + _JOINT_WIDTH
        source, width = source + piece, width + size
    if len(value) < SHORT:
        source = rf"(?<![^\W_])(?:{source})(?![^\W_])"
    return Form(source, (max((run for run in runs if _plain(run[0])), key=len, default=""),), width)


def base64(value: str) -> tuple[Form, ...]:
    """Base64 of a text that holds `value`, at each of the three alignments, in both alphabets, lines broken."""
    return tuple(_aligned(core, head, tail) for core, head, tail in _cores(value))


def cores(value: str) -> tuple[str, ...]:
    """The characters of base64 that depend on `value` alone, for each alignment and alphabet."""
    plain = [core for core, _, _ in _cores(value)]
    return tuple(dict.fromkeys([*plain, *(core.translate(str.maketrans("+/", "-_")) for core in plain)]))


def hexadecimal(digits: str) -> Form:
    """`digits` in either case."""
    return Form(f"(?i:{digits})", (digits.lower(), digits.upper()), len(digits))


def pieces(value: str) -> tuple[str, ...]:
    """What programs show of `value` when they do not show all: it without white space around it, its lines, what
    stands between `$` signs, and that again cut where a shell or Compose takes a variable's name to end; and what
    stands between characters beyond ASCII, of which something else may have become."""
    found = [value.strip()] if len(value.strip()) >= SHORT else []
    for line in value.splitlines():
        parts = line.split("$")
        found += [part for part in (line.strip(), *parts, *_BEYOND.split(line)) if len(part) >= PIECE]
        for part in parts[1:]:
            name = re.match(r"[A-Za-z_]\w*|\d|", part)
            end = name.end() if name else 0
            found += [cut for cut in (part[:end], part[end:]) if len(cut) >= PIECE]
    return tuple(dict.fromkeys(piece for piece in found if piece != value))


def _places(text: str, anchor: str, apart: int) -> Iterator[int]:
    """Where `anchor` is in `text`; of places closer to each other than `apart` only some, the last included."""
    if not anchor:
        yield from range(0, len(text) + 1, max(1, apart))
        return
    at = text.find(anchor)
    while at >= 0:
        yield at
        last = text.rfind(anchor, at + 1, at + apart)
        at = last if last > at else text.find(anchor, at + 1)


def _plain(char: str) -> bool:
    return char.isascii() and char.isalnum()


def _class(char: str) -> str:
    if _plain(char):
        return "plain"
    if char in _QUOTES + _BLANKS:
        return "mixture"
    return char if char.isascii() else "wide"


def _hex(number: int, digits: int) -> str:
    """A hexadecimal number, its letters in either case."""
    return "".join(f"[{digit}{digit.upper()}]" if digit > "9" else digit for digit in f"{number:0{digits}x}")


def _escapes(char: str) -> list[str]:
    """The ways to write an ASCII character that do not hold the character itself."""
    number = ord(char)
    ways = [
        rf"%(?:25){{0,2}}{_hex(number, 2)}",
        rf"\\u00{_hex(number, 2)}",
        rf"\\x{_hex(number, 2)}",
        rf"\\0?{number:03o}",
        rf"&\#(?:0?{number}|[xX]{_hex(number, 2)});",
    ]
    if char in _ENTITIES:
        ways.append(f"&{_ENTITIES[char]};")
    if char in _NAMED:
        ways.append(rf"\\{_NAMED[char]}")
    return ways


def _mixture(run: str, inner: bool) -> tuple[str, int]:
    """A run of quotes, backslashes and white space (which shells and YAML fold): any such characters in a row.
    At the end of a value those around it are left alone."""
    ways = [way for char in sorted(set(run)) for way in _escapes(char)]
    if " " in run:
        ways.append(r"\+")
    alone = set(_QUOTES) if inner else {*run.strip(), "\\"} | ({'"'} if "'" in run else set())
    blank = r"\s" if set(run) & set(_BLANKS) else ""
    ways.append(f"[{blank}{re.escape(''.join(sorted(alone)))}]")
    # Quoting a single quote twice, as in `'"'"'`, takes 17 characters, three times 53.
    most = 60 * len(run)
    return f"(?:{'|'.join(ways)}){{1,{most}}}", 10 * most


def _run(run: str) -> tuple[str, int]:
    """A run of letters and digits, of one other ASCII character, or of characters beyond ASCII."""
    if _plain(run[0]):
        return run, len(run)
    if not run[0].isascii():
        return _wide(run)
    # The character itself comes last: for `&` the rest of `&amp;` would be left over.
    char, ways = run[0], [*_escapes(run[0]), re.escape(run[0])]
    if char == "%":
        # In place of itself and its own escape: no text may have two readings.
        ways = ["%(?:25){0,3}", *ways[1:-1]]
    # Formats double these: printf and systemd `%`, Jinja and str.format the braces.
    most = len(run) * (2 if char in "%{}" else 1)
    one = f"(?:{'|'.join(ways)})"
    return f"{one}(?:{_JOINT}{one}){{{len(run) - 1},{most - 1}}}", (12 + _JOINT_WIDTH) * most


def _wide(run: str) -> tuple[str, int]:
    data = run.encode("utf-8", "surrogatepass")
    ways = [
        _JOINT.join(_wide_char(char) for char in run),
        *dict.fromkeys(re.escape(data.decode(table, "replace")) for table in ("latin-1", "cp1252")),
        f"�{{{len(run)},{len(data)}}}",
    ]
    return f"(?:{'|'.join(ways)})", len(run) * (52 + _JOINT_WIDTH)


def _wide_char(char: str) -> str:
    data, number = char.encode("utf-8", "surrogatepass"), ord(char)
    units = char.encode("utf-16-be", "surrogatepass")
    # The joint before it has taken all backslashes but one.
    halves = [_hex(int.from_bytes(units[at : at + 2], "big"), 4) for at in range(0, len(units), 2)]
    ways = [
        re.escape(char),
        "".join(rf"%(?:25){{0,2}}{_hex(byte, 2)}" for byte in data),
        r"\\" + r"\\{1,4}".join(f"x{_hex(byte, 2)}" for byte in data),
        r"\\" + r"\\{1,4}".join(f"{byte:03o}" for byte in data),
        r"\\" + r"\\{1,4}".join(f"u{half}" for half in halves),
        rf"\\U{_hex(number, 8)}",
        rf"\\u\{{{_hex(number, 1)}\}}",
        rf"&\#(?:{number}|[xX]{_hex(number, 1)});",
    ]
    if number < 256:
        ways.append(rf"\\x{_hex(number, 2)}")
    return f"(?:{'|'.join(ways)})"


def _cores(value: str) -> Iterator[tuple[str, bool, bool]]:
    """For each alignment: the characters that depend on `value` alone, and whether the character before and the
    one after them depend on it in part."""
    data = value.encode("utf-8", "surrogateescape")
    for offset, head in ((0, 0), (1, 2), (2, 3)):
        encoded = codec.b64encode(bytes(offset) + data).decode()
        core = encoded[head : (offset + len(data)) * 8 // 6]
        if len(core) >= SHORT:
            yield core, offset > 0, (offset + len(data)) % 3 > 0


def _aligned(core: str, head: bool, tail: bool) -> Form:
    spelled = {"+": r"(?:[+\-]|%2[bB])", "/": r"(?:\\?/|_|%2[fF])"}
    partial = r"[0-9A-Za-z+/_\-]"
    joint = r"(?:\\{1,2}[rn]|\s){0,4}"
    source = joint.join(spelled.get(char, char) for char in core)
    source = f"{f'{partial}?' if head else ''}{source}{f'(?:{joint}{partial})?' if tail else ''}(?:=|%3[dD]){{0,2}}"
    run = max(re.split(r"[+/]", core), key=len)
    # A line break may fall into the longest run, but not into both halves of it.
    half = (len(run) + 1) // 2
    return Form(source, tuple({run[:half], run[half:] or run}), len(core) * 15 + 32)
