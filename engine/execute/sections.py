"""Which sections a program has: probes to observe, actions and probes to apply. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from engine.execute.kept import keeping, pruning
from engine.execute.shell import Section
from engine.model import Change, Declared, HostDeclaration, Phase, Script, Upload
from engine.plan.cause import upstream
from engine.plan.planner import Draft

PROBE_SECONDS = 30.0
CHECK_SECONDS = 60.0
ACTION_SECONDS = 600.0


def probe_name(name: str) -> str:
    """The section that probes a resource."""
    return f"probe:{name}"


def action_name(name: str, index: int) -> str:
    """The section that carries out one action of a resource."""
    return f"act:{name}:{index}"


def resource_of(section: str) -> str:
    """The resource that a section belongs to."""
    what, _, rest = section.partition(":")
    return rest if what == "probe" else rest.rpartition(":")[0]


def probes(
    resources: Iterable[Declared],
    phase: Phase,
    behind: Mapping[str, tuple[str, ...]] | None = None,
    once: Collection[str] = (),
) -> list[Section]:
    """One section a resource that looks and reports. In phase `verify` a check may retry until its timeout.

    `behind` maps checks to the sections that must have succeeded for asking them to make sense; those named in
    `once` are asked once, as in a plan, since waiting would be idle.
    """
    return [
        Section(
            name=probe_name(declared.name),
            script=declared.resource.probe(),
            timeout=_probe_seconds(declared, "plan" if declared.name in once else phase),
            needs=(behind or {}).get(declared.name, ()),
            phase="plan" if declared.name in once else phase,
            # From the controller one asks as oneself.
            become=declared.become if declared.resource.where() == "host" else None,
        )
        for declared in resources
    ]


def _probe_seconds(declared: Declared, phase: Phase) -> float:
    if declared.resource.check and phase == "verify":
        return declared.timeout or CHECK_SECONDS
    return PROBE_SECONDS


@dataclass(frozen=True)
class Carry:
    """What carries out a draft: the sections in order, and which of them belong to which step."""

    sections: tuple[Section, ...]
    of_step: Mapping[str, tuple[str, ...]]

    def behind(self, declared: HostDeclaration) -> dict[str, tuple[str, ...]]:
        """Check → all sections of the steps it needs."""
        needs = {resource.name: resource.needs for resource in declared.resources}
        checks = [resource.name for resource in declared.resources if resource.resource.check]
        return {check: self.sections_of(upstream(check, needs)) for check in checks}

    def sections_of(self, steps: Collection[str]) -> tuple[str, ...]:
        """All sections of these steps, in order."""
        return tuple(section for step, names in self.of_step.items() if step in steps for section in names)


def uploads(draft: Draft) -> dict[str, Upload]:
    """Section name → bulk content to be staged before the program runs."""
    return {
        action_name(name, index): action.upload
        for name, work in draft.work.items()
        for index, action in enumerate(work.actions)
        if action.upload is not None
    }


def carry(declared: HostDeclaration, draft: Draft, staged: Mapping[str, str], run: str = "") -> Carry:
    """Sections for all actions of a draft, each needing those before it in its step and those its step needs.

    Before the first change of a resource that others watch, the watchers' marks are set. `staged` names the
    staging directories of `uploads(draft)`. Where the `run` has an id, what it replaces is kept under that, and at
    the end what the oldest runs kept is removed.
    """
    needs = {resource.name: resource.needs for resource in declared.resources}
    sections: list[Section] = []
    of_step: dict[str, tuple[str, ...]] = {}
    marks = _marks(declared, draft)
    for resource in declared.resources:
        work = draft.work.get(resource.name)
        if work is None:
            continue
        above = upstream(resource.name, needs)
        before = Carry((), of_step).sections_of(above)
        names: tuple[str, ...] = ()
        kept = [(script, resource.become) for script in _kept(resource, work.change, run)]
        for script, user in (*marks.pop(resource.name, ()), *kept):
            name = f"mark:{resource.name}:{len(names)}"
            sections.append(Section(name, script, ACTION_SECONDS, before, step=True, phase="apply", become=user))
            names = (*names, name)
        for index, action in enumerate(work.actions):
            name = action_name(resource.name, index)
            seconds = action.timeout or resource.timeout or ACTION_SECONDS
            sections.append(
                Section(
                    name,
                    action.script,
                    seconds,
                    before + names,
                    step=True,
                    phase="apply",
                    staging=staged.get(name),
                    become=resource.become,
                )
            )
            names = (*names, name)
        of_step[resource.name] = names
    return Carry((*sections, *_pruning(declared, draft, run)), of_step)


def _kept(declared: Declared, change: Change, run: str) -> list[Script]:
    """What keeps the things that a change will replace, for a rollback."""
    script = declared.resource.keep(change) if run else None
    return [] if script is None else [keeping(script, run, declared.name)]


def _pruning(declared: HostDeclaration, draft: Draft, run: str) -> Iterator[Section]:
    """What removes the backups of the oldest runs, in the home directory of each user who keeps something."""
    resources = [resource for resource in declared.resources if resource.name in draft.work]
    kept = [resource for resource in resources if _kept(resource, draft.work[resource.name].change, run)]
    for number, user in enumerate(dict.fromkeys(resource.become for resource in kept)):
        yield Section(f"prune:{number}", pruning(run), ACTION_SECONDS, phase="apply", become=user)


def _marks(declared: HostDeclaration, draft: Draft) -> dict[str, list[tuple[Script, str | None]]]:
    """Resource with work → marks to set before it, and as whom: of every watcher whose first watched change it is."""
    found: dict[str, list[tuple[Script, str | None]]] = {}
    for watcher in declared.resources:
        watched = {watch.name for watch in watcher.resource.watches()}
        first = next((d.name for d in declared.resources if d.name in watched and d.name in draft.work), None)
        mark = watcher.resource.mark() if first is not None else None
        if first is not None and mark is not None:
            found.setdefault(first, []).append((mark, watcher.become))
    return found
