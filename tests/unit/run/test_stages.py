"""Which program of an apply carries out what, where checks stand in between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from engine.model import (
    CURRENT,
    Action,
    Attribute,
    Change,
    DeclaredResource,
    Facts,
    Host,
    HostDeclaration,
    Params,
    Reason,
    Resource,
    Script,
    State,
    Step,
    Unknown,
    Why,
)
from engine.plan.gates import Gates
from engine.plan.planner import Observation, PlannedHost, plan_host
from engine.program.events import Result
from engine.run.outcome import ActionResult
from engine.run.sections import apply_sections
from engine.run.stages import SoFar, Stage, Stages, as_planned


@dataclass(frozen=True)
class Thing(Resource):
    kind: ClassVar[str] = "thing"
    params: ClassVar[Params] = {}
    check: bool = False  # type: ignore[misc]
    by: Literal["host", "controller"] = "host"
    here: bool = False
    sends: bool = False

    def probe(self) -> Script:
        return Script(":")

    def where(self) -> Literal["host", "controller"]:
        return "controller" if self.here else "host"

    def judge(self) -> Literal["host", "controller"]:
        return self.by

    def effects(self) -> bool:
        return self.sends

    def actual(self, facts: Facts) -> State | None:
        return {"right": Unknown("not asked")} if self.sends and not facts else {"right": facts["right"]}

    def desired(self, facts: Facts) -> State | None:
        return {"right": "yes"}

    def actions(self, change: Change) -> Iterator[Action]:
        yield Action("make it so", Script(":"))


STEP = Thing()
HOST = Thing(check=True)
JSON = Thing(check=True, by="controller")
HERE = Thing(check=True, here=True)
POST = Thing(check=True, sends=True)


class World:
    """Resources in a chain, all of them to be changed or failing."""

    def __init__(self, **resources: Resource) -> None:
        names = list(resources)
        self.declared = HostDeclaration(
            Host("gpu1"),
            tuple(
                DeclaredResource(name, resource, needs=tuple(names[at - 1 : at]) if at else ())
                for at, (name, resource) in enumerate(resources.items())
            ),
        )
        self.right: set[str] = set()
        self.so_far = SoFar()

    def planned(self) -> PlannedHost:
        seen = {
            r.name: Observation({} if r.resource.effects() and r.name not in self.right else self.facts(r.name))
            for r in self.declared.resources
        }
        return plan_host(self.declared, seen, fingerprint=lambda secret: "secret:ffffff")

    def facts(self, name: str) -> Facts:
        return {"right": "yes" if name in self.right else "no"}

    def stage(self, careful: bool = False) -> Stage:
        return Stages(self.declared, Gates(self.declared), self.planned(), self.so_far, (), careful).next()

    def done(self, *names: str) -> None:
        """These were carried out, or passed."""
        self.right.update(names)
        for name in names:
            if next(r for r in self.declared.resources if r.name == name).resource.check:
                self.so_far.passed.add(name)
            else:
                self.so_far.tried.add(name)
                self.so_far.done[name] = ActionResult("done")


def needs(world: World, stage: Stage) -> dict[str, tuple[str, ...]]:
    """Section → sections that must have succeeded before it."""
    whole = world.planned()
    part = PlannedHost(whole.steps, {name: work for name, work in whole.work.items() if name in stage.steps})
    return {s.name: s.needs for s in apply_sections(world.declared, part, {}, gates=stage.gates).sections}


def test_what_the_host_can_judge_needs_no_stage_of_its_own() -> None:
    world = World(a=STEP, gate=HOST, b=STEP, end=HOST)
    stage = world.stage()
    assert stage == Stage(frozenset({"a", "b"}), {"gate": "gate"}, frozenset(), frozenset(), True)
    assert needs(world, stage) == {
        "act:a:0": (), "gate:gate": ("act:a:0",), "act:b:0": ("act:a:0", "gate:gate"),
    }  # fmt: skip


def test_behind_what_the_controller_judges_is_another_stage() -> None:
    world = World(a=STEP, gate=JSON, b=STEP)
    stage = world.stage()
    assert stage == Stage(frozenset({"a"}), {"gate": "verify"}, frozenset({"gate"}), frozenset(), False)
    world.done("a", "gate")
    assert world.stage() == Stage(frozenset({"b"}))


def test_what_stands_beside_a_gate_is_not_held_up() -> None:
    world = World(gate=JSON, b=STEP)
    free = DeclaredResource("free", STEP)
    world.declared = HostDeclaration(Host("gpu1"), (*world.declared.resources, free))
    assert world.stage().steps == {"free"}


def test_several_gates_in_a_row_are_asked_together() -> None:
    stage = World(one=JSON, two=JSON, three=HOST, b=STEP).stage()
    assert (stage.gates, stage.on_controller) == ({"one": "verify", "two": "verify"}, {"one", "two"})


def test_one_that_the_controller_asks_waits_for_what_it_needs() -> None:
    world = World(a=STEP, gate=HERE, b=STEP)
    assert world.stage() == Stage(frozenset({"a"}), last=False)
    world.done("a")
    assert world.stage() == Stage(on_controller=frozenset({"gate"}), here=frozenset({"gate"}), last=False)


def test_one_with_effects_is_asked_before_a_gate_behind_it() -> None:
    world = World(post=POST, gate=JSON, b=STEP)
    stage = world.stage()
    assert (stage.steps, set(stage.gates), stage.last) == (frozenset(), {"post", "gate"}, False)
    assert list(needs(world, stage)) == ["gate:post", "gate:gate"]
    world.so_far.answers["post"] = Result(0, {}, "", False, 0.0)
    world.done("post", "gate")
    assert world.stage() == Stage(frozenset({"b"}))


def test_one_with_effects_that_gates_nothing_is_asked_in_the_end() -> None:
    assert World(a=STEP, post=POST).stage() == Stage(frozenset({"a"}))


def test_what_was_reviewed_as_blocked_is_begun_by_no_program_unseen() -> None:
    world = World(gate=HOST, b=STEP)
    assert world.stage() == Stage(frozenset({"b"}), {"gate": "gate"})
    assert world.stage(careful=True) == Stage(frozenset(), {"gate": "verify"}, frozenset({"gate"}), last=False)


def test_behind_what_failed_nothing_is_begun() -> None:
    world = World(a=STEP, gate=JSON, b=STEP, end=HOST, c=STEP)
    so_far = world.so_far
    world.done("a")
    so_far.failed.add("gate")
    so_far.block(world.declared, Gates(world.declared), so_far.failed, ())
    assert so_far.blocked.keys() == {"b", "end", "c"}
    assert so_far.blocked["b"] == Reason(Why.NEEDS_FAILED, ("gate",))
    assert world.stage().idle


def watcher(outlook: Any, before: str | None, **more: Any) -> Step:
    watched = (Attribute("a", before, CURRENT),) if before else ()
    more = {"image": "1", **more}
    image = (Attribute("image", more["image"], "2"),) if more["image"] != "2" else ()
    return Step("s", "service", outlook, attributes=(*image, *watched), prior={**more, "a": before or CURRENT})


def test_a_change_of_its_own_is_no_drift() -> None:
    first, now = watcher("change", "will change"), watcher("change", "changed")
    assert as_planned(first, now, {"a"}) == first
    assert as_planned(first, now, ()) == now
    other = as_planned(first, watcher("change", "changed", image="0"), {"a"})
    assert other.prior == {"image": "0", "a": "will change"}


def test_a_restart_that_is_not_due_any_more_is_no_drift() -> None:
    first = watcher("change", "will change", image="2")
    assert as_planned(first, watcher("converged", None, image="2"), {"a"}) == first
