"""Which sections a program has: probes to observe, actions and probes to apply. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeVar

from engine.errors import of_kind
from engine.model import Change, DeclaredResource, HostDeclaration, Phase, Place, Script, Upload
from engine.plan.cause import upstream
from engine.plan.gates import Gates
from engine.plan.planner import PlannedActions, PlannedHost
from engine.program.compose import compose
from engine.program.section import Section
from engine.run.backup import keep_vars, keeping, pruning, reading

if TYPE_CHECKING:
    from engine.kit import Variables

T = TypeVar("T")

BROKEN = "engine.broken"
"""The fact of a section that stands for one which its kind could not make."""
PROBE_SECONDS = 30.0
CHECK_SECONDS = 60.0
ACTION_SECONDS = 600.0


def probe_name(name: str) -> str:
    """The section that probes a resource."""
    return f"probe:{name}"


def gate_name(name: str) -> str:
    """The section that asks a check at its place, before what needs it."""
    return f"gate:{name}"


def action_name(name: str, index: int) -> str:
    """The section that carries out one action of a resource."""
    return f"act:{name}:{index}"


def resource_of(section: str) -> str:
    """The resource that a section belongs to."""
    what, _, rest = section.partition(":")
    return rest if what in ("probe", "gate") else rest.rpartition(":")[0]


@dataclass(frozen=True)
class Patience:
    """How often, and for how many seconds in all, a check may be asked again."""

    retries: int
    seconds: float

    def after(self, retries: int, seconds: float) -> Patience:
        """What is left of it."""
        return Patience(self.retries - retries, self.seconds - seconds)


def patience(declared: DeclaredResource) -> Patience:
    """What a state says of a check with `retries` and `timeout`. One that has effects is asked once."""
    retries = 0 if declared.resource.effects() else declared.retries
    return Patience(retries, declared.timeout or CHECK_SECONDS)


def probes(
    resources: Iterable[DeclaredResource],
    phase: Phase,
    behind: Mapping[str, tuple[str, ...]] | None = None,
    once: Collection[str] = (),
    left: Mapping[str, Patience] | None = None,
    on_controller: Collection[str] = (),
    awaited: Mapping[str, Variables] | None = None,
) -> list[Section]:
    """One section a resource that looks and reports. In phase `verify` a check is asked again as its `Patience` says.

    `behind` maps checks to the sections that must have succeeded for asking them to make sense; those named in
    `once` are asked once, as in a plan, since waiting would be idle. `left` is the patience with checks that were
    asked before; `awaited` is what the function of that name returns. Checks in `on_controller` are asked in phase
    `gate`: how their section ends says whether they hold.
    """
    return [
        _probe(
            declared,
            probe_name(declared.name),
            "plan" if declared.name in once else "gate" if declared.name in on_controller else phase,
            (behind or {}).get(declared.name, ()),
            (left or {}).get(declared.name),
            (awaited or {}).get(declared.name),
        )
        for declared in resources
    ]


def _probe(
    declared: DeclaredResource,
    name: str,
    phase: Phase,
    needs: tuple[str, ...],
    left: Patience | None = None,
    awaited: Variables | None = None,
) -> Section:
    waits = declared.resource.check and phase != "plan"
    script = _probing(declared)
    if waits and awaited:
        script = replace(script, vars={**script.vars, **awaited})
    given = (left or patience(declared)) if waits else Patience(0, PROBE_SECONDS)
    return Section(
        name=name,
        script=script,
        timeout=given.seconds,
        needs=needs,
        phase=phase,
        # From the controller one asks as oneself.
        become=declared.become if place(declared) == "host" else None,
        retries=given.retries,
    )


def _probing(declared: DeclaredResource) -> Script:
    script = answered(declared, declared.resource.probe)
    return script if declared.backup is None else reading(script, declared.backup)


def place(declared: DeclaredResource) -> Literal["host", "controller"]:
    """Where a resource is looked at from; a kind that cannot say so fails on the host."""
    try:
        return declared.resource.where()
    except Exception:
        return "host"


def answered(declared: DeclaredResource, asked: Callable[[], T]) -> T | Script:
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


@dataclass(frozen=True)
class ApplySections:
    """What carries out a draft: the sections in order, and which of them belong to which step. `asked`: the checks
    that are asked at their place → the section that does."""

    sections: tuple[Section, ...]
    of_step: Mapping[str, tuple[str, ...]]
    asked: Mapping[str, str] = field(default_factory=dict)

    def behind(self, declared: HostDeclaration, gates: Gates, skipped: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Check → the sections it needs, to be asked in the end: those of the steps it needs; its own, where it was
        asked at its place; and, where asking has effects, those of its gates."""
        found: dict[str, tuple[str, ...]] = {}
        for check in declared.resources:
            if check.resource.check:
                own = (self.asked[check.name],) if check.name in self.asked else ()
                found[check.name] = self.before(check, gates, skipped) + own
        return found

    def before(self, declared: DeclaredResource, gates: Gates, skipped: Collection[str]) -> tuple[str, ...]:
        """The sections that must have succeeded before a resource has its turn."""
        steps = upstream(declared.name, gates.needs)
        above = tuple(section for step, names in self.of_step.items() if step in steps for section in names)
        if declared.resource.check and not declared.resource.effects():
            return above
        return above + tuple(self.asked[gate] for gate in gates.nearest(declared.name, skipped) if gate in self.asked)


