"""Checks gate: what needs a check that fails is not begun. By real servers that count how often they are asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.project import Project, Ran, own_sshd
from tests.sshd import Sshd, needs_sshd
from tests.web import Answer, Web, answer, web

GOOD, BAD = answer(200, '{"queue": 0}'), answer(503, "busy")
WRONG = answer(200, '{"queue": 2}')
JSON = {"json": {"queue": 0}}

GATES: dict[str, tuple[Answer, dict[str, Any]]] = {
    "status": (answer(500, "no"), {}),
    "json": (WRONG, JSON),
    "text": (WRONG, {"text": '{"queue": 0}'}),
    "header": (GOOD, {"response_headers": {"X-Ready": "yes"}}),
    "controller": (answer(500, "no"), {"from": "controller"}),
}
"""Ways in which a check fails: the answer, and further parameters of the check."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def server() -> Iterator[Web]:
    with web() as served:
        yield served


def files(project: Project, *names: str) -> list[str]:
    """Which of the files are there."""
    return [name for name in names if (project.home / name).exists()]


def file(name: str, **words: Any) -> dict[str, Any]:
    return {"file-sync": {"path": f"~/{name}", "content": f"{name}\n"}, **words}


def check(server: Web, path: str = "", **more: Any) -> dict[str, Any]:
    words = {name: more.pop(name) for name in ("needs", "retries", "timeout") if name in more}
    return {"http-assert": {"url": f"{server.url}/{path}", **more}, "timeout": 5, **words}


def apply(project: Project, *words: str, **more: Any) -> Ran:
    return project.run("apply", "-y", "--format", "json", *words, **more)


def outcome(ran: Ran, name: str) -> dict[str, Any]:
    (host,) = ran.data["hosts"]
    items = host.get("steps") or host["outcomes"]
    return dict(next(item for item in items if name in (item.get("name"), item.get("step", {}).get("name"))))


@pytest.mark.parametrize("way", GATES)
def test_nothing_is_written_behind_a_gate_that_fails(project: Project, server: Web, way: str) -> None:
    wrong, more = GATES[way]
    server.says(wrong)
    project.state(
        {"gate": check(server, **more), "file": file("file"), "more": file("more"), "free": file("free", needs=[])}
    )
    planned = project.run("plan", "--format", "json")
    assert planned.code == 1
    assert planned.verdicts() == {"gate": "failing", "file": "blocked", "more": "blocked", "free": "change"}
    assert outcome(planned, "file")["reason"]["words"] == "blocked by gate"
    assert outcome(planned, "file")["gates"] == ["gate"]
    ran = apply(project)
    assert ran.code == 1, ran.err
    assert ran.verdicts() == {"gate": "failed", "file": "skipped", "more": "skipped", "free": "changed"}
    assert outcome(ran, "file")["words"] == "needs gate, which failed"
    assert files(project, "file", "more", "free") == ["free"]


@pytest.mark.parametrize("way", GATES)
def test_a_gate_behind_a_change_is_asked_at_its_place(project: Project, server: Web, way: str) -> None:
    """First it fails, then the change makes it fail still: what is behind it is left alone."""
    wrong, more = GATES[way]
    server.says(wrong)
    project.state(
        {"first": file("first"), "gate": check(server, **more), "file": file("file"), "end": check(server, **more)}
    )
    planned = project.run("plan", "--format", "json")
    assert planned.code == 0
    assert planned.verdicts() == {"first": "change", "gate": "check", "file": "change", "end": "check"}
    assert outcome(planned, "file")["gates"] == ["gate"]
    said = project.run("plan").out
    assert "after gate has passed" in " ".join(said.split())
    ran = apply(project)
    assert ran.code == 1
    assert ran.verdicts() == {"first": "changed", "gate": "failed", "file": "skipped", "end": "skipped"}
    assert files(project, "first", "file") == ["first"]


@pytest.mark.parametrize("way", GATES)
def test_a_gate_that_passes_lets_it_through(project: Project, server: Web, way: str) -> None:
    right = answer(200, '{"queue": 0}', "X-Ready: yes")
    server.says(right)
    _, more = GATES[way]
    project.state(
        {"first": file("first"), "gate": check(server, **more), "file": file("file"), "end": check(server, **more)}
    )
    ran = apply(project)
    assert ran.code == 0, (ran.out, ran.err)
    assert ran.verdicts() == {"first": "changed", "gate": "passed", "file": "changed", "end": "passed"}
    again = apply(project)
    assert (again.code, again.trips()) == (0, 1)
    assert again.verdicts() == {"first": "unchanged", "gate": "passed", "file": "unchanged", "end": "passed"}


