"""The planner over small kinds of its own: facts in, steps out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from engine.errors import Refused
from engine.model import (
    CURRENT,
    Action,
    Change,
    DeclaredResource,
    Facts,
    Host,
    HostDeclaration,
    Params,
    Reason,
    Resource,
    Script,
    Secret,
    State,
    Step,
    Tense,
    Unknown,
    Watch,
    Watched,
    Why,
)
from engine.plan.planner import Observation, PlannedHost, plan_host
from engine.views.wording import because_text, cause_text, reason_text


@dataclass(frozen=True)
class Thing(Resource):
    """Wants `value`; finds what the facts say: `value`, or absent without it."""

    kind: ClassVar[str] = "thing"
    params: ClassVar[Params] = {}
    value: Any = "right"
    volatile: bool = False  # type: ignore[misc]

    def probe(self) -> Script:
        return Script(":")

    def actual(self, facts: Facts) -> State | None:
        if facts.get("refuse"):
            raise Refused(facts["refuse"])
        if facts.get("unknown"):
            return {"value": Unknown("not there yet")}
        if "digest" in facts:
            return {"value": Secret.seen(facts["digest"])}
        return {"value": facts["value"]} if "value" in facts else None

    def desired(self, facts: Facts) -> State | None:
        return {"value": self.value}

    def actions(self, change: Change) -> Iterator[Action]:
        yield Action("make it so", Script(":"))


@dataclass(frozen=True)
class Service(Thing):
    names: tuple[str, ...] = ()

    def watches(self) -> tuple[Watch, ...]:
        return tuple(Watch(name, Script(":")) for name in self.names)

    def actual(self, facts: Facts) -> State | None:
        if not facts:
            return None
        return {"value": "right", **{name: facts.get(name, CURRENT) for name in self.names}}

    def desired(self, facts: Facts) -> State | None:
        return {"value": "right", **dict.fromkeys(self.names, CURRENT)}

    def verb(self, change: Change) -> str:
        return "create" if change.before is None else "restart"


@dataclass(frozen=True)
class Check(Thing):
    check: ClassVar[bool] = True

    def actions(self, change: Change) -> Iterator[Action]:
        raise AssertionError("a check has no actions")
        yield


@dataclass
class World:
    """Resources in a chain, each needing the one before it, and the facts of each."""

    resources: dict[str, Resource]
    facts: Mapping[str, Mapping[str, str] | str] = field(default_factory=dict)

    def plan(
        self, left_out: frozenset[str] = frozenset(), skipped: frozenset[str] = frozenset(), settled: bool = False
    ) -> tuple[dict[str, Step], PlannedHost]:
        names = list(self.resources)
        declared = tuple(
            DeclaredResource(name, resource, needs=tuple(names[index - 1 : index]) if index else ())
            for index, (name, resource) in enumerate(self.resources.items())
        )
        seen = {
            name: Observation(error=Reason.of(facts)) if isinstance(facts, str) else Observation(facts)
            for name, facts in self.facts.items()
        }
        made = plan_host(
            HostDeclaration(Host("gpu1"), declared),
            seen,
            left_out=left_out | skipped,
            skipped=skipped,
            fingerprint=lambda secret: f"secret:{secret.digest[:6]}",
            settled=settled,
        )
        return {step.name: step for step in made.steps}, made


RIGHT, WRONG = {"value": "right"}, {"value": "wrong"}


def test_what_is_as_declared_is_converged() -> None:
    steps, made = World({"a": Thing()}, {"a": RIGHT}).plan()
    assert steps["a"].outlook == "converged"
    assert made.idle


def test_a_difference_is_a_change_with_before_and_after() -> None:
    steps, made = World({"a": Thing()}, {"a": WRONG}).plan()
    assert steps["a"].outlook == "change"
    assert [(a.name, a.before, a.after) for a in steps["a"].attributes] == [("value", "wrong", "right")]
    assert [action.title for action in made.work["a"].actions] == ["make it so"]


def test_absent_has_no_prior() -> None:
    steps, _ = World({"a": Thing()}, {"a": {}}).plan()
    assert steps["a"].prior is None
    assert steps["a"].attributes[0].before is None


def test_secrets_are_compared_by_digest_and_shown_as_fingerprints() -> None:
    wanted = Secret("$2b$12$abc")
    steps, _ = World({"a": Thing(wanted)}, {"a": {"digest": wanted.digest}}).plan()
    assert steps["a"].outlook == "converged"
    steps, _ = World({"a": Thing(wanted)}, {"a": {"digest": "0" * 64}}).plan()
    assert steps["a"].attributes[0].before == "secret:000000"
    assert steps["a"].attributes[0].after == f"secret:{wanted.digest[:6]}"
    assert "$2b$12$abc" not in repr(steps)


def test_a_refusal_names_its_reason_and_blocks_what_follows() -> None:
    world = World(
        {"a": Thing(), "b": Thing(), "c": Thing(), "ok": Thing()},
        {"a": {"refuse": "local changes"}, "b": RIGHT, "c": WRONG, "ok": RIGHT},
    )
    steps, made = world.plan()
    assert (steps["a"].outlook, steps["a"].reason) == ("refused", Reason.of("local changes"))
    assert steps["b"].outlook == "converged"
    assert (steps["c"].outlook, cause_text(steps["c"].cause)) == ("blocked", "a: local changes")
    assert made.idle


def test_a_probe_error_is_never_absent() -> None:
    steps, made = World({"a": Thing()}, {"a": "git is not installed"}).plan()
    assert (steps["a"].outlook, steps["a"].reason) == ("error", Reason.of("git is not installed"))
    assert made.idle


def test_a_probe_error_behind_a_pending_change_is_checked_after_apply() -> None:
    steps, _ = World({"a": Thing(), "b": Thing()}, {"a": WRONG, "b": "no such directory"}).plan()
    assert steps["b"].outlook == "check"


def test_a_check_behind_a_pending_change_is_not_failing() -> None:
    steps, _ = World({"a": Thing(), "c": Check()}, {"a": WRONG, "c": WRONG}).plan()
    assert steps["c"].outlook == "check"
    assert cause_text(steps["c"].cause) == "a differs: value is wrong, not right"
    assert (steps["c"].now, steps["c"].expected) == ("wrong", "right")


def test_a_check_that_passes_now_is_still_checked_after_a_change() -> None:
    steps, _ = World({"a": Thing(), "c": Check()}, {"a": WRONG, "c": RIGHT}).plan()
    assert steps["c"].outlook == "check"


def test_a_check_with_nothing_pending_fails_now() -> None:
    steps, _ = World({"a": Thing(), "c": Check()}, {"a": RIGHT, "c": WRONG}).plan()
    assert (steps["c"].outlook, cause_text(steps["c"].cause)) == ("failing", "")


def test_a_check_behind_something_left_out_names_it_as_the_cause() -> None:
    world = World({"a": Thing(), "c": Check()}, {"a": WRONG, "c": WRONG})
    steps, made = world.plan(left_out=frozenset({"a"}))
    assert (steps["a"].outlook, steps["a"].pending) == ("skipped", True)
    assert steps["c"].outlook == "failing"
    assert cause_text(steps["c"].cause).startswith("a differs")
    assert made.idle


def test_a_check_behind_something_skipped_on_purpose_is_unproven() -> None:
    steps, _ = World({"a": Thing(), "c": Check()}, {"a": WRONG, "c": WRONG}).plan(skipped=frozenset({"a"}))
    assert (steps["c"].outlook, steps["c"].reason) == ("check", Reason(Why.LEFT_OUT, ("a",)))


def test_a_pending_change_of_what_is_watched_foretells_the_restart() -> None:
    world = World({"a": Thing(), "s": Service(names=("a",))}, {"a": WRONG, "s": {"up": "1"}})
    steps, made = world.plan()
    assert (steps["s"].outlook, steps["s"].verb) == ("change", "restart")
    assert steps["s"].because == (Watched("a", Tense.WILL_CHANGE),)
    assert set(made.work) == {"a", "s"}


def test_a_stale_service_restarts_although_nothing_is_pending() -> None:
    world = World({"a": Thing(), "s": Service(names=("a",))}, {"a": RIGHT, "s": {"a": "changed"}})
    steps, _ = world.plan()
    assert (steps["s"].outlook, steps["s"].because) == ("change", (Watched("a", Tense.CHANGED),))


def test_what_is_left_out_foretells_no_restart() -> None:
    world = World({"a": Thing(), "s": Service(names=("a",))}, {"a": WRONG, "s": {"up": "1"}})
    steps, _ = world.plan(left_out=frozenset({"a"}))
    assert steps["s"].outlook == "converged"


def test_an_unknown_value_is_checked_after_apply_and_acted_upon() -> None:
    steps, made = World({"a": Thing(), "b": Thing()}, {"a": WRONG, "b": {"unknown": "1"}}).plan()
    assert steps["b"].outlook == "check"
    assert "b" in made.work


@pytest.mark.parametrize(("found", "outlook"), [(WRONG, "check"), (RIGHT, "converged")])
def test_a_volatile_kind_is_checked_again_behind_a_change_only(found: dict[str, str], outlook: str) -> None:
    steps, _ = World({"a": Thing(), "b": Thing(volatile=True)}, {"a": found, "b": RIGHT}).plan()
    assert steps["b"].outlook == outlook


@pytest.mark.parametrize(("upstream", "outlook"), [(WRONG, "check"), (RIGHT, "change")])
def test_behind_a_change_what_a_volatile_kind_finds_is_provisional(upstream: dict[str, str], outlook: str) -> None:
    """What is upstream may do what it is for."""
    steps, made = World({"a": Thing(), "b": Thing(volatile=True)}, {"a": upstream, "b": WRONG}).plan()
    assert steps["b"].outlook == outlook
    assert "b" in made.work


def test_a_restart_names_only_what_differs_and_in_which_tense() -> None:
    world = World(
        {"a": Thing(), "b": Thing(), "c": Thing(), "s": Service(names=("a", "b", "c"))},
        {"a": WRONG, "b": RIGHT, "c": RIGHT, "s": {"up": "1", "c": "newer than its start"}},
    )
    assert because_text(world.plan()[0]["s"].because) == "a will change and c changed"
    unsure = {"a": "may have changed", "b": "may have changed"}
    stale = World(world.resources, {**world.facts, "a": RIGHT, "s": unsure}).plan()[0]["s"].because
    assert because_text(stale) == "a and b may have changed"


def test_a_change_back_to_what_a_service_was_started_with_foretells_no_restart() -> None:
    world = World({"a": Thing(), "s": Service(names=("a",))}, {"a": WRONG, "s": {"a": "changed"}})
    steps, made = world.plan()
    assert (steps["s"].outlook, because_text(steps["s"].because)) == ("check", "a will change")
    assert "s" in made.work
    more = World({"a": Thing(), "s": Service(names=("a", "b"))}, {"a": WRONG, "s": {"a": "changed", "b": "changed"}})
    assert more.plan()[0]["s"].outlook == "change"


def test_a_service_is_looked_at_again_where_what_it_watches_is() -> None:
    world = World(
        {"a": Thing(), "b": Thing(volatile=True), "s": Service(names=("b",))},
        {"a": WRONG, "b": RIGHT, "s": {"up": "1"}},
    )
    steps, made = world.plan()
    assert (steps["b"].outlook, steps["s"].outlook) == ("check", "check")
    assert steps["s"].because == (Watched("b", Tense.MAY_CHANGE),)
    assert set(made.work) == {"a", "b", "s"}


def test_settled_facts_make_checks_fail_and_foretell_nothing() -> None:
    world = World(
        {"a": Thing(), "s": Service(names=("a",)), "c": Check()}, {"a": WRONG, "s": {"up": "1"}, "c": WRONG}
    )
    steps, _ = world.plan(settled=True)
    assert steps["s"].outlook == "converged"
    assert (steps["c"].outlook, cause_text(steps["c"].cause)) == ("failing", "a differs: value is wrong, not right")


@dataclass(frozen=True)
class Asking(Check):
    bearer: Any = None
    query: Mapping[str, Any] = field(default_factory=dict)


def test_a_failing_check_that_sends_another_secret_than_was_set_says_so() -> None:
    right, other = Secret("the right one"), Secret("another one")
    facts = {"credential": {"digest": right.digest}, "open": WRONG}

    def reason(check: Asking, **more: Any) -> str:
        step = World({"credential": Thing(value=right), "open": check}, {**facts, **more}).plan()[0]["open"]
        return reason_text(step.reason)

    said = f"it sends secret:{other.digest[:6]}, but value of credential is secret:{right.digest[:6]}"
    assert reason(Asking(bearer=other)) == said
    assert reason(Asking(query={"token": other})) == said
    assert reason(Asking(bearer=right)) == ""
    assert reason(Asking(bearer=other, query={"token": right})) == ""
    assert reason(Asking()) == ""
    # Where the check passes, or something upstream has not converged, that is not what is wrong.
    assert reason(Asking(bearer=other), open=RIGHT) == ""
    assert reason(Asking(bearer=other), credential={"digest": other.digest}) == ""


@dataclass(frozen=True)
class Sending(Check):
    """Asked only in an apply."""

    def effects(self) -> bool:
        return True

    def actual(self, facts: Facts) -> State | None:
        return {"value": facts["value"]} if "value" in facts else {"value": Unknown("asked only after apply")}


RIGHT, WRONG = {"value": "right"}, {"value": "wrong"}


def test_a_failing_check_blocks_what_needs_it() -> None:
    steps, made = World(
        {"gate": Check(), "a": Thing(), "b": Thing()}, {"gate": WRONG, "a": RIGHT, "b": WRONG}
    ).plan()  # fmt: skip
    assert steps["a"].outlook == "converged"
    assert (steps["b"].outlook, steps["b"].gates) == ("blocked", ("gate",))
    assert steps["b"].reason == Reason(Why.GATES_FAIL, ("gate",))
    assert cause_text(steps["b"].cause) == "gate differs: value is wrong, not right"
    # An apply asks the check again at its place, so there is something to carry out.
    assert made.work["b"].step.outlook == "change"


@pytest.mark.parametrize("facts", ["curl is not installed", {"refuse": "not to be asked"}])
def test_a_check_that_cannot_be_asked_blocks_too(facts: Any) -> None:
    steps, _ = World({"gate": Check(), "a": Thing()}, {"gate": facts, "a": WRONG}).plan()
    assert (steps["a"].outlook, steps["a"].gates) == ("blocked", ("gate",))


def test_the_nearest_checks_gate_through_checks() -> None:
    resources: dict[str, Resource] = {
        "far": Check(), "a": Thing(), "one": Check(), "two": Check(), "b": Thing(), "c": Thing()
    }  # fmt: skip
    facts = {"far": WRONG, "a": RIGHT, "one": WRONG, "two": RIGHT, "b": RIGHT, "c": WRONG}
    steps, _ = World(resources, facts).plan()
    assert steps["c"].gates == ("one",)
    steps, _ = World(resources, {**facts, "one": RIGHT}).plan()
    assert (steps["c"].outlook, steps["c"].gates) == ("change", ())


def test_a_gate_behind_a_change_is_to_pass_first() -> None:
    steps, _ = World(
        {"a": Thing(), "gate": Check(), "b": Thing(), "end": Check()},
        {"a": WRONG, "gate": WRONG, "b": WRONG, "end": WRONG},
    ).plan()
    assert [step.outlook for step in steps.values()] == ["change", "check", "change", "check"]
    assert (steps["b"].gates, steps["a"].gates) == (("gate",), ())


def test_what_a_check_blocks_is_not_pending_for_those_behind_it() -> None:
    steps, _ = World(
        {"gate": Check(), "a": Thing(), "end": Check(), "b": Thing()},
        {"gate": WRONG, "a": WRONG, "end": RIGHT, "b": WRONG},
    ).plan()
    assert [step.outlook for step in steps.values()] == ["failing", "blocked", "converged", "blocked"]
    assert steps["b"].gates == ("gate",)
    assert steps["b"].reason == Reason(Why.NEEDS, ("a",))


def test_only_brings_in_the_gates_of_what_is_to_be_done() -> None:
    resources: dict[str, Resource] = {"far": Check(), "a": Thing(), "gate": Check(), "b": Thing(), "end": Check()}
    left = frozenset({"far", "a", "gate", "end"})
    facts = {"far": WRONG, "a": WRONG, "gate": WRONG, "b": WRONG, "end": WRONG}
    steps, _ = World(resources, facts).plan(left)
    assert [step.outlook for step in steps.values()] == ["skipped", "skipped", "failing", "blocked", "skipped"]
    steps, _ = World(resources, {**facts, "b": RIGHT}).plan(left)
    assert [step.outlook for step in steps.values()] == ["skipped", "skipped", "skipped", "converged", "skipped"]


def test_skip_takes_a_gate_out_and_says_so() -> None:
    resources: dict[str, Resource] = {"one": Check(), "two": Check(), "a": Thing()}
    facts = {"one": RIGHT, "two": WRONG, "a": WRONG}
    steps, _ = World(resources, facts).plan(skipped=frozenset({"two"}))
    assert (steps["a"].outlook, steps["two"].outlook) == ("change", "skipped")
    assert steps["two"].reason == Reason(Why.DOES_NOT_GATE, ("a",))
    steps, _ = World(resources, {**facts, "one": WRONG}).plan(skipped=frozenset({"two"}))
    assert steps["a"].gates == ("one",)
    steps, _ = World(resources, {**facts, "a": RIGHT}).plan(skipped=frozenset({"two"}))
    assert steps["two"].reason is None


def test_a_check_behind_one_with_effects_is_checked_after_apply() -> None:
    resources: dict[str, Resource] = {"post": Sending(), "get": Check(), "a": Thing()}
    steps, made = World(resources, {"post": {}, "get": WRONG, "a": WRONG}).plan()
    assert [step.outlook for step in steps.values()] == ["check", "check", "change"]
    assert steps["a"].gates == ("post", "get")
    assert made.sends == {"post"}
    steps, made = World(resources, {"post": {}, "get": WRONG, "a": RIGHT}).plan(skipped=frozenset({"post"}))
    assert [step.outlook for step in steps.values()] == ["skipped", "failing", "converged"]
    assert made.sends == frozenset()
    steps, made = World(resources, {"post": RIGHT, "get": WRONG, "a": WRONG}).plan()
    assert [step.outlook for step in steps.values()] == ["converged", "failing", "blocked"]
    assert made.sends == frozenset()


def test_a_check_with_effects_is_gated() -> None:
    steps, made = World({"gate": Check(), "post": Sending()}, {"gate": WRONG, "post": {}}).plan()
    assert (steps["post"].outlook, steps["post"].gates) == ("blocked", ("gate",))
    assert made.sends == {"post"}


def test_after_an_apply_nothing_is_gated() -> None:
    steps, _ = World({"gate": Check(), "a": Thing()}, {"gate": WRONG, "a": WRONG}).plan(settled=True)
    assert (steps["a"].outlook, steps["a"].gates) == ("change", ())


@dataclass(frozen=True)
class Cut(Thing):
    """What its probe fails for want of may be made by something upstream, or not."""

    cured: bool = True

    def curable(self, facts: Facts, pending: Any) -> bool:
        assert pending == [None]
        return self.cured


def test_what_nothing_pending_upstream_could_cure_is_an_error_now() -> None:
    said = "cannot reach it: no such host"
    for cured, outlook in ((True, "check"), (False, "error")):
        steps, _ = World({"a": Thing(), "b": Cut(cured=cured)}, {"a": WRONG, "b": said}).plan()
        assert (steps["b"].outlook, steps["b"].reason) == (outlook, Reason.of(said))


TOKEN = Secret("the token")


@pytest.mark.parametrize(
    ("differs", "sends", "cause"),
    [
        # Whatever else is pending, what holds the secret that is sent is to blame for its refusal.
        ({"first", "node", "password"}, TOKEN, "password"),
        # A service that is due is so because of what it watches.
        ({"first", "node", "password"}, None, "node"),
        ({"first", "password"}, None, "password"),
        # What the service has not read yet, although it is right.
        ({"first", "service"}, TOKEN, "service"),
        ({"first"}, TOKEN, "first"),
        ({"first", "last"}, None, "last"),
    ],
)
def test_the_responsible_resource_is_named_as_the_cause(differs: set[str], sends: Secret | None, cause: str) -> None:
    resources: dict[str, Resource] = {
        "first": Thing(),
        "node": Thing(),
        "password": Thing(value=TOKEN),
        "service": Service(names=("node", "password")),
        "last": Thing(),
        "earlier": Check(),
        "check": Asking(bearer=sends),
    }
    facts: dict[str, dict[str, str]] = {
        name: dict(WRONG if name in differs else RIGHT) for name in resources if name != "password"
    }
    facts["password"] = {"digest": "0" * 64 if "password" in differs else TOKEN.digest}
    facts["service"] = {"password": "changed"} if "service" in differs else {"up": "1"}
    facts["earlier"] = facts["check"] = dict(WRONG)
    steps, _ = World(resources, facts).plan()
    assert steps["check"].cause is not None
    assert steps["check"].cause.name == cause


def test_what_is_blocked_is_no_cause() -> None:
    world = World({"a": Thing(), "b": Thing(), "c": Check()}, {"a": {"refuse": "in the way"}, "b": WRONG, "c": WRONG})
    assert cause_text(world.plan()[0]["c"].cause) == "a: in the way"


def requested(facts: Mapping[str, str], settled: bool = False, left_out: frozenset[str] = frozenset()) -> Step:
    declared = HostDeclaration(Host("gpu1"), (DeclaredResource("web", Service(names=("file",))),))
    made = plan_host(
        declared,
        {"web": Observation(facts)},
        left_out=left_out,
        requested=frozenset({"web"}),
        fingerprint=lambda secret: "secret",
        settled=settled,
    )
    (step,) = made.steps
    assert (step.outlook == "change") == ("web" in made.work)
    return step


def test_a_requested_restart() -> None:
    step = requested({"file": CURRENT})
    assert (step.outlook, step.verb) == ("change", "restart")
    assert because_text(step.because) == "it was requested"
    assert step.because == (Watched("--restart", Tense.REQUESTED),)
    step = requested({"file": "newer than its start"})
    assert because_text(step.because) == "file changed and it was requested"
    # It is there for no other reason than to be made, and once it is done nothing is left of it.
    assert requested({}).verb == "create"
    assert requested({"file": CURRENT}, settled=True).outlook == "converged"
    assert requested({"file": CURRENT}, left_out=frozenset({"web"})).outlook == "skipped"


def test_a_restart_requested_of_what_is_not_to_run() -> None:
    class Stopped(Service):
        def verb(self, change: Change) -> str:
            return "stop"

    made = plan_host(
        HostDeclaration(Host("gpu1"), (DeclaredResource("web", Stopped()),)),
        {"web": Observation({"file": CURRENT})},
        requested=frozenset({"web"}),
        fingerprint=lambda secret: "secret",
    )
    assert made.steps[0].outlook == "error"
    assert made.steps[0].reason == Reason(Why.NOT_TO_RUN)
