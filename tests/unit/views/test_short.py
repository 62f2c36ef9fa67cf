"""Fingerprints are short for people and long for programs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from engine.model import Attribute, HostPlan, HostReport, Outcome, Plan, Reason, Report, ResourceRef, Step
from engine.views import render
from engine.views.short import short, shortened

OLD, NEW = "secret:a1e04c0123456789", "secret:7c93bdfedcba9876"
STEP = Step(
    "password",
    "file-sync",
    "change",
    attributes=(Attribute("line 1", OLD, NEW), Attribute("mode", "0644", "0600")),
    prior={"line 1": OLD, "mode": "0644"},
    reason=Reason.of(f"it holds {OLD}"),
    texts={"content": ("secret:0123456789abcdef\n", "secret:0123456789abcdee\n")},
)
PLAN = Plan("s", (HostPlan("gpu1", (STEP,)),))
CAUSE = ResourceRef("password", "change", attributes=(Attribute("line 1", OLD, NEW),))
REPORT = Report("s", (HostReport("gpu1", (Outcome(STEP, "failed", cause=CAUSE),)),))


@pytest.mark.parametrize("format", ["text", "markdown", "html"])
@pytest.mark.parametrize("value", [PLAN, REPORT])
def test_people_see_six_digits(format: str, value: Plan | Report) -> None:
    shown = render(value, format, verbosity=1)  # type: ignore[arg-type]
    assert "secret:a1e04c" in shown
    assert "secret:7c93bd" in shown
    assert OLD not in shown
    assert NEW not in shown


def test_programs_get_all_of_them() -> None:
    (host,) = json.loads(render(PLAN, "json"))["hosts"]
    assert host["steps"][0]["attributes"][0] == {"name": "line 1", "before": OLD, "after": NEW}
    assert host["steps"][0]["prior"]["line 1"] == OLD


def test_content_of_files_stays_as_it_is() -> None:
    assert shortened(PLAN).hosts[0].steps[0].texts == STEP.texts
    assert short("secret:0123456789abcdef0 xsecret:0123456789abcdef") == (
        "secret:0123456789abcdef0 xsecret:0123456789abcdef"
    )


def test_what_holds_no_fingerprint_is_not_copied() -> None:
    plain = replace(PLAN, hosts=(HostPlan("gpu1", (Step("a", "file-sync", "converged"),)),))
    assert shortened(plain) is plain
