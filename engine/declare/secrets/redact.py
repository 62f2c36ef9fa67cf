"""Taking secrets out of everything that leaves the engine."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from engine.declare.secrets import encodings
from engine.declare.secrets.encodings import Form
from engine.model import Attribute, Outside, Secret, Sentence

T = TypeVar("T")

SHOWN = "<secret>"
"""What stands in the place of a secret."""
OUTSIDE = frozenset({"before", "prior", "texts", "show", "now", "output", "facts"})
"""Fields of plans and reports with what a host said, values of a mapping alone: all of it is redacted."""
DECLARED = frozenset({"after", "expected", "arguments", "text", "error", "actions", "field"})
"""Fields with values as they are declared, and with what a kind or an error says, which knows itself what in it came
from outside. All other fields are names, enums and numbers that the engine, its views and `engine retry` go by: they
stay."""

# Expressions are texts: they are compiled, and remembered, when something is searched for.
_DOLLAR = r"(?:(?:\\{0,2}\$){1,2}|%(?:25){0,2}24|\\u0024|\\x24|&\#(?:36|[xX]24);)"
_HASH = rf"{_DOLLAR}2[abxy]?{_DOLLAR}[0-9]{{2}}{_DOLLAR}(?:[./A-Za-z0-9]|\\/|%(?:25){{0,2}}2[fF]){{8,53}}"
"""A bcrypt hash, of which the end may be missing, as it is or quoted."""
_TOKEN = r"(?i)(?<![A-Za-z0-9])(?:token|password|passwd|api[_-]?key)=['\"]?(?!secret:[0-9a-f])([^\s&'\"<>;,()]+)"
"""`token=...` and its like; the value is its group."""
_FINGERPRINT = r"secret:[0-9a-f]{6,16}"
_COMMON = "[A-Za-z]?[a-z]*|[A-Z]*|[0-9]*"
_SEPARATORS = r"[\s\-_.,:;'\"()<>=]+"
_PLAIN_WORDS = 24
"""From so many characters on no text is taken for words that the engine might say itself."""

_LONGEST = 500
"""Longer values are matched in parts of this length, so that no expression gets huge."""
_FRAGMENT = 12
_WINDOW = 8
_STRIDE = _FRAGMENT - _WINDOW + 1


class Redactor:
    """Replaces secrets by `<secret>`.

    Hidden are: each value as it is, and quoted, escaped or encoded in the ways of shells, JSON, URLs, Python, HTML,
    Compose, base64 (of the value, or of a text around it, like `user:value`) and hexadecimal, mixed as may be; its
    SHA-256; each of its lines and each part between `$` signs from 8 characters on; and any 12 characters in a row
    of it, plain or as base64 (such as the rest of a value cut off in the middle).

    A value of fewer than 4 characters is hidden only where no letter or digit stands beside it, and not in base64:
    else every second word would be. Of an empty value nothing is hidden, of one known only by its digest the
    digest. White space at the ends of what is hidden stays.

    What it is not told of is hidden by its shape: bcrypt hashes, and what follows `token=`. A secret known only by
    its digest (what a probe found where another one is to be) is hidden where it is a word, or the rest of a line.

    `text` is for what came from outside. `sentence` is for the engine's own sentences, in which what is or may be a
    word of its own stays: a value of ordinary words or numbers, and what is part of one of `names` (of hosts and
    resources).

    Give it the secrets as declared, not long texts rendered with them, of which every line would be hidden.
    Immutable, so it can be shared by threads.
    """

    def __init__(self, secrets: Iterable[Secret], names: Iterable[str] = ()) -> None:
        forms: dict[str, Form] = {}
        values: dict[str, None] = {}
        secrets, names = tuple(secrets), "\n".join(names)
        self._digests = frozenset(secret.digest for secret in secrets)
        self._seen = frozenset(secret.digest for secret in secrets if not _value(secret))
        for secret in secrets:
            value = _value(secret)
            if value and value not in values:
                values[value] = None
                forms.update(_forms(value))
        self._forms: tuple[Form, ...] = tuple(forms.values())
        self._anchors = tuple(dict.fromkeys(anchor for form in self._forms for anchor in form.anchors))
        self._fragments = _Fragments(values)
        named = names and self._spans(names)
        self.named = tuple(secret for secret in secrets if named and Redactor([secret])._spans(names))
        """The secrets that are part of one of the names."""
        words = {secret for secret in secrets if _common(_value(secret))} | set(self.named)
        self._own = self if not words else Redactor(secret for secret in secrets if secret not in words)

    def text(self, text: str) -> str:
        """`text` from outside without the secrets. Linear in its length; a megabyte takes some hundredths of a
        second."""
        if re.fullmatch(_FINGERPRINT, text):
            return text
        return _replaced(text, self._spans(text, outside=True))

    def sentence(self, text: str) -> str:
        """`text` of the engine's own without the secrets; what in it came from outside is redacted as such."""
        if isinstance(text, Outside):
            return self.text(text)
        if isinstance(text, Sentence):
            text = "".join(self.text(part) if isinstance(part, Outside) else part for part in text.parts)
        return _replaced(text, self._own._spans(text, self._digests))

    def scrub(self, value: T) -> T:
        """The same plan or report, of hosts, steps or outcomes, with every text in it redacted that may hold a
        secret."""
        if is_dataclass(value) and not isinstance(value, type):
            given = ((each.name, getattr(value, each.name)) for each in fields(value))
            return replace(value, **{name: self._field(value, name, old) for name, old in given if old})
        return tuple(map(self.scrub, value)) if isinstance(value, tuple) else value  # type: ignore[return-value]

    def _field(self, owner: Any, name: str, value: Any) -> Any:
        if name in OUTSIDE:
            return self._texts(value, self.text)
        if name in DECLARED or isinstance(owner, Attribute):
            return self._texts(value, self.sentence)
        return self.scrub(value)

    def _texts(self, value: Any, redact: Callable[[str], str]) -> Any:
        """Texts, and what holds them; names, the keys of a mapping, may be of the engine's own making."""
        if isinstance(value, str):
            return redact(value)
        if isinstance(value, Mapping):
            return {self.sentence(key): self._texts(item, redact) for key, item in value.items()}
        return tuple(self._texts(item, redact) for item in value) if isinstance(value, tuple | list) else value

    def _spans(
        self, text: str, digests: frozenset[str] = frozenset(), outside: bool = False
    ) -> list[tuple[int, int]]:
        """Where the secrets are, in order, none touching another; and further `digests`. `outside`: `token=...` hides
        one, too."""
        found = list(self._fragments.spans(text))
        if digests := digests or self._digests:
            found += [match.span() for match in re.finditer(_DIGEST, text) if match[0].lower() in digests]
        found += [match.span() for match in re.finditer(_HASH, text)]
        if outside:
            found += [match.span(1) for match in re.finditer(_TOKEN, text)]
        if self._seen:
            found += _digested(text, self._seen)
        # Most texts are short and hold nothing, and there are many of them.
        for anchor in self._anchors:
            if anchor in text:
                found += [span for form in self._forms for span in form.spans(text)]
                break
        if not found:
            return []
        merged: list[tuple[int, int]] = []
        for start, end in sorted(_trimmed(text, *span) for span in found):
            if start >= end:
                continue
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return merged