def uploads(plan_host: PlannedHost) -> dict[str, Upload]:
    """Section name → bulk content to be staged before the program runs."""
    return {
        action_name(name, index): action.upload
        for name, work in plan_host.work.items()
        for index, action in enumerate(work.actions)
        if action.upload is not None
    }


def apply_sections(
    declared: HostDeclaration,
    plan_host: PlannedHost,
    staged: Mapping[str, str],
    run: str = "",
    gates: Mapping[str, Phase] | None = None,
    skipped: Collection[str] = (),
    awaited: Mapping[str, Variables] | None = None,
    proved: Collection[str] = (),
) -> ApplySections:
    """Sections for all actions of a draft, each needing those before it in its step and those its step needs.

    Before the first change of a resource that others watch, the watchers' marks are set. `staged` names the
    staging directories of `uploads(draft)`. Where the `run` has an id, what it replaces is kept under that, and at
    the end what the oldest runs kept is removed. `gates` are the checks to be asked at their place, with the phase
    they are asked in; `skipped` checks gate nothing; `awaited` is what the function of that name returns.
    `proved` are the services that checks prove at the end: their being ready alone does not.
    """
    graph = Gates(declared)
    sections: list[Section] = []
    of_step: dict[str, tuple[str, ...]] = {}
    asked: dict[str, str] = {}
    marks = _marks(declared, plan_host)
    keepers: dict[str | None, None] = {}
    touched = _Touched()
    for resource in declared.resources:
        phase, work = (gates or {}).get(resource.name), plan_host.work.get(resource.name)
        if phase is None and work is None:
            continue
        before = ApplySections((), of_step, asked).before(resource, graph, skipped)
        if phase is not None:
            asked[resource.name] = gate_name(resource.name)
            waited = (awaited or {}).get(resource.name)
            asking = _probe(resource, asked[resource.name], phase, before, awaited=waited)
            # What it changes is not begun once the run is to stop.
            sections.append(replace(asking, step=resource.resource.effects()))
        if work is not None:
            prior = _as_planned(resource, work.change, touched)
            backups = _kept(resource, work.change, run)
            keepers.update({resource.become: None} if backups else {})
            marking = marks.pop(resource.name, [])
            # A mark is set only for what is changed, so it comes after the look.
            work, prior, backups = (work, prior, backups) if marking else _within(resource, work, prior, backups, run)
            first = [(script, resource.become) for script in prior]
            first += marking
            first += [(script, resource.become) for script in backups]
            mine = _step(resource, work, first, before, staged, resource.name in proved)
            sections += mine
            of_step[resource.name] = tuple(section.name for section in mine)
    return ApplySections((*sections, *_pruning(keepers, run)), of_step, asked)


def _proved(script: Script) -> Script:
    """The start of a service that checks are to prove."""
    return replace(script, vars={**script.vars, "checks_prove": True})


