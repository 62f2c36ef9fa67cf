"""Regular expressions that are given, not ours: searched for in bounded time, after `engine.bounds`.

Python's own `re` cannot be stopped once it has begun, and holds up every thread meanwhile; `regex` takes the same
syntax, and a time.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

from engine.bounds import EXPRESSION, MATCHING, REPEATS, TooSlow


def expression(text: str, *, ignorecase: bool = False, multiline: bool = False) -> Expression:
    """A regular expression, in Python's syntax. Raises ValueError with a sentence where it is none, or too large."""
    if len(text) > EXPRESSION:
        raise ValueError(f"a regular expression may have {EXPRESSION} characters, and this has {len(text)}")
    try:
        re.compile(text)
    except RecursionError:
        raise ValueError(f"`{_short(text)}` is not a regular expression: its groups are nested too deeply") from None
    except (re.error, OverflowError) as error:
        raise ValueError(f"`{_short(text)}` is not a regular expression: {error}") from None
    if _written_out(text) > REPEATS:
        raise ValueError(f"`{_short(text)}` is too large with its counted repeats written out; {REPEATS} is the most")
    return Expression(text, ignorecase=ignorecase, multiline=multiline)


class Expression:
    """Searches, all of them together in bounded time: Python's own `re` cannot be stopped once it has begun."""

    def __init__(self, text: str, *, ignorecase: bool = False, multiline: bool = False) -> None:
        import regex

        self.text = text
        flags = (regex.IGNORECASE if ignorecase else 0) | (regex.MULTILINE if multiline else 0)
        self._compiled = regex.compile(text, flags)
        self._left = MATCHING

    def search(self, text: str) -> bool:
        """Whether it is found in a text. Raises Exceeded where that takes too long to tell."""
        return self._within(self._compiled.search, text) is not None

    def match(self, text: str) -> bool:
        """Whether a text begins with it. Raises Exceeded."""
        return self._within(self._compiled.match, text) is not None

    def matches(self, text: str) -> Iterator[Any]:
        """Each match in a text, one after the other, as Python's match objects. Raises Exceeded."""
        found = self._within(self._compiled.finditer, text)
        while (match := self._within(lambda _, timeout: next(found, None), text)) is not None:
            yield match

    def _within(self, find: Any, text: str) -> Any:
        began = time.monotonic()
        try:
            return find(text, timeout=max(self._left, 0.001))
        except TimeoutError:
            what = f"the regular expression `{_short(self.text)}`"
            raise TooSlow(
                f"{what} took longer than {MATCHING:g} s on a text of {len(text)} characters; "
                "repeats inside repeats, like `(a+)+`, are what takes so long"
            ) from None
        finally:
            self._left -= time.monotonic() - began


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:80]}..."


def _written_out(text: str) -> int:
    """The size of a regular expression with counted repeats written out, as its compiler may do."""
    sums, last = [0], 0
    for found in re.finditer(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|.", text, re.DOTALL):
        token = found[0]
        if found[1] is not None:
            times = max(int(found[1][:9]), int((found[2] or "0")[:9]), 1)
            sums[-1] += last * (times - 1)
            last *= times
        elif token == "(":
            sums.append(0)
        elif token == ")" and len(sums) > 1:
            last = max(sums.pop(), 1)
            sums[-1] += last
        else:
            last = 1
            sums[-1] += 1
    return sum(sums)
