"""Every view shows the code of what is wrong, and JSON and JUnit have it as data."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from engine.codes import Code
from engine.model import Attribute, Drift, Drifted, HostPlan, HostReport, Outcome, Plan, Reason, Report, Step, Why
from engine.model.problems import host_code, resource_code
from engine.views import render
from tests.unit.views import samples

REFUSED = samples.node(outlook="refused", reason=Reason.of("2 files are changed"))
FAILED = Outcome(samples.node(), "failed", reason=Reason.of("git ended with status 128"))
LOST = HostReport("gpu2", error="no answer in 10 s", code="OT1603", unreachable=True)
REPORT = Report("s", (HostReport("gpu1", (FAILED,)), LOST))


@pytest.mark.parametrize(
    ("item", "code"),
    [
        (samples.node(), None),
        (REFUSED, Code.REFUSED),
        (samples.node(outlook="error", reason=Reason.of("git is missing")), Code.NOT_INSPECTED),
        (samples.node(outlook="error", reason=Reason(Why.PROBE_TIMED_OUT, number=3)), Code.PROBE_TIMED_OUT),
        (samples.node(outlook="error", reason=Reason.of("a bug", Code.KIND_BUG)), Code.KIND_BUG),
        (samples.node(outlook="blocked"), Code.BLOCKED),
        (Outcome(samples.node(), "changed"), None),
        (FAILED, Code.ACTION_FAILED),
        (Outcome(samples.node(), "failed", reason=Reason(Why.TIMED_OUT, number=3)), Code.ACTION_TIMED_OUT),
        (Outcome(samples.node(), "failed", attributes=(Attribute("a", 1, 2),)), Code.NOT_CONVERGED),
        (Outcome(samples.node(), "skipped"), Code.NEEDS_FAILED),
        (Outcome(samples.node(check=True), "failed", now="401"), Code.CHECK_FAILED),
        (Outcome(samples.node(check=True), "failed", reason=Reason.of("curl is missing")), Code.NOT_INSPECTED),
    ],
)
def test_what_is_wrong_has_a_code(item: Step | Outcome, code: Code | None) -> None:
    assert resource_code(item) == str(code or "")


def test_a_host_that_drifted_has_a_code() -> None:
    assert host_code(HostReport("h", drift=(Drift(Drifted.ORDER),))) == str(Code.DRIFT)
    assert host_code(LOST) == "OT1603"


@pytest.mark.parametrize("format_", ["text", "markdown", "html"])
def test_people_see_it_at_the_end_of_the_first_line(format_: str) -> None:
    shown = render(REPORT, format_)  # type: ignore[arg-type]
    for code in ("[OT2001]", "[OT1603]"):
        assert code in shown
    assert "[OT1803]" in render(Plan("s", (HostPlan("gpu1", (REFUSED,)),)), format_)  # type: ignore[arg-type]


def test_problems_of_a_host_that_name_their_codes_get_no_other() -> None:
    host = HostPlan("gpu1", error="f:1:1: a [OT1107]\nf:2:1: b [OT1108]", code="OT1107", invalid=True)
    assert render(Plan("s", (host,))).count("[OT") == 2


def test_json_has_it_as_a_key() -> None:
    first, second = json.loads(render(REPORT, "json"))["hosts"]
    assert (first["code"], second["code"]) == ("", "OT1603")
    assert first["outcomes"][0]["code"] == "OT2001"
    assert first["outcomes"][0]["step"]["code"] == ""


def test_junit_has_it_as_the_type() -> None:
    root = ElementTree.fromstring(render(REPORT, "junit"))  # noqa: S314
    assert [(each.tag, each.get("type")) for each in root.iter() if each.tag in ("failure", "error")] == [
        ("failure", "OT2001"),
        ("error", "OT1603"),
    ]
