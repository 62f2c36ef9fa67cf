"""Which sections a program has: probes to observe, actions and probes to apply. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from engine.errors import of_kind
from engine.execute.kept import keeping
from engine.execute.shell import Section, compose
from engine.model import Change, Declared, HostDeclaration, Phase, Script, Upload
from engine.plan.cause import upstream
from engine.plan.planner import Draft

T = TypeVar("T")

BROKEN = "engine.broken"
"""The fact of a section that stands for one which its kind could not make."""
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
            script=answered(declared, declared.resource.probe),
            timeout=_probe_seconds(declared, "plan" if declared.name in once else phase),
            needs=(behind or {}).get(declared.name, ()),
            phase="plan" if declared.name in once else phase,
            # From the controller one asks as oneself.
            become=declared.become if place(declared) == "host" else None,
        )
        for declared in resources
    ]


def place(declared: Declared) -> Literal["host", "controller"]:
    """Where a resource is looked at from; a kind that cannot say so fails on the host."""
    try:
        return declared.resource.where()
    except Exception:
        return "host"


def answered(declared: Declared, asked: Callable[[], T]) -> T | Script:
    """The script that a kind makes, if any. One that fails to is that resource's error alone: what it gets instead
    is a script that ends with why."""
    try:
        return asked()
    except Exception as error:
        return failing(of_kind(declared.name, declared.resource.kind, error))


def failing(text: str) -> Script:
    """A script that does nothing but end with this text."""
    return Script(f'fact {BROKEN} yes; fail "$why"', {"why": text})


def usable(section: Section) -> Section:
    """The section, or, where no program can be made of what a kind has put in its script, one that says so."""
    try:
        compose([replace(section, needs=())])
    except Exception as error:
        # The text of ValueErrors is the engine's own here, and holds no value.
        why = str(error) if isinstance(error, ValueError) else type(error).__name__
        return replace(section, script=failing(f"its script cannot be sent: {why}"), timeout=ACTION_SECONDS)
    return section


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
    staging directories of `uploads(draft)`. Where the `run` has an id, what it replaces is kept under that.
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
    return Carry(tuple(sections), of_step)


def _kept(declared: Declared, change: Change, run: str) -> list[Script]:
    """What keeps the things that a change will replace, for a rollback."""
    if not run:
        return []

    def kept() -> Script | None:
        script = declared.resource.keep(change)
        return None if script is None else keeping(script, run, declared.name)

    # What cannot be kept is not replaced.
    script = answered(declared, kept)
    return [] if script is None else [script]


def _marks(declared: HostDeclaration, draft: Draft) -> dict[str, list[tuple[Script, str | None]]]:
    """Resource with work → marks to set before it, and as whom: of every watcher whose first watched change it is."""
    found: dict[str, list[tuple[Script, str | None]]] = {}
    for watcher in declared.resources:
        watched = _watched(watcher)
        first = next((d.name for d in declared.resources if d.name in watched and d.name in draft.work), None)
        # Without a mark, a restart might be lost: where there should be one, nothing changes without it.
        mark = answered(watcher, watcher.resource.mark) if first is not None else None
        if first is not None and mark is not None:
            found.setdefault(first, []).append((mark, watcher.become))
    return found


def _watched(watcher: Declared) -> frozenset[str]:
    """Names of what a resource restarts on; nothing where its kind cannot say so, which its step says."""
    try:
        return frozenset(watch.name for watch in watcher.resource.watches())
    except Exception:
        return frozenset()
