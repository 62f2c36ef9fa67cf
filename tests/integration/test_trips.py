"""The promise of the README: what a run costs in round trips, as the SSH server counts them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.project import Project, Ran, own_sshd
from tests.sshd import Sshd, needs_sshd

pytestmark = [pytest.mark.sshd, needs_sshd]


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    with own_sshd(tmp_path) as server:
        yield server


def counted(project: Project, sshd: Sshd, verb: str, *words: str) -> tuple[Ran, int]:
    """Run a command; how many programs the server was asked to run, over how many logins."""
    sshd.forget()
    before = sshd.logins()
    ran = project.run(verb, "--format", "json", *words)
    execs = sshd.execs()
    assert ran.code == 0, ran.err
    assert sshd.logins() - before == 1, "more than one connection"
    assert ran.trips() == execs, "the report counts other trips than the server"
    return ran, execs


@pytest.mark.parametrize("number", [1, 10, 100])
def test_a_plan_is_one_trip_and_changes_are_two(tmp_path: Path, sshd: Sshd, number: int) -> None:
    project = Project(tmp_path, sshd.variables())
    target = tmp_path / "target"
    project.state(
        {
            f"file-{n}": {"file-sync": {"path": f"{target}/{n % 7}/{n}", "content": f"{n}\n", "parents": True}}
            for n in range(number)
        }
    )
    assert counted(project, sshd, "plan")[1] == 1
    applied, execs = counted(project, sshd, "apply")
    assert execs == 2
    assert set(applied.verdicts().values()) == {"changed"}
    assert len(applied.verdicts()) == number
    assert sum(path.is_file() for path in target.rglob("*")) == number

    applied, execs = counted(project, sshd, "apply")
    assert execs == 1
    assert set(applied.verdicts().values()) == {"unchanged"}
    assert counted(project, sshd, "plan")[1] == 1


@pytest.mark.parametrize("number", [1, 10, 100])
def test_bulk_content_takes_one_trip_more(tmp_path: Path, sshd: Sshd, number: int) -> None:
    project = Project(tmp_path, sshd.variables())
    for n in range(number):
        for m in range(3):
            project.write(f"tree-{n}/{m}", f"{n} {m}\n" * 2000)
    project.state(
        {
            f"tree-{n}": {"file-sync": {"path": f"{tmp_path}/target/{n}", "source": f"tree-{n}", "parents": True}}
            for n in range(number)
        }
    )
    assert counted(project, sshd, "plan")[1] == 1
    assert counted(project, sshd, "apply")[1] == 3
    assert counted(project, sshd, "apply")[1] == 1
    project.write("tree-0/1", "other\n")
    assert counted(project, sshd, "apply")[1] == 3
    assert (tmp_path / "target/0/1").read_text() == "other\n"


def test_a_saved_plan_is_applied_in_two_trips(tmp_path: Path, sshd: Sshd) -> None:
    project = Project(tmp_path, sshd.variables())
    project.state({"file": {"file-sync": {"path": f"{tmp_path}/target", "content": "x\n"}}})
    assert counted(project, sshd, "plan", "--out", "saved.json")[1] == 1
    sshd.forget()
    ran = project.run("apply", "saved.json", "--format", "json", state="")
    assert (ran.code, ran.trips(), sshd.execs()) == (0, 2, 2), ran.err


def test_a_check_that_holds_costs_nothing_more(tmp_path: Path, sshd: Sshd) -> None:
    project = Project(tmp_path, sshd.variables())
    url = "http://127.0.0.1:9/"
    project.state(
        {
            "file": {"file-sync": {"path": f"{tmp_path}/target", "content": "x\n"}},
            "check": {"http-assert": {"url": url}, "timeout": 2},
        }
    )
    sshd.forget()
    ran = project.run("apply", "--format", "json")
    assert ran.code == 1
    assert ran.verdicts() == {"file": "changed", "check": "failed"}
    assert ran.trips() == sshd.execs() == 2