@pytest.mark.parametrize("way", ["status", "json", "controller"])
def test_a_gate_that_still_comes_is_waited_for(project: Project, server: Web, way: str) -> None:
    """It fails in the plan and is right when it is asked at its place."""
    wrong, more = GATES[way]
    project.state({"gate": check(server, retries=2, **more), "file": file("file")})
    server.says(wrong, wrong, GOOD)
    ran = apply(project)
    assert ran.code == 0, (ran.out, ran.err)
    assert ran.verdicts() == {"gate": "passed", "file": "changed"}
    assert outcome(ran, "file")["step"]["status"] == "change"
    assert files(project, "file") == ["file"]


@pytest.mark.parametrize("way", ["status", "json"])
def test_only_asks_the_gates_of_what_it_selects(project: Project, server: Web, way: str) -> None:
    wrong, more = GATES[way]
    server.says(wrong)
    project.state({"far": check(server, "far", **more), "first": file("first"), "gate": check(server, "gate", **more),
                   "file": file("file"), "late": check(server, "late", **more)})  # fmt: skip
    planned = project.run("plan", "--format", "json", "--only", "file")
    assert planned.code == 1
    assert planned.verdicts() == {
        "far": "skipped", "first": "skipped", "gate": "failing", "file": "blocked", "late": "skipped",
    }  # fmt: skip
    ran = apply(project, "--only", "file")
    assert ran.code == 1
    assert ran.verdicts() == {"far": "left", "first": "left", "gate": "failed", "file": "skipped", "late": "left"}
    assert files(project, "first", "file") == []
    server.says(GOOD)
    ran = apply(project, "--only", "file")
    assert ran.verdicts() == {"far": "left", "first": "left", "gate": "passed", "file": "changed", "late": "left"}
    assert files(project, "first", "file") == ["file"]
    assert ran.code == 0
    # Nothing to do: no gate is needed.
    server.says(wrong)
    assert apply(project, "--only", "file").verdicts()["gate"] == "left"


@pytest.mark.parametrize("way", ["status", "json"])
def test_a_gate_named_by_skip_does_not_gate(project: Project, server: Web, way: str) -> None:
    wrong, more = GATES[way]
    server.says(wrong)
    project.state({"gate": check(server, **more), "file": file("file")})
    planned = project.run("plan", "--format", "json", "--skip", "gate")
    assert planned.code == 0
    assert planned.verdicts() == {"gate": "skipped", "file": "change"}
    assert outcome(planned, "gate")["reason"]["words"] == "does not gate file"
    assert "gate left out does not gate file" in " ".join(project.run("plan", "--skip", "gate").out.split())
    ran = apply(project, "--skip", "gate")
    assert ran.code == 0
    assert ran.verdicts() == {"gate": "left", "file": "changed"}
    assert outcome(ran, "gate")["words"] == "does not gate file"
    assert files(project, "file") == ["file"]


def test_a_check_with_effects_that_gates_is_asked_once(project: Project, server: Web) -> None:
    project.state({"post": check(server, "post", method="POST"), "get": check(server, "get"), "file": file("file"),
                   "end": check(server, "end", method="POST", needs=["file"])})  # fmt: skip
    for answered in (GOOD, answer(500)):
        server.says(answered)
        (project.home / "file").unlink(missing_ok=True)
        planned = project.run("plan", "--format", "json")
        assert [request.method for request in server.requests] == ["GET"]
        assert planned.verdicts() == {"post": "check", "get": "check", "file": "change", "end": "check"}
        assert outcome(planned, "file")["gates"] == ["post", "get"]
        assert planned.code == 0
        server.says(answered)
        ran = apply(project)
        posts = [request.target for request in server.requests if request.method == "POST"]
        if answered == GOOD:
            assert posts == ["/post", "/end"]
            assert ran.verdicts() == {"post": "passed", "get": "passed", "file": "changed", "end": "passed"}
        else:
            assert posts == ["/post"]
            assert ran.verdicts()["post"] == "failed"
            assert (ran.verdicts()["file"], ran.verdicts()["end"]) == ("skipped", "skipped")
            assert files(project, "file") == []