def _step(
    resource: DeclaredResource,
    work: PlannedActions,
    first: Iterable[tuple[Script, str | None]],
    before: tuple[str, ...],
    staged: Mapping[str, str],
    proved: bool,
) -> list[Section]:
    """The sections of one step, each needing those before it. `first` is run before its actions, and as whom."""
    found: list[Section] = []
    for script, user in first:
        name = f"mark:{resource.name}:{len(found)}"
        found.append(Section(name, script, ACTION_SECONDS, before, step=True, phase="apply", become=user))
    for index, action in enumerate(work.actions):
        name = action_name(resource.name, index)
        found.append(
            Section(
                name,
                _proved(action.script) if proved else action.script,
                (action.timeout or resource.timeout or ACTION_SECONDS) + action.waits,
                before + tuple(section.name for section in found),
                step=True,
                phase="apply",
                staging=staged.get(name),
                become=resource.become,
            )
        )
    return found


class _Touched:
    """The paths that the steps so far may change, as far as they are known."""

    def __init__(self) -> None:
        self._unknown = False
        self._paths: set[str] = set()
        self._above: set[str] = set()

    def add(self, places: Iterable[Place] | None) -> None:
        self._unknown |= places is None
        for place in places or ():
            path = place.path.rstrip("/")
            self._paths.add(path)
            self._above.update(_parents(path))

    def meets(self, places: Iterable[Place]) -> bool:
        """Whether one of these may be one of those, or above or below it."""
        paths = [place.path.rstrip("/") for place in places]
        return self._unknown or any(
            path in self._above or not self._paths.isdisjoint((path, *_parents(path))) for path in paths
        )


def _parents(path: str) -> Iterator[str]:
    while path:
        path = path.rpartition("/")[0]
        yield path


def _as_planned(declared: DeclaredResource, change: Change, touched: _Touched) -> list[Script]:
    """What fails where a resource is no longer what its plan found: only that was agreed to be replaced. Nothing,
    where a step before it may have changed it."""

    def again() -> Script | None:
        resource = declared.resource
        mine = resource.places()
        before = touched.meets(mine or ())
        touched.add(mine)
        keys = [key for key in resource.prior_facts(change.facts) if key in change.facts]
        if not mine or not keys or before:
            return None
        planned = "".join(f"\n{key} {change.facts[key]}\n" for key in keys)
        script, values = resource.probe(), {"planned": planned, "planned_keys": f" {' '.join(keys)} "}
        script = script if declared.backup is None else reading(script, declared.backup)
        # It changes nothing, directories included.
        return replace(script, vars={**script.vars, **values, "leaves_directories": True}, shared={})

    script = answered(declared, again)
    return [] if script is None else [script]


def _within(
    declared: DeclaredResource, work: PlannedActions, prior: list[Script], backups: list[Script], run: str
) -> tuple[PlannedActions, list[Script], list[Script]]:
    """The same, where the first action can do what comes before it: then it does, in one section."""
    action, *rest = work.actions or (None,)
    if action is None or not action.checks_prior or declared.backup is not None:
        return work, prior, backups
    names = ("planned", "planned_keys")
    if any(name not in script.vars for script in prior for name in names):
        return work, prior, backups
    values = {name: script.vars[name] for script in prior for name in names}
    if prior and action.notes_absence and any("keep" in script.vars for script in backups):
        values |= keep_vars(run, declared.name)
        backups = []
    script = replace(action.script, vars={**action.script.vars, **values})
    return replace(work, actions=(replace(action, script=script), *rest)), [] if values else prior, backups


def _kept(declared: DeclaredResource, change: Change, run: str) -> list[Script]:
    """What keeps the things that a change will replace, for a rollback."""
    if not run:
        return []

    def backups() -> Script | None:
        script = declared.resource.keep(change)
        return None if script is None else keeping(script, run, declared.name)

    # What cannot be kept is not replaced.
    script = answered(declared, backups)
    return [] if script is None else [script]


def _pruning(users: Iterable[str | None], run: str) -> Iterator[Section]:
    """What removes the backups of the oldest runs, in the home directory of each user who keeps something."""
    for number, user in enumerate(users):
        yield Section(f"prune:{number}", pruning(run), ACTION_SECONDS, phase="apply", become=user)


