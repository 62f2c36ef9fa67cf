"""Saved plans: equal for equal things, sealed byte for byte, and every drift has a sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from engine.declare.secrets.key import Key
from engine.errors import PlanRefused
from engine.model import Attribute, Batch, HostPlan, Plan, Reason, ResourceRef, Step
from engine.plan import planfile
from engine.views.wording import drift_text

KEY = Key("a key for the tests of saved plans")
ABOUT: dict[str, Any] = {
    "engine": "0.1.0",
    "sources": {"states/web.yaml": "0" * 64},
    "states": ["states/web.yaml"],
    "inventory": [],
    "variables": {},
    "limit": None,
    "only": [],
    "skip": [],
    "no_guards": False,
    "restart": [],
    "become": {},
}
NODE = Step(
    "node",
    "git-clone",
    "change",
    attributes=(Attribute("revision", "3f2c91a", "6910925"),),
    prior={"revision": "3f2c91a", "remote": "https://example.org/node.git"},
    actions=("check out 6910925",),
)
SERVICE = Step(
    "service", "compose-restart", "converged", prior={"service": "running", "container": "abc"}, needs=("node",)
)
CHECK = Step("open", "http-assert", "check", check=True, now="200", prior={"status": 200}, needs=("service",))
HOST = HostPlan("gpu1", (NODE, SERVICE, CHECK), trips=1, seconds=0.4)
PLAN = Plan("web", (HOST,), seconds=0.5)


def saved(plan: Plan = PLAN, made: str = "2026-03-02T14:05:00Z") -> str:
    return planfile.dumps(planfile.document(plan, ABOUT, made, KEY.id, KEY.mac))


def check(text: str) -> dict[str, Any]:
    found = planfile.loads(text, "plan.json")
    planfile.check_seal(found, text, "plan.json", KEY.id, KEY.verify)
    return found


def test_what_was_saved_is_accepted() -> None:
    assert check(saved())["state"] == "web"


def test_two_plans_of_the_same_thing_differ_in_their_time_only() -> None:
    later = replace(PLAN, seconds=9.0, hosts=(replace(HOST, seconds=3.0),))
    first, second = json.loads(saved()), json.loads(saved(later, "2026-03-03T00:00:00Z"))
    assert first.pop("made") != second.pop("made")
    assert first == second


@pytest.mark.parametrize("character", ["x", "0", " ", "\n", '"', "}", "\\", "\x00"])
def test_no_byte_can_change_unnoticed(character: str) -> None:
    text = saved()
    for position in range(len(text)):
        edited = text[:position] + character + text[position + 1 :]
        if edited != text:
            with pytest.raises(PlanRefused, match=r"plan\.json"):
                check(edited)


@pytest.mark.parametrize("cut", [0, 1, 100, len(saved()) - 1])
def test_a_truncated_plan_is_refused(cut: int) -> None:
    with pytest.raises(PlanRefused):
        check(saved()[:cut])


@given(st.data())
def test_no_field_can_change_unnoticed(data: st.DataObject) -> None:
    document = json.loads(saved())
    place: Any = document
    while True:
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(list(keys)))
        if isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
            place = place[key]
            continue
        break
    before = place[key]
    place[key] = data.draw(st.one_of(st.none(), st.text(max_size=5), st.integers(), st.just([]), st.just({})))
    if place[key] == before and type(place[key]) is type(before):
        return
    with pytest.raises(PlanRefused):
        check(planfile.dumps(document))


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"format": "engine-plan"}', "[" * 100_000, "\x00"])
def test_what_is_no_plan_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(PlanRefused, match="plan"):
        check(text)


def test_a_plan_of_an_older_version_is_refused_with_what_to_do() -> None:
    with pytest.raises(PlanRefused, match=r"of version 1, .* reads version 2\n.*: plan STATE --out plan\.json"):
        check(json.dumps({**json.loads(saved()), "version": 1}))


def test_another_key_is_named_with_how_to_share_one() -> None:
    text = saved()
    other = Key("another key, of another project")
    with pytest.raises(PlanRefused, match="must share one key"):
        planfile.check_seal(planfile.loads(text, "plan.json"), text, "plan.json", other.id, other.verify)


def drift(found: HostPlan) -> list[str]:
    return [drift_text(found.host, drift) for drift in planfile.drift(check(saved())["hosts"][0], found)]


def test_the_same_host_has_not_drifted() -> None:
    assert drift(HOST) == []


def test_answers_of_checks_are_not_compared() -> None:
    answered = replace(
        CHECK,
        now="401",
        outlook="failing",
        prior={"status": 401},
        cause=ResourceRef("node", "change"),
        show={"a": "b"},
    )
    assert drift(replace(HOST, steps=(NODE, SERVICE, answered))) == []


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        (
            replace(NODE, prior={**(NODE.prior or {}), "revision": "aaaaaaa"}),
            "gpu1/node: revision was 3f2c91a when reviewed, is aaaaaaa now",
        ),
        (
            replace(NODE, attributes=(Attribute("revision", "3f2c91a", "7777777"),)),
            "gpu1/node: revision was to become 6910925 when reviewed, would become 7777777 now",
        ),
        (replace(NODE, prior=None), "gpu1/node: was present when reviewed, is absent now"),
        (
            replace(NODE, outlook="refused", prior=NODE.prior),
            "gpu1/node: status was change when reviewed, is refused now",
        ),
        (replace(NODE, kind="file-sync"), "gpu1/node: kind was git-clone when reviewed, is file-sync now"),
    ],
)
def test_each_drift_is_told_by_address_and_attribute(step: Step, sentence: str) -> None:
    assert drift(replace(HOST, steps=(step, SERVICE, CHECK))) == [sentence]


def test_a_container_that_was_replaced_is_drift() -> None:
    other = replace(SERVICE, prior={"service": "running", "container": "def"})
    assert drift(replace(HOST, steps=(NODE, other, CHECK))) == [
        "gpu1/service: container was abc when reviewed, is def now"
    ]


def test_resources_that_come_or_go_are_drift() -> None:
    assert drift(replace(HOST, steps=(NODE, CHECK))) == ["gpu1/service: is no longer declared"]
    more = replace(SERVICE, name="other")
    assert drift(replace(HOST, steps=(NODE, SERVICE, CHECK, more))) == ["gpu1/other: is declared now, and was not"]


def test_facts_that_were_referred_to_are_compared() -> None:
    linux = replace(HOST, facts={"os": "linux", "home": "/home/me"})
    reviewed = check(saved(replace(PLAN, hosts=(linux,))))["hosts"][0]
    assert list(planfile.drift(reviewed, linux)) == []
    other = replace(linux, facts={"os": "darwin", "arch": "arm64"})
    assert [drift_text("gpu1", drift) for drift in planfile.drift(reviewed, other)] == [
        "gpu1: host.home was /home/me when reviewed, is not referred to now",
        "gpu1: host.os was linux when reviewed, is darwin now",
        "gpu1: host.arch was not referred to when reviewed, is arm64 now",
    ]


def test_another_order_is_drift() -> None:
    assert drift(replace(HOST, steps=(SERVICE, NODE, CHECK))) == ["gpu1: the order of its resources changed"]


def test_a_host_that_cannot_be_observed_any_more_is_drift() -> None:
    assert drift(HostPlan("gpu1", error="no answer")) == ["gpu1: could not be observed now"]


SCHEMA = Path(planfile.__file__).parents[1] / "views/saved-plan.schema.json"


def problems(document: dict[str, Any]) -> list[str]:
    schema = json.loads(SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)
    return [error.message for error in Draft202012Validator(schema).iter_errors(document)]


LOST = HostPlan("gpu2", error="no answer in 10 s", unreachable=True)
TEXT = replace(NODE, name="text", texts={"content": ("old\n", "new\n")}, prior={"mode": "0600", "there": True})


@pytest.mark.parametrize(
    "plan",
    [
        PLAN,
        Plan("web", (HOST, LOST), batches=(Batch(("gpu1",)), Batch(("gpu2",))), max_failures=0),
        Plan(
            "web",
            (replace(HOST, steps=(TEXT, replace(NODE, prior=None, outlook="refused", reason=Reason.of("no")))),),
        ),
        Plan("nothing", ()),
    ],
)
def test_what_is_saved_is_as_the_published_schema_says(plan: Plan) -> None:
    assert problems(json.loads(saved(plan))) == []


def test_the_schema_knows_every_key_there_is() -> None:
    """Each key, on every level, is required and none else is allowed: the schema cannot fall behind unnoticed."""
    document = json.loads(saved())
    schema = json.loads(SCHEMA.read_text())
    levels = (
        (document, schema),
        (document["hosts"][0], schema["$defs"]["host"]),
        (document["hosts"][0]["steps"][0], schema["$defs"]["step"]),
    )
    for found, described in levels:
        assert set(found) == set(described["properties"]) == set(described["required"])
        key = sorted(found)[0]
        kept = found.pop(key)
        assert problems(document), key
        found[key] = kept
        found["stranger"] = 1
        assert problems(document)
        del found["stranger"]
    assert problems(document) == []
