"""Names of hosts as an inventory writes them: ranges like `gpu[01:20]`, and ports like `gpu1:2222`."""

from __future__ import annotations

import re
import string

from engine.bounds import HOSTS

_RANGE = r"\[[0-9a-zA-Z]+:[0-9a-zA-Z]+(?::[0-9]+)?\]"
_LABEL = rf"(?:\w|{_RANGE})(?:[\w-]|{_RANGE})*(?<![_-])"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_PORT = re.compile(r"((?:[^:\[\]]|\[[^\]]*\])+):([0-9]+)")
_BRACKETED = re.compile(r"\[(.+)\]:([0-9]+)")
LIMIT = HOSTS
LONGEST = 1_000
"""Characters of a name, ranges included."""


def address(text: str) -> tuple[str, int | None] | None:
    """A host name (ranges allowed) or IP address and its port; None where the text is neither."""
    port = None
    if len(text) > LONGEST:
        return None
    for pattern in (_BRACKETED, _PORT):
        if match := pattern.fullmatch(text):
            text, port = match[1], int(match[2])
    return (text, port) if _NAME.fullmatch(text) or _is_ip(text) else None


def expand(text: str) -> tuple[list[str], int | None]:
    """The host names that a key under `hosts:` stands for, and the port it gives them all.

    Raises ValueError, with a sentence, for a range that cannot be.
    """
    if len(text) > LONGEST:
        raise ValueError(f"the name of a host has {len(text)} characters; the limit is {LONGEST}")
    name, port = address(text) or (text, None)
    return _expanded(name), port


def _is_ip(text: str) -> bool:
    from ipaddress import ip_address

    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _expanded(text: str) -> list[str]:
    head, bracket, rest = text.partition("[")
    if not bracket:
        return [text]
    span, bracket, tail = rest.partition("]")
    if not bracket:
        raise ValueError(f"the range in `{text}` has no closing `]`")
    tails = _expanded(tail)
    steps = _steps(text, span)
    if len(steps) * len(tails) > LIMIT:
        raise ValueError(f"`{text}` stands for more than {LIMIT} hosts")
    return [f"{head}{step}{end}" for step in steps for end in tails]


def _steps(text: str, span: str) -> list[str]:
    bounds = span.split(":")
    if len(bounds) not in (2, 3) or not bounds[1]:
        raise ValueError(f"the range in `{text}` must be like [1:9], [01:20], [a:f] or [0:10:2]")
    first, last = bounds[0] or "0", bounds[1]
    step = int(bounds[2]) if len(bounds) == 3 and bounds[2].isdecimal() else 1 if len(bounds) == 2 else 0
    if step < 1:
        raise ValueError(f"the step of the range in `{text}` must be at least 1")
    width = len(first) if first[0] == "0" and len(first) > 1 else 0
    if width and width != len(last):
        raise ValueError(f"both ends of the range in `{text}` must have the same number of digits")
    letters = string.ascii_letters
    if len(first) == len(last) == 1 and first in letters and last in letters:
        found = list(letters[letters.index(first) : letters.index(last) + 1 : step])
    elif first.isdecimal() and last.isdecimal():
        if int(last) - int(first) > LIMIT * step:
            raise ValueError(f"`{text}` stands for more than {LIMIT} hosts")
        found = [str(number).zfill(width) for number in range(int(first), int(last) + 1, step)]
    else:
        raise ValueError(f"the range in `{text}` must go from a number to a number or from a letter to a letter")
    if not found:
        raise ValueError(f"the range in `{text}` must not start after its end")
    return found
