"""A host to which there is no way: its settings cannot be used. Other hosts of the run are not concerned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from engine.errors import Problem, Unreachable
from engine.model import Output


class Unavailable:
    """Raises Unreachable with `problems` where a program is to run."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)

    def run(self, argv: Sequence[str], stdin: Iterable[bytes]) -> Iterator[Output]:
        """See `Transport`."""
        raise Unreachable("\n".join(map(str, self.problems)), code=self.problems[0].code)

    def close(self) -> None:
        """Nothing is open."""
