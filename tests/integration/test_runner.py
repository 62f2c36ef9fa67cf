"""One host from plan to proof, over the local transport, with two small kinds of this file's own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from engine.errors import LockHeld
from engine.model import (
    UNKNOWN,
    Action,
    Attribute,
    Change,
    Command,
    DeclaredResource,
    Event,
    Facts,
    Host,
    HostDeclaration,
    HostReport,
    Params,
    Report,
    Resource,
    Script,
    Secret,
    State,
    Unknown,
)
from engine.program.section import Lock
from engine.run.apply import apply
from engine.run.host import HostRun, Settings
from engine.run.outcome import ActionResult
from engine.transports import Options, connect
from engine.views import render
from engine.views.status import verb
from engine.views.wording import cause_text, outcome_text


@dataclass(frozen=True)
class Note(Resource):
    """A file holds `text`. `then` is run by the action after writing; `volatile` as in the protocol."""

    kind: ClassVar[str] = "note"
    params: ClassVar[Params] = {}
    path: str = ""
    text: str | Secret = ""
    then: str = ""

    def probe(self) -> Script:
        return Script('[ ! -e "$path" ] || { t=$(cat "$path"); fact text "$t"; }', {"path": self.path})

    def actual(self, facts: Facts) -> State | None:
        return {"text": facts["text"]} if "text" in facts else None

    def desired(self, facts: Facts) -> State | None:
        return {"text": self.text}

    def actions(self, change: Change) -> Iterator[Action]:
        script = 'printf %s "$text" >"$path"; eval "$then"'
        yield Action("write it", Script(script, {"path": self.path, "text": self.text, "then": self.then}))


@dataclass(frozen=True)
class Holds(Note):
    """A check: the file holds `text`."""

    kind: ClassVar[str] = "holds"
    check: ClassVar[bool] = True

    def actual(self, facts: Facts) -> State | None:
        return {"text": facts.get("text", "nothing")}


def silent(event: Event) -> None:
    """A Progress that says nothing."""


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock is in the home directory: tests that run beside each other must not wait for one another."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def host_run(tmp_path: Path, resources: dict[str, Resource], **settings: object) -> HostRun:
    names = list(resources)
    declared = tuple(
        DeclaredResource(name, resource, needs=tuple(names[index - 1 : index]) if index else ())
        for index, (name, resource) in enumerate(resources.items())
    )
    host = Host("here", vars={"ansible_connection": "local"})
    transport = connect(host, Options(tmp_path))
    given = {"fingerprint": lambda secret: "secret:ffffff", "lock": Lock("the test", 5.0), **settings}
    return HostRun(HostDeclaration(host, declared), transport, transport, Settings(**given), silent)  # type: ignore[arg-type]


def verdicts(report: HostReport) -> dict[str, str]:
    return {outcome.step.name: outcome.verdict for outcome in report.outcomes}


def test_plan_apply_and_nothing_the_second_time(tmp_path: Path) -> None:
    def resources() -> dict[str, Resource]:
        return {"a": Note(str(tmp_path / "a"), "one"), "c": Holds(str(tmp_path / "a"), "one")}

    run = host_run(tmp_path, resources())
    plan = run.plan()
    assert [step.outlook for step in plan.steps] == ["change", "check"]
    assert not (tmp_path / "a").exists()
    report = apply(run)
    assert verdicts(report) == {"a": "changed", "c": "passed"}
    assert report.trips == 2
    again = apply(host_run(tmp_path, resources()))
    assert verdicts(again) == {"a": "unchanged", "c": "passed"}
    assert again.trips == 1


def test_a_failed_action_skips_what_needs_it_and_tells_its_last_words(tmp_path: Path) -> None:
    path = str(tmp_path / "a")
    run = host_run(
        tmp_path,
        {
            "a": Note(path, "one", then="echo no room for it >&2; exit 3"),
            "b": Note(str(tmp_path / "b"), "two"),
            "c": Holds(str(tmp_path / "b"), "two"),
        },
    )
    report = apply(run)
    assert verdicts(report) == {"a": "failed", "b": "skipped", "c": "skipped"}
    assert outcome_text(report.outcomes[0]) == "no room for it"
    assert outcome_text(report.outcomes[1]) == "needs a, which failed"
    assert not (tmp_path / "b").exists()


def test_what_is_not_converged_after_its_action_has_failed(tmp_path: Path) -> None:
    path = str(tmp_path / "a")
    report = apply(host_run(tmp_path, {"a": Note(path, "one", then='printf other >"$path"')}))
    assert verdicts(report) == {"a": "failed"}
    assert outcome_text(report.outcomes[0]) == "not converged: text is other, not one"


def test_a_change_that_undoes_what_was_converged_is_mended_in_the_same_apply(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    report = apply(host_run(tmp_path, {"a": Note(a, "one"), "b": Note(b, "two", then=f"rm -f '{a}'")}))
    assert verdicts(report) == {"a": "changed", "b": "changed"}
    assert (tmp_path / "a").read_text() == "one"
    assert report.trips == 3


def test_a_failing_check_names_what_was_left_out(tmp_path: Path) -> None:
    resources: dict[str, Resource] = {
        "a": Note(str(tmp_path / "a"), "one"),
        "c": Holds(str(tmp_path / "a"), "one"),
    }
    only = apply(host_run(tmp_path, resources, left_out=frozenset({"a"}), fix=Command("apply", ("it",))))
    assert verdicts(only) == {"a": "left", "c": "failed"}
    assert cause_text(only.outcomes[1].cause) == "a is missing"
    assert only.outcomes[1].fix == Command("apply", ("it",))
    assert only.outcomes[0].due
    skip = apply(host_run(tmp_path, resources, left_out=frozenset({"a"}), skipped=frozenset({"a"})))
    assert verdicts(skip) == {"a": "left", "c": "unproven"}


def test_two_applies_at_once_the_second_waits_and_plans_again(tmp_path: Path) -> None:
    path = str(tmp_path / "a")
    slow = host_run(tmp_path, {"a": Note(path, "one", then="sleep 2")})
    slow.plan()
    quick = host_run(tmp_path, {"a": Note(path, "one")})
    quick.plan()
    reports: list[HostReport] = []
    thread = threading.Thread(target=lambda: reports.append(apply(slow)))
    thread.start()
    while not Path(path).exists():
        pass
    report = apply(quick)
    thread.join()
    assert verdicts(reports[0]) == {"a": "changed"}
    assert verdicts(report) == {"a": "unchanged"}


def test_a_lock_that_is_not_waited_for_is_an_error_that_says_who(tmp_path: Path) -> None:
    path = str(tmp_path / "a")
    slow = host_run(tmp_path, {"a": Note(path, "one", then="sleep 2")})
    slow.plan()
    quick = host_run(tmp_path, {"a": Note(path, "one")}, lock=Lock("another", 0.0))
    quick.plan()
    thread = threading.Thread(target=lambda: apply(slow))
    thread.start()
    while not Path(path).exists():
        pass
    with pytest.raises(LockHeld, match="the test"):
        apply(quick)
    thread.join()


def test_stop_lets_the_running_step_finish_and_starts_none(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    run = host_run(
        tmp_path,
        {"a": Note(str(a), "one", then='sleep 1; printf done >>"$path"'), "b": Note(str(b), "two")},
    )
    run.plan()
    reports: list[HostReport] = []
    thread = threading.Thread(target=lambda: reports.append(apply(run)))
    thread.start()
    while not a.exists():
        pass
    run.connection.stop()
    thread.join()
    assert a.read_text() == "onedone"
    assert not b.exists()
    assert verdicts(reports[0])["b"] == "skipped"


@dataclass(frozen=True)
class Late(Note):
    """A note in a directory that something else makes: until then it is not known what is wanted."""

    kind: ClassVar[str] = "late"

    def actual(self, facts: Facts) -> State | None:
        return {"text": facts["text"]} if "text" in facts else {"text": Unknown("there is no directory")}

    def desired(self, facts: Facts) -> State | None:
        return {"text": self.text if "text" in facts else Unknown("there is no directory", upstream=True)}


def test_a_report_has_the_real_values_of_what_was_known_after_apply(tmp_path: Path) -> None:
    made = Note(str(tmp_path / "a"), "one", then=f"mkdir {tmp_path}/below")
    run = host_run(tmp_path, {"a": made, "b": Late(str(tmp_path / "below/b"), "two")})
    (_, planned) = run.plan().steps
    assert (planned.outlook, planned.attributes) == ("check", (Attribute("text", UNKNOWN, UNKNOWN),))
    (_, outcome) = apply(run).outcomes
    assert outcome.verdict == "changed"
    assert outcome.step.attributes == (Attribute("text", "not known", "two"),)


@dataclass(frozen=True)
class Gone(Note):
    """Nothing is at a path below a directory that must be there to look."""

    kind: ClassVar[str] = "gone"

    def probe(self) -> Script:
        return Script('cd "${path%/*}"; [ ! -e "$path" ] || fact text there', {"path": self.path})

    def desired(self, facts: Facts) -> State | None:
        return None

    def actions(self, change: Change) -> Iterator[Action]:
        yield Action("remove it", Script('rm "$path"', {"path": self.path}))


def test_a_removal_that_could_not_be_foreseen_is_told_as_one(tmp_path: Path) -> None:
    made = Note(str(tmp_path / "a"), "one", then=f"mkdir {tmp_path}/below; : >{tmp_path}/below/b")
    run = host_run(tmp_path, {"a": made, "b": Gone(str(tmp_path / "below/b"))})
    assert [step.outlook for step in run.plan().steps] == ["change", "check"]
    report = apply(run)
    assert verdicts(report) == {"a": "changed", "b": "changed"}
    assert verb(report.outcomes[1].step) == "remove"
    said = render(Report("s", (report,)), "text")
    assert "1 created, 1 removed" in said
    assert "  - b                     removed" in said


def test_what_was_changed_in_one_round_is_not_unchanged_after_the_next(tmp_path: Path) -> None:
    def carried(changed: bool) -> ActionResult:
        return ActionResult("done", changed=changed, seconds=1.0)

    assert carried(False).after(carried(True)) == ActionResult("done", changed=True, seconds=2.0)
    assert not carried(False).after(carried(False)).changed
    assert carried(False).after(None) == carried(False)
