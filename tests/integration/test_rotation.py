"""A bcrypt hash that the engine makes: planned in memory, written by the apply that uses it, the old one kept."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import bcrypt
import pytest

from tests.integration.project import Project

OLD = bcrypt.hashpw(b"the old password", bcrypt.gensalt(4)).decode()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A host that has the hash of the old password, and a project in which the password is another one now."""
    made = Project(tmp_path)
    rotating(made)
    (tmp_path / "hash").write_text(f"{OLD}\n")
    (tmp_path / "hash").chmod(0o600)
    return made


def rotating(project: Project) -> None:
    project.state(
        {
            "hash": {"file-sync": {"path": str(project.root.parent / "hash"), "first_line": "{{ secrets.token }}"}},
            "other": {"file-sync": {"path": str(project.root.parent / "other"), "content": "other\n"}, "needs": []},
        },
        secrets={
            "password": {"file": ".secrets/password"},
            "token": {"bcrypt": {"password": "password", "file": ".secrets/token", "cost": 4}},
        },
    )
    project.write(".secrets/password", "the new password\n")
    project.write(".secrets/token", f"{OLD}\n")


def secret_files(project: Project) -> dict[str, tuple[str, int]]:
    directory = project.root / ".secrets"
    return {path.name: (path.read_text(), stat.S_IMODE(path.stat().st_mode)) for path in directory.iterdir()}


def on_host(project: Project) -> str:
    return (project.root.parent / "hash").read_text()


def fingerprints(project: Project) -> list[str]:
    """What the plan says of the hash, before and after."""
    (host,) = project.run("plan", "--format", "json").data["hosts"]
    (step,) = (step for step in host["steps"] if step["name"] == "hash")
    return [value for attribute in step["attributes"] for value in (attribute["before"], attribute["after"])]


def test_what_only_looks_writes_nothing(project: Project) -> None:
    before = secret_files(project)
    everything = sorted(str(path.relative_to(project.root)) for path in project.root.rglob("*"))
    for verb, words in (
        ("plan", ()),
        ("plan", ("--out", "../plan.json")),
        ("apply", ("--dry-run",)),
        ("engine", ("validate", "state.yaml")),
    ):
        ran = project.run(verb, *words, state="" if verb == "engine" else "state.yaml")
        assert ran.code == 0, ran.err
        assert secret_files(project) == before, (verb, words)
    assert "holds no hash of password; an apply replaces it and keeps a copy" in project.run("plan").err
    assert fingerprints(project) == fingerprints(project)
    left = {str(path.relative_to(project.root)) for path in project.root.rglob("*")} - set(everything)
    assert {path.split("/")[0] for path in left} == {".engine"}


def test_an_apply_writes_it_and_keeps_the_old_one(project: Project) -> None:
    _, planned = fingerprints(project)
    ran = project.run("apply")
    assert ran.code == 0, ran.err
    (run,) = project.runs()
    kept = secret_files(project)
    new = kept.pop("token")
    assert new == (on_host(project), 0o600)
    assert bcrypt.checkpw(b"the new password", on_host(project).strip().encode())
    assert kept.pop(f"token.before-{run}") == (f"{OLD}\n", 0o600)
    assert list(kept) == ["password"]
    assert f"the old one is in {project.root}/.secrets/token.before-{run}" in ran.err
    assert planned in str(project.events(run))
    for text in (ran.out, ran.err, str(project.events(run))):
        assert OLD not in text
        assert new[0].strip() not in text
    assert "Nothing to change" in project.run("plan").out
    assert "bcrypt hash" not in project.run("apply").err


def test_a_saved_plan_that_rotates_it_applies_elsewhere(project: Project, tmp_path: Path) -> None:
    """The machine that applies has the same key and the same files, and not what the other one computed."""
    assert project.run("plan", "--out", "plan.json").code == 0
    other = tmp_path / "other machine"
    shutil.copytree(project.root, other / "project")
    worker = Project.__new__(Project)
    worker.root, worker.home = other / "project", project.home
    ran = worker.run("apply", "plan.json", state="")
    assert ran.code == 0, ran.err
    assert (other / "project/.secrets/token").read_text() == on_host(project) != f"{OLD}\n"
    assert (project.root / ".secrets/token").read_text() == f"{OLD}\n"
    # The first machine comes to the same one, so its apply finds nothing to do but to write it down.
    ran = project.run("apply")
    assert "Converged: 2 unchanged" in ran.out
    assert (project.root / ".secrets/token").read_text() == on_host(project)


def test_what_is_not_applied_is_not_written(project: Project) -> None:
    before = secret_files(project)
    assert project.run("apply", "--only", "other").code == 0
    assert project.run("apply", "--skip", "hash").code == 0
    assert secret_files(project) == before
    assert on_host(project) == f"{OLD}\n"


def test_a_file_that_cannot_be_written_keeps_every_host_as_it_is(project: Project) -> None:
    if os.geteuid() == 0:
        # Root writes everywhere but where a directory should be.
        (project.root / "file").write_text("")
        text = (project.root / "state.yaml").read_text()
        (project.root / "state.yaml").write_text(text.replace(".secrets/token", "file/token"))
    else:
        (project.root / ".secrets").chmod(0o500)
    ran = project.run("apply")
    assert ran.code == 3
    assert "secret token cannot be written to" in ran.err
    assert on_host(project) == f"{OLD}\n"
    assert not (project.root.parent / "other").exists()
    assert not project.runs()


def test_a_hash_that_only_a_host_s_facts_ask_for(project: Project) -> None:
    text = (project.root / "state.yaml").read_text()
    (project.root / "state.yaml").write_text(text.replace(str(project.root.parent / "hash"), "{{ host.home }}/hash"))
    before = secret_files(project)
    assert project.run("plan").code == 0
    assert secret_files(project) == before
    ran = project.run("apply")
    assert ran.code == 0, ran.err
    made = (project.home / "hash").read_text()
    assert secret_files(project)["token"] == (made, 0o600)
    assert "the old one is in" in ran.err
