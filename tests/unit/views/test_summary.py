"""Counts and words, in the right number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.model import Attribute, Drift, Drifted, HostPlan, HostReport, Outcome, Plan, Report, Step, Stop
from engine.views.status import status, tone, verb
from engine.views.wording import plan_summary, report_summary, word
from tests.unit.views import samples


def said(*steps: Step, **host: object) -> str:
    return str(plan_summary(Plan("s", (HostPlan("h", steps, trips=1, **host),), 0.4)))  # type: ignore[arg-type]


def told(*outcomes: Outcome, **report: object) -> str:
    return str(report_summary(Report("s", (HostReport("h", outcomes, trips=2),), 3.0, **report)))  # type: ignore[arg-type]


DRIFT = (Drift(Drifted.ORDER),)
GOOD = samples.requirements()
PASSING = samples.check("ok", "200", "200", outlook="converged")
ABSENT = samples.node(prior=None, attributes=(Attribute("revision", None, samples.NEW),))
GONE = samples.node(attributes=(Attribute("revision", samples.OLD, None), Attribute("remote", "x", None)))


def test_nothing_to_change() -> None:
    assert said(GOOD, PASSING) == "Nothing to change: 1 unchanged, 1 check passes.   1 host, 1 trip, 0.4 s"
    assert said(GOOD, GOOD, PASSING, PASSING).startswith("Nothing to change: 2 unchanged, 2 checks pass.")
    assert said() == "Nothing to change.   1 host, 1 trip, 0.4 s"


def test_what_is_left_undone_is_not_nothing() -> None:
    left = samples.service(outlook="skipped", pending=True)
    assert said(GOOD, left) == "Plan: 1 unchanged, 1 left out (restart still due).   1 host, 1 trip, 0.4 s"
    more = samples.node(outlook="skipped", pending=True)
    assert "3 left out (2 changes and 1 restart still due)" in said(more, more, left)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (ABSENT, "1 to create"),
        (GONE, "1 to remove"),
        (samples.service(verb="stop"), "1 to stop"),
        (samples.service(verb="prune"), "1 to prune"),
        (samples.check("c", "200"), "1 check after apply"),
        (samples.requirements(outlook="check"), "1 to inspect again after apply"),
        (samples.check("c", "200", outlook="failing"), "1 check failing"),
        (samples.node(outlook="refused"), "1 refused"),
        (samples.node(outlook="error"), "1 could not be inspected"),
        (samples.node(outlook="blocked"), "1 blocked"),
        (samples.node(outlook="skipped"), "1 left out"),
    ],
)
def test_every_outlook_is_counted(step: Step, words: str) -> None:
    assert said(step, GOOD).startswith("Plan: ") or step.outlook == "skipped"
    assert words in said(step, GOOD)


def test_every_outcome_is_counted() -> None:
    node, check = samples.node(), samples.check("c", "200")
    assert told(Outcome(GOOD, "unchanged"), Outcome(check, "passed")) == (
        "Converged: 1 check passed, 1 unchanged.   1 host, 2 trips, 3.0 s"
    )
    assert told(Outcome(node, "failed"), Outcome(check, "skipped")).startswith("Failed: 1 resource, 1 skipped.")
    assert told(Outcome(node, "refused"), Outcome(check, "failed"), Outcome(check, "failed")).startswith(
        "Failed: 2 checks, 1 refused."
    )
    unproven = told(Outcome(samples.service(), "left", due=True), Outcome(check, "unproven"))
    assert unproven.startswith("Not proven: 1 check not proven, restart still due.")
    due = told(Outcome(node, "changed"), Outcome(samples.service(), "left", due=True))
    assert due.startswith("Converged: 1 changed, restart still due.")
    assert told(Outcome(node, "changed"), stopped=Stop.REQUESTED).startswith("Stopped: 1 changed.")


def test_hosts_that_were_not_reached_are_counted() -> None:
    lost = HostPlan("b", error="no answer", unreachable=True)
    plan = Plan("s", (HostPlan("a", (GOOD,), trips=1), lost, replace(lost, host="c")), 1.0)
    assert str(plan_summary(plan)) == "Plan: 1 unchanged, 2 hosts unreachable.   3 hosts, 1 trip each, 1.0 s"
    report = Report("s", (HostReport("a", trips=2), HostReport("b", drift=DRIFT, trips=1)), 1.0)
    assert str(report_summary(report)) == "Failed: 1 host refused.   2 hosts, 1 to 2 trips each, 1.0 s"


def test_a_rollout_that_went_well() -> None:
    whole = samples.rollout()
    good = tuple(replace(whole.hosts[0], host=f"gpu{number:02}") for number in range(1, 31))
    assert str(report_summary(replace(whole, hosts=good))) == "Converged: all 30 hosts.   78.3 s"


def test_the_worst_decides_what_a_host_comes_to() -> None:
    assert status(HostPlan("a", (GOOD,))) == "unchanged"
    assert status(HostPlan("a", (GOOD, samples.node()))) == "changes"
    assert status(HostPlan("a", (samples.node(), samples.node(outlook="error")))) == "trouble"
    assert status(HostPlan("a", error="x", unreachable=True)) == "unreachable"
    assert status(HostReport("a", (Outcome(GOOD, "unchanged"),))) == "converged"
    assert status(HostReport("a", (Outcome(GOOD, "skipped"),))) == "failed"
    assert status(HostReport("a", drift=DRIFT)) == "refused"
    assert status(HostReport("a", started=False)) == "not started"


def test_a_change_is_told_apart() -> None:
    assert [verb(ABSENT), verb(GONE), verb(samples.node()), verb(samples.service())] == [
        "create",
        "remove",
        "change",
        "restart",
    ]
    assert [tone(ABSENT), tone(GONE), tone(samples.node()), tone(samples.service())] == [
        "create",
        "remove",
        "change",
        "change",
    ]
    assert word(Outcome(samples.service(), "changed")) == "restarted"
    assert word(samples.service(verb="stop")) == "to stop"