class _Fragments:
    """Finds any 12 characters in a row of a value in a text.

    Of 12 characters in a row, 8 begin at a multiple of 5: so looking up every fifth window of 8 finds them all.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self._texts = [text for value in values for text in (value, *encodings.cores(value))]
        self._index: dict[str, tuple[int, int]] = {}
        for number, text in enumerate(self._texts):
            if len(text) >= _FRAGMENT:
                for at in range(len(text) - _WINDOW + 1):
                    window = text[at : at + _WINDOW]
                    # Rulers and runs of blanks are no secrets.
                    if len(set(window)) >= 4:
                        self._index.setdefault(window, (number, at))

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        index, done = self._index, 0
        if not index:
            return
        for at in range(0, len(text) - _WINDOW + 1, _STRIDE):
            if at >= done and (hit := index.get(text[at : at + _WINDOW])) is not None:
                start, end = self._extended(text, at, *hit)
                if end - start >= _FRAGMENT:
                    done = end
                    yield start, end

    def _extended(self, text: str, at: int, number: int, place: int) -> tuple[int, int]:
        """The longest common part of `text` and the value around a window they share."""
        value, back, ahead = self._texts[number], 0, _WINDOW
        while back < min(at, place) and text[at - back - 1] == value[place - back - 1]:
            back += 1
        while at + ahead < len(text) and place + ahead < len(value) and text[at + ahead] == value[place + ahead]:
            ahead += 1
        return at - back, at + ahead


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """A span without the white space at its ends, which is not a secret and keeps words and lines apart."""
    shown = text[start:end]
    return end - len(shown.lstrip()), start + len(shown.rstrip())


def _common(value: str) -> bool:
    """Whether the engine might say this itself: white space, signs, ordinary words and numbers."""
    if len(value) < encodings.SHORT:
        return bool(value)
    return len(value) < _PLAIN_WORDS and all(re.fullmatch(_COMMON, part) for part in re.split(_SEPARATORS, value))


_DIGEST = r"(?<![0-9a-fA-F])[0-9a-fA-F]{64}(?![0-9a-fA-F])"
_WORD = r"[^\s'\"`,;()<>\[\]{}]+"
_STARTS = r"[=:] *|(?<=\s)(?=\S)|['\"]"
_RESTS = 20
"""So many places of a line are tried for the beginning of a secret that goes on to its end."""


def _digested(text: str, digests: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Where a text shows what has one of these digests: a word, what follows a `=` or `:` in it, a line, or the rest
    of one."""

    def known(start: int, end: int) -> bool:
        return hashlib.sha256(text[start:end].encode("utf-8", "surrogateescape")).hexdigest() in digests

    for word in re.finditer(_WORD, text):
        starts = [word.start(), *(word.start() + at + 1 for at, char in enumerate(word[0][:200]) if char in "=:")]
        ends = {word.end(), word.start() + len(word[0].rstrip(".:!?"))}
        yield from ((start, end) for start in starts for end in ends if start < end and known(start, end))
    for line in re.finditer(r"[^\r\n]+", text):
        found = re.compile(_STARTS).finditer(text, line.start(), line.end())
        starts = [line.start(), *(match.end() for _, match in zip(range(_RESTS), found, strict=False))]
        end = line.start() + len(line[0].rstrip(" '\""))
        ends = {end, line.end()}
        yield from ((start, last) for start in starts for last in ends if start < last and known(start, last))


def _value(secret: Secret) -> str:
    try:
        return secret.reveal()
    except ValueError:
        return ""


def _forms(value: str) -> Iterator[tuple[str, Form]]:
    for part in _parts(value):
        yield f"written {part}", encodings.written(part)
    if len(value) >= encodings.SHORT:
        for number, part in enumerate(_cut(value)):
            for form in encodings.base64(part):
                yield f"base64 {number} {form.source}", form
            yield f"hex {part}", encodings.hexadecimal(part.encode("utf-8", "surrogateescape").hex())


def _parts(value: str) -> Iterator[str]:
    for part in (value, *encodings.pieces(value)):
        yield from _cut(part)


def _cut(value: str) -> Iterator[str]:
    if len(value) <= _LONGEST:
        yield value
        return
    for start in range(0, len(value), _LONGEST):
        # The last part reaches back, so that it is no short one.
        yield value[max(0, min(start, len(value) - _LONGEST)) : start + _LONGEST]


def _replaced(text: str, spans: Sequence[tuple[int, int]]) -> str:
    if not spans:
        return text
    parts, done = [], 0
    for start, end in spans:
        parts += [text[done:start], SHOWN]
        done = end
    return "".join([*parts, text[done:]])
