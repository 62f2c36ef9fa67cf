"""command behind other resources, in real runs: what a plan says of it, and that an apply does what was said."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.integration.project import Project


def state(project: Project, **resources: Any) -> None:
    project.state(resources)


def test_with_nothing_pending_a_guard_that_cannot_run_is_an_error(tmp_path: Path) -> None:
    project = Project(tmp_path)
    state(project, it={"command": {"run": "touch ran", "unless": [str(tmp_path / "tool")]}})
    plan = project.run("plan")
    assert plan.code == 1
    assert "unless could not be asked (exit status 127)" in plan.out
    assert project.run("apply").code == 1


def test_behind_a_pending_change_it_is_not_known_yet_and_asked_again(tmp_path: Path) -> None:
    project = Project(tmp_path)
    tool, marker = tmp_path / "tool", tmp_path / "marker"
    content = f'#!/bin/sh\n[ "$1" = ask ] || exec touch {marker}\n[ -e {marker} ]\n'
    state(
        project,
        tool={"file-sync": {"path": str(tool), "content": content, "mode": "0755"}},
        it={"command": {"run": [str(tool), "make"], "unless": [str(tool), "ask"]}},
    )
    plan = project.run("plan")
    assert plan.code == 0, plan.out
    assert "not known yet: unless could not be asked (exit status 127)" in plan.out
    assert "checked after apply" in plan.out
    apply = project.run("apply", "--format", "json")
    assert apply.code == 0, apply.out
    assert apply.verdicts()["it"] == "changed"
    assert apply.trips() == 2
    assert marker.exists()
    assert project.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.full
def test_a_guard_that_takes_too_long_is_not_known_yet_either(tmp_path: Path) -> None:
    """It has half a minute. With nothing pending that is an error."""
    project = Project(tmp_path)
    flag = tmp_path / "flag"
    guard = f"test -e {flag} || sleep 100; test -e {tmp_path}/made"
    command = {"command": {"run": f"touch {tmp_path}/made", "unless": guard}}
    state(project, it=command)
    plan = project.run("plan")
    assert plan.code == 1
    assert "inspecting it took longer than 3" in plan.out
    state(project, flag={"file-sync": {"path": str(flag), "content": ""}}, it=command)
    plan = project.run("plan", "--format", "json")
    assert (plan.code, plan.verdicts()["it"]) == (0, "check")
    report = project.run("apply", "--format", "json")
    assert report.code == 0, report.out
    assert report.verdicts()["it"] == "changed"


def test_behind_a_pending_change_an_answer_is_provisional(tmp_path: Path) -> None:
    """What is upstream may do what the command is for, or undo it."""
    project = Project(tmp_path)
    flag, undone = tmp_path / "flag", tmp_path / "undone"
    state(
        project,
        file={"file-sync": {"path": str(flag), "content": "there\n"}},
        made={"command": {"run": f"echo ran >{tmp_path}/ran", "creates": str(flag)}},
        undone={"command": {"run": f"touch {undone}", "unless": f"test ! -e {flag} || test -e {undone}"}},
    )
    plan = project.run("plan", "--format", "json")
    assert plan.verdicts() == {"file": "change", "made": "check", "undone": "check"}
    apply = project.run("apply", "--format", "json")
    assert apply.verdicts() == {"file": "changed", "made": "unchanged", "undone": "changed"}
    assert not (tmp_path / "ran").exists()


def test_a_plan_says_that_it_will_run_and_a_report_that_it_ran(tmp_path: Path) -> None:
    project = Project(tmp_path)
    state(project, it={"command": {"run": f"touch {tmp_path}/made", "creates": f"{tmp_path}/made"}})
    plan = project.run("plan")
    assert f"will run   {tmp_path}/made absent → present" in plan.out
    assert "Plan: 1 to run." in plan.out
    report = project.run("apply")
    assert report.code == 0
    assert f"ran        {tmp_path}/made absent → present" in report.out
    assert "Converged: 1 ran." in report.out


def test_what_needs_a_command_that_was_in_vain_does_not_start(tmp_path: Path) -> None:
    project = Project(tmp_path)
    state(
        project,
        it={"command": {"run": "true", "unless": "false"}},
        file={"file-sync": {"path": f"{tmp_path}/file", "content": "x"}},
    )
    report = project.run("apply", "--format", "json")
    assert report.code == 1
    assert report.verdicts() == {"it": "failed", "file": "skipped"}
    assert not (tmp_path / "file").exists()
    assert "the command succeeded, but after it unless ended with exit status 1" in report.out


def test_no_guards_runs_no_guard(tmp_path: Path) -> None:
    """Nor does an apply of such a plan before the changes begin; right before `run` the guard is asked."""
    project = Project(tmp_path)
    asked, made = tmp_path / "asked", tmp_path / "made"
    guard = f"echo asked >>{asked}; test -e {made}"
    state(
        project,
        it={"command": {"run": f"cat {asked} >{made}", "unless": guard}},
        path={"command": {"run": "true", "creates": "/bin/sh"}},
    )
    plan = project.run("plan", "--no-guards", "--out", "plan.json")
    assert plan.code == 0
    assert "guard not asked" in plan.out
    assert not asked.exists()
    report = project.run("apply", "plan.json", state="")
    assert report.code == 0, report.out + report.err
    assert made.read_text() == "asked\n"


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("sudo"), reason="needs root, and sudo to be another user")
def test_it_runs_as_the_user_named(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o777)
        project = Project(tmp_path)
        command = {"run": "{ id -un; cat; } >who", "unless": "test -s who", "cwd": place, "stdin": "input\n"}
        project.state({"it": {"command": command, "become": "nobody"}})
        report = project.run("apply", "--format", "json")
        assert report.code == 0, report.out + report.err
        assert (Path(place) / "who").read_text() == "nobody\ninput\n"


def test_a_rollback_says_that_it_does_not_undo_it(tmp_path: Path) -> None:
    project = Project(tmp_path)
    state(project, it={"command": {"run": f"touch {tmp_path}/made", "creates": f"{tmp_path}/made"}})
    report = project.run("apply", "--format", "json").data
    rollback = project.run("engine", "rollback", report["run"], "-y", state="")
    assert rollback.code == 1
    assert "it: a command ran, and what it did stays" in rollback.out + rollback.err