@pytest.mark.parametrize("more", [{}, JSON], ids=["status", "json"])
def test_a_check_with_effects_is_never_asked_again(project: Project, server: Web, more: dict[str, Any]) -> None:
    """Whatever it answers, and whatever `retries` and `timeout` say; with and without changes."""
    for answered in (answer(503), answer(504), WRONG, answer(500)):
        for resources in ({}, {"file": file("file")}):
            (project.home / "file").unlink(missing_ok=True)
            project.state(
                {**resources, "post": check(server, method="POST", retries=3, **more), "behind": file("behind")}
            )
            (project.home / "behind").unlink(missing_ok=True)
            server.says(answered)
            apply(project)
            assert len(server.requests) == 1
            assert files(project, "behind") == ([] if more or answered != WRONG else ["behind"])


def test_left_out_it_is_not_asked_at_all(project: Project, server: Web) -> None:
    project.state({"file": file("file"), "post": check(server, method="POST")})
    assert apply(project, "--skip", "post").verdicts() == {"file": "changed", "post": "left"}
    assert server.requests == []


def test_what_reads_behind_it_is_checked_after_apply(project: Project, server: Web) -> None:
    """A chain of POST and GET: the GET fails now, for nobody has posted yet."""
    project.state({"post": check(server, method="POST"), "get": check(server, "made")})
    server.says(answer(404))
    planned = project.run("plan", "--format", "json")
    assert planned.code == 0
    assert planned.verdicts() == {"post": "check", "get": "check"}
    server.says(answer(404), GOOD, GOOD)
    ran = apply(project)
    assert [request.method for request in server.requests] == ["GET", "POST", "GET"]
    assert (ran.code, ran.verdicts()) == (0, {"post": "passed", "get": "passed"})


def test_effects_are_gated_too(project: Project, server: Web) -> None:
    for more in ({}, JSON):
        server.says(answer(500))
        project.state({"gate": check(server, **more), "post": check(server, method="POST")})
        assert project.run("plan", "--format", "json").verdicts() == {"gate": "failing", "post": "blocked"}
        ran = apply(project)
        assert (ran.code, ran.verdicts()) == (1, {"gate": "failed", "post": "skipped"})
        assert {request.method for request in server.requests} == {"GET"}
        server.says(GOOD)
        ran = apply(project)
        assert (ran.code, ran.verdicts(), ran.trips()) == (0, {"gate": "passed", "post": "passed"}, 2)


@pytest.mark.parametrize("way", ["status", "json"])
@pytest.mark.parametrize("changes", [False, True])
@pytest.mark.parametrize("retries", [0, 1, 3])
def test_retries_are_how_often_it_is_asked_again(
    project: Project, server: Web, way: str, changes: bool, retries: int
) -> None:
    wrong, more = GATES[way]
    project.state({"file": file("file"), "check": check(server, retries=retries, timeout=30, **more)})
    if not changes:
        (project.home / "file").write_text("file\n")
        (project.home / "file").chmod(0o644)
        project.run("apply", "-y", "--only", "file")
    before = 1 if changes else 0  # the plan's
    server.says(wrong)
    assert apply(project).verdicts()["check"] == "failed"
    assert len(server.requests) == before + 1 + retries
    if changes:
        (project.home / "file").unlink()
    server.says(*[wrong] * (before + retries), GOOD)
    ran = apply(project)
    assert ran.verdicts()["check"] == "passed", ran.out
    assert len(server.requests) == before + 1 + retries


@pytest.mark.parametrize("way", ["status", "json"])
def test_timeout_is_how_long_it_is_asked_again(project: Project, server: Web, way: str) -> None:
    wrong, more = GATES[way]
    project.state({"check": check(server, retries=50, timeout=4, **more)})
    server.says(wrong)
    assert apply(project).verdicts() == {"check": "failed"}
    assert 2 <= len(server.requests) <= 7


def test_a_saved_plan_is_compared_behind_a_gate(project: Project, server: Web) -> None:
    project.state({"first": file("first"), "gate": check(server, **JSON), "file": file("file")})
    server.says(WRONG)
    assert project.run("plan", "--out", "saved.json").code == 0
    server.says(WRONG)
    ran = apply(project, "saved.json", state="")
    assert (ran.code, ran.verdicts()) == (1, {"first": "changed", "gate": "failed", "file": "skipped"})
    (project.home / "first").unlink()
    server.says(GOOD)
    ran = apply(project, "saved.json", state="")
    assert (ran.code, ran.verdicts()) == (0, {"first": "changed", "gate": "passed", "file": "changed"}), ran.out


