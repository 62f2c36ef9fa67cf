"""What a run tells while it runs, so that somebody can watch."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Hears of every host and step of a run as it happens. Called from many threads; MUST be quick, never raises.

    Names and texts may hold what a host printed; they are redacted, but not yet made safe for a terminal.
    """

    def host_observing(self, host: str) -> None:
        """A host is looked at, for the plan."""
        ...

    def host_observed(self, host: str, seconds: float, ok: bool) -> None:
        """It was looked at, or could not be, after `seconds`."""
        ...

    def host_started(self, host: str) -> None:
        """What is to be done on a host is begun."""
        ...

    def step_started(self, host: str, name: str) -> None:
        """A step begins; `name` is the resource's name."""
        ...

    def step_finished(self, host: str, name: str, seconds: float, ok: bool) -> None:
        """A step ended after `seconds`."""
        ...

    def host_finished(self, host: str, ok: bool, changed: int) -> None:
        """The run on a host ended; `changed` counts the resources that were changed."""
        ...

    def note(self, text: str) -> None:
        """A sentence for the user: waiting for a lock, a retry, a warning."""
        ...

    def close(self) -> None:
        """Nothing more will come; safe to call twice."""
        ...
