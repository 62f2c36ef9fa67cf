"""What the programs of a host reported, by section, and what follows from it for resources and steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from engine.model import WRONG, DeclaredResource, Outside, Reason, Why
from engine.plan.planner import Observation
from engine.program.events import Result
from engine.run.outcome import ActionResult
from engine.run.sections import BROKEN, gate_name, probe_name


@dataclass
class SectionResults:
    """What was reported. `results` and `skipped` (why) by section; `waited` for the lock; `stopped` on request.
    `earlier` is what was observed before, by resource; it stands for what was not observed again."""

    results: dict[str, Result] = field(default_factory=dict)
    skipped: dict[str, Reason] = field(default_factory=dict)
    waited: bool = False
    stopped: bool = False
    earlier: Mapping[str, Observation] = field(default_factory=dict)

    def merge(self, more: SectionResults) -> None:
        """Take up what another program reported."""
        self.results.update(more.results)
        self.skipped.update(more.skipped)
        self.stopped = self.stopped or more.stopped

    def has(self, name: str) -> bool:
        """Whether a resource was looked at, or it is known why not."""
        return probe_name(name) in self.results or probe_name(name) in self.skipped or name in self.earlier

    def gates(self, names: Iterable[str]) -> dict[str, Result]:
        """Check → what it answered at its place, for those of `names` that were asked there. For one that was not
        asked again in the end, that stands."""
        found: dict[str, Result] = {}
        for name in names:
            result, probe = self.results.get(gate_name(name)), probe_name(name)
            if result is not None:
                # That it does not hold is no error of the look.
                found[name] = replace(result, status=0) if result.status == WRONG else result
                self.results.setdefault(probe, found[name])
                self.skipped.pop(probe, None)
            elif gate_name(name) in self.skipped:
                self.skipped.setdefault(probe, self.skipped[gate_name(name)])
        return found

    def observations(self, resources: Iterable[DeclaredResource]) -> dict[str, Observation]:
        """Name → what its probe found, for each of these resources."""
        return {resource.name: self._observation(resource.name, resource.resource.check) for resource in resources}

    def _observation(self, name: str, check: bool) -> Observation:
        probe = probe_name(name)
        result, skipped = self.results.get(probe), self.skipped.get(probe)
        if result is None and skipped is None and name in self.earlier:
            return self.earlier[name]
        if result is None:
            return Observation(error=skipped or Reason(Why.NOT_OBSERVED))
        if result.timed_out:
            return Observation(error=Reason(Why.PROBE_TIMED_OUT, number=result.seconds))
        if result.status and not (check and result.status == WRONG):
            return Observation(result.facts, last_words(result), BROKEN in result.facts)
        return Observation(result.facts)

    def action_results(self, of_step: Mapping[str, tuple[str, ...]]) -> dict[str, ActionResult]:
        """Step → what became of its sections, which `of_step` names."""
        return {step: self._carried(names) for step, names in of_step.items()}

    def _carried(self, names: tuple[str, ...]) -> ActionResult:
        results = [self.results[name] for name in names if name in self.results]
        seconds = sum(result.seconds for result in results)
        for result in results:
            if result.timed_out:
                reason = Reason(Why.TIMED_OUT, number=result.seconds)
                return ActionResult("failed", reason=reason, output=result.output)
            if result.status:
                reason = last_words(result)
                return ActionResult("failed", reason=reason, output=result.output, seconds=seconds)
        if len(results) < len(names):
            skipped = (self.skipped[name] for name in names if name in self.skipped)
            return ActionResult("skipped", reason=next(skipped, Reason(Why.STOPPED)))
        changed = [
            result.facts.get("changed")
            for name, result in zip(names, results, strict=True)
            if name.startswith("act:")
        ]
        return ActionResult("done", changed=any(said != "no" for said in changed), seconds=seconds)


def last_words(result: Result) -> Reason:
    """The last line a failing section printed, or its exit status."""
    lines = [line.strip() for line in result.output.splitlines() if line.strip()]
    return Reason.of(Outside(lines[-1])) if lines else Reason(Why.EXIT_STATUS, number=result.status)
