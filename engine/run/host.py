"""One host: observe and plan it. `engine.run.apply` carries the plan out."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass

from engine.errors import InvalidInput
from engine.model import Command, Facts, HostDeclaration, HostPlan, Secret, Transport
from engine.model.events import Progress
from engine.plan.planner import Observation, PlannedHost, plan_host
from engine.program.section import Lock
from engine.run.connection import HostConnection


@dataclass(frozen=True)
class Settings:
    """What a run is told from outside. `requested` are the services to be restarted in any case; `lock` for applies;
    `fix` the command that would resume on this host; `run` the id under which the host keeps what is replaced (empty:
    it keeps nothing)."""

    fingerprint: Callable[[Secret], str]
    left_out: frozenset[str] = frozenset()
    skipped: frozenset[str] = frozenset()
    requested: frozenset[str] = frozenset()
    lock: Lock | None = None
    fix: Command | None = None
    run: str = ""


Finish = Callable[[Facts], tuple[HostDeclaration, Settings]]
"""Facts of a host → what is declared for it, and the settings that fit. Raises InvalidInput."""


class HostRun:
    """Everything that happens on one host, over one transport.

    `finish` where what is declared depends on facts of the host: they are asked for in the trip that plans it. The
    transports are those of `HostConnection`. `found` are the secrets seen on the host so far, `restarted` the
    services that are not requested to be restarted any more: it was done. Raises Unreachable and
    HostFailed from every method that reaches the host.
    """

    def __init__(
        self,
        declared: HostDeclaration,
        transport: Transport,
        here: Transport,
        settings: Settings,
        progress: Progress,
        finish: Finish | None = None,
        other: Callable[[str], Transport] | None = None,
    ) -> None:
        self.connection = HostConnection(declared.host, transport, here, progress, other)
        self.host, self.finish = declared.host.name, finish
        self.planned: PlannedHost | None = None
        self.invalid: InvalidInput | None = None
        self.found: set[Secret] = set()
        self.restarted: set[str] = set()
        self.observed: dict[str, Observation] = {}
        self.declared, self.settings = declared, settings

    def plan(self) -> HostPlan:
        """One trip: look, and say what differs. Writes nothing on the host."""
        start = time.monotonic()
        finish = self.finish
        observed = self._observe() if finish is None else self._asked(finish)
        self.planned = self.plan_with(observed)
        took, trips = time.monotonic() - start, self.connection.trips
        return HostPlan(self.host, self.planned.steps, trips=trips, seconds=took, facts=self.declared.facts)

    def _asked(self, finish: Finish) -> dict[str, Observation]:
        """Ask the host for its facts, finish with them what is declared for it, and observe it in the same trip.
        Raises InvalidInput, which `invalid` keeps, where what is declared is wrong on this host."""
        from engine.program.facts import FactsFirst

        self.connection.trips += 1
        with closing(FactsFirst(self.connection.transport)) as asked:
            try:
                self.declared, self.settings = finish(asked.facts)
            except InvalidInput as error:
                self.invalid = error
                raise
            self.finish = None
            return self._observe(asked)

    def plan_with(self, observed: Mapping[str, Observation], asked: Collection[str] | None = None) -> PlannedHost:
        """The steps that follow from what was found. `asked`: it was found after an apply, which asked these checks
        although --only may have left them out."""
        plan_with = plan_host(
            self.declared,
            observed,
            left_out=self.settings.left_out.difference(asked or ()),
            skipped=self.settings.skipped,
            requested=self.settings.requested - self.restarted,
            fingerprint=self.settings.fingerprint,
            settled=asked is not None,
        )
        self.found |= plan_with.found
        return plan_with

    def _observe(self, over: Transport | None = None) -> dict[str, Observation]:
        seen = self.connection.probe(self.declared.resources, "plan", over=over)
        self.observed = seen.observations(self.declared.resources)
        return self.observed
