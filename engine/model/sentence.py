"""Sentences that remember which of their words came from outside.

What a host, a program or a file of somebody else's says may hold a secret, and is redacted wherever it goes. The
engine's own words around it are not: a secret that is a common word (`host`, `postgres`) would destroy them, and what
is missing from "Failed: 1 check" would tell what the secret is.

    raise ValueError(Sentence(f"{path} holds ", Outside(facts["lost"]), "; it was left as it is"))
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.errors import EngineError, InvalidInput


class Outside(str):
    """Text that came from outside the engine, as it is."""

    __slots__ = ()


class Sentence(str):
    """Text put together of `parts`: the engine's own words, and what came from outside (`Outside`).

    It is a `str` in every way; joined to other text with `+` or in an f-string it forgets its parts, and then only
    what cannot be a common word is redacted in it.
    """

    parts: tuple[str, ...]

    def __new__(cls, *parts: str) -> Sentence:
        """A sentence of these parts; sentences among them are taken apart."""
        made = super().__new__(cls, "".join(parts))
        taken = (part.parts if isinstance(part, Sentence) else (part,) for part in parts)
        made.parts = tuple(piece for pieces in taken for piece in pieces)
        return made


def joined(by: str, texts: Iterable[str]) -> Sentence:
    """`by.join(texts)`, with what is known of where each text is from."""
    parts = [part for text in texts for part in (by, text)]
    return Sentence(*parts[1:])


def said(error: BaseException) -> str:
    """What an error says, with what is known of where its words are from."""
    text = error.args[0] if error.args else ""
    return text if isinstance(text, Sentence | Outside) else str(error)


def coded(text: str, code: object) -> str:
    """A text with a code at the end of its first line: `... [OT1203]`, with what is known of where its words are
    from. Unchanged where there is no code."""
    if not code:
        return text
    parts = text.parts if isinstance(text, Sentence) else (text,)
    for at, part in enumerate(parts):
        first, newline, rest = part.partition("\n")
        if newline:
            of = type(part) if isinstance(part, Outside) else str
            return Sentence(*parts[:at], of(first), f" [{code}]", of(newline + rest), *parts[at + 1 :])
    return Sentence(*parts, f" [{code}]")


def shown(error: EngineError) -> str:
    """What an error says, as it is shown: with its code, or each problem with its own."""
    return error.coded() if isinstance(error, InvalidInput) else coded(said(error), error.code)


def without_name(name: str, error: BaseException) -> str:
    """What an error says, without the name of its host before it."""
    text, prefix = said(error), f"{name}: "
    if isinstance(text, Sentence):
        first, *rest = text.parts
        return Sentence(first if isinstance(first, Outside) else first.removeprefix(prefix), *rest)
    return text if isinstance(text, Outside) else text.removeprefix(prefix)
