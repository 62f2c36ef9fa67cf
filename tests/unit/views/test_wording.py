"""Every reason, cause and drift has its words, and no words are needed to tell them apart."""

from __future__ import annotations

import pytest

from engine.model import Attribute, Command, Drift, Drifted, HostReport, Reason, ResourceRef, Tense, Watched, Why
from engine.views.wording import (
    because_text,
    cause_text,
    command_line,
    drift_text,
    host_error,
    host_lines,
    reason_text,
)

LINE = (Attribute("line 1", "A", "B"),)


@pytest.mark.parametrize("why", Why)
def test_every_reason_has_words(why: Why) -> None:
    attributes = (Attribute("token", "secret:1", "secret:3"), Attribute("token", "secret:2", "secret:3"))
    said = reason_text(Reason(why, ("one", "two"), "as it is", 7.4, attributes))
    assert said
    assert "{" not in said
    assert why is not Why.TEXT or said == "as it is"
    assert (
        why is not Why.OTHER_SECRET or said == "it sends secret:1 and secret:2, but token of one and two is secret:3"
    )
    assert why is not Why.TIMED_OUT or said == "timed out after 7 s"


@pytest.mark.parametrize("what", Drifted)
def test_every_drift_has_words(what: Drifted) -> None:
    said = drift_text("gpu1", Drift(what, "node", "mode", True, None))
    assert said.startswith("gpu1/node: ")
    assert len(said) > len("gpu1/node: ")


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (ResourceRef("a", "change", attributes=LINE), "a differs: line 1 is A, not B"),
        (ResourceRef("a", "change", absent=True, attributes=LINE), "a is missing"),
        (ResourceRef("a", "refused", reason=Reason.of("in the way\nmove it")), "a: in the way"),
        (ResourceRef("a", "blocked", reason=Reason(Why.NEEDS, ("b",))), "a: needs b"),
        (ResourceRef("a", "error"), "a could not be inspected"),
        (
            ResourceRef("a", "skipped", "restart", because=(Watched("b", Tense.CHANGED),)),
            "a is to be restarted: b changed",
        ),
        (ResourceRef("a", "change", "start"), "a is to be started"),
    ],
)
def test_a_cause_says_what_is_wrong_with_it(cause: ResourceRef, words: str) -> None:
    assert cause_text(cause) == words


def test_every_tense_has_words() -> None:
    assert because_text([Watched("a", tense) for tense in Tense]).count(" and ") == len(Tense) - 1
    blind = (Watched("a", Tense.WILL_CHANGE), Watched("b", Tense.NOT_KNOWN))
    assert because_text(blind) == "a will change and it is not known whether b changed"


def test_what_is_said_of_a_host_names_it_once() -> None:
    refused = Drift(Drifted.STEP, "node", "status", "change", "refused", Reason.of("changed\n  by hand"))
    host = HostReport("gpu1", drift=(Drift(Drifted.ORDER), refused))
    assert host_lines(host) == (
        "the order of its resources changed [OT1906]",
        "gpu1/node: status was change when reviewed, is refused now: changed",
        "by hand",
    )
    assert host_error(host).startswith("gpu1: the order of its resources changed\ngpu1/node: ")
    assert host_lines(HostReport("gpu1", error="no answer", unreachable=True)) == ("unreachable: no answer",)


def test_a_command_is_limited_to_hosts() -> None:
    command = Command("apply", ("states/qwen.yaml", "-e", "a=1"), ("gpu1", "gpu2"))
    assert command_line(command) == "apply states/qwen.yaml -e a=1 --limit gpu1,gpu2"
    assert command_line(Command("apply", ("s.yaml",))) == "apply s.yaml"