def test_drift_behind_a_gate_is_not_overwritten(project: Project, server: Web) -> None:
    """Somebody else changes the host while the gate is waited for."""
    project.state(
        {"first": file("first"), "gate": check(server, retries=30, timeout=60, **JSON), "file": file("file")}
    )
    server.says(WRONG)
    assert project.run("plan", "--out", "saved.json").code == 0
    running = project.begin("apply", "saved.json", "--format", "json", state="")
    while not (project.home / "first").exists() or len(server.requests) < 4:
        pass
    (project.home / "file").write_text("of somebody else\n")
    server.says(GOOD)
    ran = running.end()
    assert ran.code == 5, ran.out
    (host,) = ran.data["hosts"]
    assert "here/file: was absent when reviewed, is present now" in host["drift"][0]["words"]
    assert ran.verdicts() == {"first": "changed", "gate": "passed", "file": "skipped"}
    assert (project.home / "file").read_text() == "of somebody else\n"


def test_what_a_review_saw_blocked_is_not_done(project: Project, server: Web) -> None:
    for more in ({}, JSON):
        project.state({"gate": check(server, retries=3, **more), "file": file("file")})
        server.says(answer(500))
        assert project.run("plan", "--out", "saved.json").code == 1
        server.says(answer(500), GOOD)
        ran = apply(project, "saved.json", state="")
        assert ran.code == 5, ran.out
        assert "status was blocked when reviewed, is change now" in ran.out
        assert files(project, "file") == []


def test_a_gate_is_no_drift(project: Project, server: Web) -> None:
    """It held when the plan was reviewed and does not now: the step is skipped, for a check failed."""
    for more in ({}, JSON):
        project.state({"gate": check(server, **more), "file": file("file")})
        server.says(GOOD)
        assert project.run("plan", "--out", "saved.json").code == 0
        server.says(answer(500))
        ran = apply(project, "saved.json", state="")
        assert (ran.code, ran.verdicts()) == (1, {"gate": "failed", "file": "skipped"}), ran.out
        assert files(project, "file") == []


def test_in_a_rollout_a_failed_gate_is_a_failure(tmp_path: Path, server: Web) -> None:
    project = Project(tmp_path)
    project.inventory({name: {"ansible_connection": "local"} for name in ("one", "two")})
    resources = {
        "gate": check(server, **JSON),
        "file": {"file-sync": {"path": "~/{{ host.name }}", "content": "x\n"}},
    }
    project.state(resources, rollout={"batches": [1, "100%"]})
    server.says(WRONG)
    ran = apply(project)
    assert ran.code == 1
    assert [host["status"] for host in ran.data["hosts"]] == ["failed", "not started"]
    assert files(project, "one", "two") == []


@pytest.mark.sshd
@needs_sshd
class TestTrips:
    """What gates cost in round trips, as the SSH server counts them."""

    @pytest.fixture
    def sshd(self, tmp_path: Path) -> Iterator[Sshd]:
        with own_sshd(tmp_path) as server:
            yield server

    @pytest.mark.parametrize(
        ("resources", "expected"),
        [
            (("first", "status", "file"), 2),
            (("status", "file"), 2),
            (("first", "json", "file"), 3),
            (("json", "file"), 3),
            (("json", "json-2", "file"), 3),
            (("first", "json", "second", "json-2", "file"), 4),
            (("first", "file", "json"), 2),
            (("post",), 2),
            (("first", "post", "file"), 2),
            (("controller", "file"), 3),
            (("first", "controller", "file"), 4),
        ],
    )
    def test_one_for_each_gate_that_only_the_controller_can_judge(
        self, tmp_path: Path, sshd: Sshd, server: Web, resources: tuple[str, ...], expected: int
    ) -> None:
        project = Project(tmp_path, sshd.variables())
        checks = {
            "status": check(server), "json": check(server, **JSON), "json-2": check(server, "2", **JSON),
            "post": check(server, method="POST"), "controller": check(server, **{"from": "controller"}),
        }  # fmt: skip
        server.says(GOOD)
        project.state({name: checks.get(name) or file(name) for name in resources})
        sshd.forget()
        ran = apply(project)
        assert ran.code == 0, (ran.out, ran.err)
        assert (ran.trips(), sshd.execs()) == (expected, expected)
        assert set(ran.verdicts().values()) <= {"changed", "passed"}