def _marks(declared: HostDeclaration, plan_host: PlannedHost) -> dict[str, list[tuple[Script, str | None]]]:
    """Resource with work → marks to set before it, and as whom: of every watcher whose first watched change it is."""
    found: dict[str, list[tuple[Script, str | None]]] = {}
    for watcher in declared.resources:
        watched = _watched(watcher)
        first = next((d.name for d in declared.resources if d.name in watched and d.name in plan_host.work), None)
        # Without a mark, a restart might be lost: where there should be one, nothing changes without it.
        mark = answered(watcher, watcher.resource.mark) if first is not None else None
        if first is not None and mark is not None:
            found.setdefault(first, []).append((mark, watcher.become))
    return found


def _watched(watcher: DeclaredResource) -> frozenset[str]:
    """Names of what a resource restarts on; nothing where its kind cannot say so, which its step says."""
    try:
        return frozenset(watch.name for watch in watcher.resource.watches())
    except Exception:
        return frozenset()


def proving(
    declared: HostDeclaration, started: Collection[str], asked: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """Service → the checks that show that it has read its files: those that the host judges, and of which it is the
    nearest service upstream. Only services in `started`, where all these checks are in `asked`."""
    services = {resource.name for resource in declared.resources if resource.resource.restarts}
    found: dict[str, tuple[str, ...]] = {}
    for check in declared.resources:
        if check.resource.check and _judged_there(check):
            for name in _nearest(check.name, services, declared):
                found[name] = (*found.get(name, ()), check.name)
    return {name: checks for name, checks in found.items() if name in started and set(checks) <= set(asked)}


def proofs(declared: HostDeclaration, groups: Mapping[str, tuple[str, ...]]) -> Iterator[Section]:
    """What notes at the end of a program that a service has read its files, where all its checks, `told`, hold."""
    for service in declared.resources:
        script = answered(service, service.resource.prove) if service.name in groups else None
        if script is not None:
            needs = tuple(probe_name(check) for check in groups[service.name])
            name = f"prove:{service.name}:0"
            yield Section(name, script, PROBE_SECONDS, needs, phase="apply", become=service.become)


def _judged_there(check: DeclaredResource) -> bool:
    """Whether a check proves anything, and is asked and judged on the host; not where its kind cannot say so."""
    try:
        proves = getattr(check.resource, "proves", True)
        return proves and check.resource.where() == "host" and check.resource.judge() == "host"
    except Exception:
        return False


def awaited(declared: HostDeclaration) -> dict[str, Variables]:
    """Check that waits on the host → the variables that tell it whether the services it is behind have ended."""
    services = {resource.name: resource for resource in declared.resources if resource.resource.restarts}
    found: dict[str, Variables] = {}
    for check in declared.resources if services else ():
        if not check.resource.check or place(check) != "host":
            continue
        near = [services[name] for name in sorted(_nearest(check.name, services, declared))]
        # Nobody is become for this alone: attempts are counted.
        near = [service for service in near if check.become in (None, service.become)]
        scripts = [(service.become, _ended(service)) for service in near]
        known = [(user, script) for user, script in scripts if script is not None]
        if known:
            from engine.kit.services import awaiting

            found[check.name] = awaiting(known)
    return found


def _ended(service: DeclaredResource) -> Script | None:
    try:
        return service.resource.ended()
    except Exception:
        return None


def services_last(sections: Iterable[Section], started: Collection[str]) -> list[Section]:
    """The sections, those that probe a service in `started` at the end, where it is looked at anew: what it is after
    the checks behind it counts, not what it was right after its start."""
    names = {probe_name(name) for name in started}
    every = list(sections)
    last = [section for section in every if section.name in names]
    fresh = [replace(section, script=replace(section.script, shared={})) for section in last]
    return [*(section for section in every if section.name not in names), *fresh]


def _nearest(name: str, services: Collection[str], declared: HostDeclaration) -> frozenset[str]:
    """The first services met on each way up from `name`."""
    needs = {resource.name: resource.needs for resource in declared.resources}
    found: set[str] = set()
    passed: set[str] = set()
    queue = list(needs[name])
    while queue:
        need = queue.pop()
        if need in services:
            found.add(need)
        elif need not in passed:
            passed.add(need)
            queue.extend(needs.get(need, ()))
    return frozenset(found)
