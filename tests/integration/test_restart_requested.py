"""--restart: a service is restarted although nothing it reads has changed; in plan, apply, saved plan and retry."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.compose_lab import Lab, labs
from tests.integration.project import Project

pytestmark = pytest.mark.docker


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    yield from labs("docker compose", tmp_path, monkeypatch)


def project_of(lab: Lab, tmp_path: Path, **more: Any) -> Project:
    """A service that has converged, and a file before it."""
    project = Project(tmp_path / "own")
    lab.write()
    service = {"project_dir": str(lab.path), "service": "web", "client": lab.client, "restart_on": ["settings"]}
    resources: dict[str, Any] = {
        "settings": {"file-sync": {"path": str(lab.path / "settings"), "content": "one"}},
        "web": {"compose-restart": {**service, **more}},
    }
    project.state(resources)
    done = project.run("apply", env=env())
    assert done.code == 0, (done.out, done.err)
    return project


def env() -> dict[str, str]:
    return {"DOCKER_CONFIG": os.environ["DOCKER_CONFIG"]}


def test_it_is_planned_done_once_and_not_again(lab: Lab, tmp_path: Path) -> None:
    project = project_of(lab, tmp_path)
    started = lab.started()
    planned = project.run("plan", "--restart", "we*", env=env())
    assert planned.code == 0, planned.err
    assert "web restart because it was requested" in " ".join(planned.out.split())
    assert "1 to restart" in planned.out
    assert lab.started() == started
    done = project.run("apply", "--restart", "web", env=env())
    assert done.code == 0, (done.out, done.err)
    assert "web restarted because it was requested" in " ".join(done.out.split())
    again = lab.started()
    assert again.split()[0] == started.split()[0]
    assert again != started
    done = project.run("apply", env=env())
    assert (done.code, lab.started()) == (0, again)
    # Beside a reason of its own.
    (lab.path / "settings").write_text("two")
    planned = project.run("plan", "--restart", "web", env=env())
    assert "because settings will change and it was requested" in planned.out


def test_a_saved_plan_holds_it(lab: Lab, tmp_path: Path) -> None:
    project = project_of(lab, tmp_path)
    started = lab.started()
    saved = project.run("plan", "--restart", "web", "--out", "plan.json", env=env())
    assert saved.code == 0, saved.err
    wrong = project.run("apply", "plan.json", "--restart", "web", state="", env=env())
    assert wrong.code == 3
    assert "a saved plan has its own inventory, --only, --skip, --restart" in wrong.err
    done = project.run("apply", "plan.json", state="", env=env())
    assert done.code == 0, (done.out, done.err)
    assert lab.started() != started
    # One that was reviewed without it restarts nothing.
    project.run("plan", "--out", "plan.json", env=env())
    started = lab.started()
    assert project.run("apply", "plan.json", state="", env=env()).code == 0
    assert lab.started() == started


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (["--restart", "wep"], "`wep` matches no service", "did you mean `web`?"),
        (["--restart", "settings"], "`settings` is not a service but of kind file-sync", "Available: web"),
        (["--restart", "web", "--skip", "web"], "`web` is left out by --skip", "Leave it out of --skip: web"),
        (["--restart", "web", "--only", "settings"], "`web` is left out by --only", "Add it: --only web"),
    ],
)
def test_what_cannot_be_restarted(lab: Lab, tmp_path: Path, words: list[str], error: str, hint: str) -> None:
    project = project_of(lab, tmp_path)
    for verb in ("plan", "apply"):
        done = project.run(verb, *words, env=env())
        assert done.code == 3, done.out
        assert error in done.err
        assert hint in done.err


def test_what_is_declared_not_to_run(lab: Lab, tmp_path: Path) -> None:
    project = project_of(lab, tmp_path, state="stopped")
    done = project.run("plan", "--restart", "web", env=env())
    assert done.code == 1
    assert "a restart is requested (--restart), but it is declared not to run" in done.out


def test_retry_keeps_what_did_not_happen(lab: Lab, tmp_path: Path) -> None:
    project = project_of(lab, tmp_path)
    # In the way of the file, so the restart behind it is not begun.
    (lab.path / "settings").unlink()
    (lab.path / "settings").mkdir()
    project.run("apply", "--restart", "web", env=env())
    assert project.run("apply", "--restart", "web", env=env()).code == 1
    started = lab.started()
    (lab.path / "settings").rmdir()
    (lab.path / "settings").write_text("one")
    done = project.run("engine", "retry", project.runs()[-1], "-y", state="", env=env())
    assert done.code == 0, (done.out, done.err)
    assert "it was requested" in done.out
    assert lab.started() != started


def test_retry_does_not_repeat_what_happened(lab: Lab, tmp_path: Path) -> None:
    project = project_of(lab, tmp_path)
    state = project.root / "state.yaml"
    check = '"fails": {"timeout": 1, "http-assert": {"url": "http://127.0.0.1:1/"}}'
    state.write_text(state.read_text().removesuffix("}}") + f", {check}}}}}")
    assert project.run("apply", "--restart", "web", env=env()).code == 1
    started = lab.started()
    done = project.run("engine", "retry", project.runs()[-1], "-y", state="", env=env())
    assert done.code == 1
    assert "it was requested" not in done.out
    assert lab.started() == started
