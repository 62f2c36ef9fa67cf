"""What reading the declarations has cost so far: a file may be small, and thousands of hosts are not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from engine import bounds
from engine.codes import Code
from engine.errors import InvalidInput, Position, Problem


class Exhausted(InvalidInput):
    """A bound on all of it together is reached: there is no point in going on with the rest."""


class Spent:
    """The time since it was made, and the characters that templates gave."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.made = 0

    def add(self, characters: int, where: Position | str | None = None) -> None:
        """So many more. Raises Exhausted."""
        self.made += characters
        if self.made > bounds.LOADED:
            what = f"with this, templates produce more than {bounds.LOADED} characters"
            raise Exhausted(Problem(what, where, ("use fewer hosts at a time: --limit",), code=Code.TEMPLATE_LIMIT))
        if time.monotonic() - self.began > bounds.LOADING:
            what = f"reading and rendering has come to here in {bounds.LOADING:g} s, and is stopped"
            raise Exhausted(Problem(what, where, ("use fewer hosts at a time: --limit",), code=Code.TEMPLATE_LIMIT))


_spent: ContextVar[Spent | None] = ContextVar("spent", default=None)


@contextmanager
def counted(spent: Spent) -> Iterator[None]:
    """Let all that is read and rendered inside count there."""
    token = _spent.set(spent)
    try:
        yield
    finally:
        _spent.reset(token)


def add(characters: int, where: Position | str | None = None) -> None:
    """So many more characters, wherever they count. Raises Exhausted."""
    spent = _spent.get()
    if spent is not None:
        spent.add(characters, where)
