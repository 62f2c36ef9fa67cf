"""How long a program may go on, as seen from the controller.

Each host keeps the time limits of its sections by itself. One that does not, and still sends a sign of life now and
then, would hold a run for ever; so the controller knows the limits, too, and ends what outlasts them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.codes import Code
from engine.errors import HostFailed
from engine.program.events import Done, Event, Finished, Started

GRACE = 60.0
"""Seconds that a host may take beyond its own limits: to end what took too long, to start the next section, and for
its words to come."""
CLEARING = 600.0
"""Seconds for what lies before and after the sections of a program that has the host's lock: bulk content that was
staged is removed then."""
SLOWEST = 10_000.0
"""Bytes a second at which a program's text arrives at least."""


@dataclass(frozen=True)
class Limits:
    """Seconds that a program may take on the host: until its first section, in each one, and after it."""

    before: float = 0.0
    sections: Mapping[str, float] = field(default_factory=dict)
    after: float = 0.0


class Deadline:
    """The time left to a program that runs. It begins with the first word of the host; until then the transport
    knows how long it may be silent."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits, self.clock = limits, clock
        self.at = -math.inf
        """When the time is up; before the first word it is."""
        self._what, self._limit, self._since = "", 0.0, 0.0

    def received(self, events: Sequence[Event] = ()) -> None:
        """Something came from the host, and with it these events. Raises HostFailed where its time is up, unless it
        is done by now."""
        for event in events:
            if isinstance(event, Started):
                self._allow(f"`{event.section}`", self.limits.sections[event.section])
            elif isinstance(event, Finished):
                self._allow("what comes between two sections", self.limits.after)
        now = self.clock()
        if self.at == -math.inf:
            self._allow("the beginning of the program", self.limits.before)
        elif now > self.at and not any(isinstance(event, Done) for event in events):
            raise HostFailed(
                f"the host exceeded a time limit: {self._what} may take {self._limit:.0f} s, and had not ended after "
                f"{now - self._since:.0f} s; the connection was closed\n"
                "  Is the host overloaded, or was the program's watchdog killed?",
                code=Code.DEADLINE,
            )

    def _allow(self, what: str, limit: float) -> None:
        self._what, self._limit, self._since = what, limit, self.clock()
        self.at = self._since + limit + GRACE
