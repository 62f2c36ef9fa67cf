"""JSON that programs can rely on, and JUnit that CI systems read."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

import engine.views
from engine.model import Attribute, HostPlan, HostReport, Outcome, Plan, Reason, Report, Step
from engine.views import render
from tests.unit.views import samples

VALUES = {
    "plan": samples.plan(),
    "report": samples.report(),
    "failure": samples.failed_check(),
    "rollout": samples.rollout(),
    "unreachable": Plan("s", (HostPlan("a", error="no answer", unreachable=True),), 1.0),
    "empty": Plan("s", (), 0.0),
}


def schema(value: Plan | Report) -> dict[str, Any]:
    name = "plan" if isinstance(value, Plan) else "report"
    path = Path(engine.views.__file__).with_name(f"{name}.schema.json")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


@pytest.mark.parametrize("name", VALUES)
def test_it_is_what_the_published_schema_says(name: str) -> None:
    value = VALUES[name]
    jsonschema.Draft202012Validator.check_schema(schema(value))
    jsonschema.validate(json.loads(render(value, "json")), schema(value), jsonschema.Draft202012Validator)


STATUS = {"outlook": "status", "verdict": "status"}
"""Fields of the model that JSON calls otherwise."""


@pytest.mark.parametrize(
    ("of", "key"), [(Step, "step"), (Outcome, "outcome"), (HostReport, "host"), (HostPlan, "host")]
)
def test_every_field_of_the_model_is_in_it(of: Any, key: str) -> None:
    published = schema(VALUES["plan" if of is HostPlan else "report"])["$defs"][key]
    named = {STATUS.get(field.name, field.name) for field in fields(of)}
    assert named <= set(published["properties"])


def test_the_schema_refuses_what_is_not_in_it() -> None:
    shown = json.loads(render(VALUES["plan"], "json"))
    shown["hosts"][0]["steps"][0]["status"] = "fine"
    with pytest.raises(jsonschema.ValidationError, match="fine"):
        jsonschema.validate(shown, schema(VALUES["plan"]))


def test_values_keep_their_types() -> None:
    step = samples.node(attributes=(Attribute("a", 1, True), Attribute("b", None, "1")))
    shown = json.loads(render(Plan("s", (HostPlan("h", (step,)),)), "json"))
    assert shown["hosts"][0]["steps"][0]["attributes"] == [
        {"name": "a", "before": 1, "after": True},
        {"name": "b", "before": None, "after": "1"},
    ]


def test_two_plans_of_the_same_are_equal_by_bytes() -> None:
    assert render(samples.plan(), "json") == render(samples.plan(), "json")


def test_it_is_ascii_that_every_parser_takes() -> None:
    text = b"caf\xe9 \xf0\x9f\x98\x80\x1b[31m\xe2\x80\xae".decode("utf-8", "surrogateescape")
    shown = render(Plan("s", (HostPlan("h", (samples.node(reason=Reason.of(text)),)),)), "json")
    assert shown.isascii()
    assert all(line.isprintable() for line in shown.splitlines())
    reason = json.loads(shown)["hosts"][0]["steps"][0]["reason"]["text"]
    assert reason == "caf\\xe9 😀\x1b[31m\u202e"
    reason.encode("utf-8")


def suites(value: Plan | Report) -> ElementTree.Element:
    return ElementTree.fromstring(render(value, "junit"))  # noqa: S314


def test_a_test_suite_a_host_and_a_case_a_resource() -> None:
    root = suites(samples.report())
    (suite,) = root
    assert suite.attrib == {
        "name": "gpu1",
        "tests": "7",
        "failures": "0",
        "errors": "0",
        "skipped": "0",
        "time": "21.800",
    }
    assert [case.get("name") for case in suite][:2] == ["login-node", "login-password"]
    assert suite[3].attrib == {"name": "comfyui", "classname": "qwen.gpu1", "time": "11.300"}


def test_failures_errors_and_what_was_not_started() -> None:
    root = suites(samples.rollout())
    assert (root.get("tests"), root.get("failures"), root.get("errors"), root.get("skipped")) == (
        "96",
        "1",
        "1",
        "16",
    )
    failures = root.findall(".//failure")
    assert failures[0].get("message") == "revision: 3f2c91a → 6910925"
    assert "because: no space left on /home" in str(failures[0].text)
    (error,) = root.findall(".//error")
    assert error.get("message") == "gpu11: no answer from gpu11.lan:22 in 10 s"


def test_hostile_text_stays_text_in_xml() -> None:
    bad = "]]></failure><x a='1'>&amp;\x1b[31m\x00\ufffe\u202e\udce9"
    outcome = Outcome(samples.node(name=bad), "failed", reason=Reason.of(bad), output=bad)
    report = Report(bad, (HostReport(bad, (outcome,)), HostReport("b", error=bad)), 1.0)
    root = suites(report)
    assert root[0][0].get("name") == "]]></failure><x a='1'>&amp;\\x1b[31m\\x00\\ufffe\\u202e\\xe9"
    assert root.find(".//x") is None


def test_junit_in_ascii() -> None:
    value = replace(samples.plan(), state="é")
    shown = render(value, "junit", ascii=True)
    assert shown.isascii()
    assert ElementTree.fromstring(shown).get("name") == "é"  # noqa: S314
