"""`onetrip rollback RUN`: what an apply replaced comes back, as a plan that is shown and proved like any other."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from demo.sandbox import USER, git, run
from tests.integration.main_job import Starts, engine, environment, sandbox

BIN = Path(sys.executable).parent
Command = Callable[..., subprocess.CompletedProcess[str]]

STATE = """\
name: web
hosts: here
vars: { revision: newer }
resources:
  settings:
    file-sync: { path: ROOT/host/settings, content: "colour = red\\n", mode: "0640", parents: true }
  fresh:
    file-sync: { path: ROOT/host/fresh, content: "new\\n" }
  tree:
    file-sync: { path: ROOT/host/tree, source: assets, delete: true }
  code:
    git-clone: { repo: ROOT/code.git, path: ROOT/host/code, revision: "{{ revision }}" }
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a local host, on which an apply replaces something of every sort."""
    (tmp_path / "inventory.yaml").write_text("all: {hosts: {here: {ansible_connection: local}}}\n")
    (tmp_path / "web.yaml").write_text(STATE.replace("ROOT", str(tmp_path)))
    host = tmp_path / "host"
    (host / "tree").mkdir(parents=True)
    (host / "settings").write_text("colour = blue\n# by hand\n")
    (host / "settings").chmod(0o600)
    (host / "tree/kept.css").write_text("old\n")
    (host / "tree/stranger.css").write_text("somebody's\n")
    (tmp_path / "assets/deep").mkdir(parents=True)
    (tmp_path / "assets/kept.css").write_text("new\n")
    (tmp_path / "assets/deep/added.css").write_text("added\n")
    code = tmp_path / "code.git"
    code.mkdir()
    git(code, "init", "-q", "-b", "main")
    for name in ("older", "newer"):
        (code / "file").write_text(name)
        git(code, "add", "-A")
        git(code, "commit", "-q", "-m", name)
        git(code, "tag", name)
    git(host, "clone", "-q", "--branch", "older", str(code), "code")
    return tmp_path


def command(project: Path, *words: str, code: int = 0, **more: str) -> str:
    env = {**os.environ, "HOME": str(project / "home"), "NO_COLOR": "1", "GIT_CONFIG_GLOBAL": "/dev/null", **more}
    (project / "home").mkdir(exist_ok=True)
    done = subprocess.run(
        [str(BIN / words[0]), *words[1:]],
        cwd=project,
        env=env,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def latest(project: Path) -> str:
    return max(path.stem for path in (project / ".engine/runs").glob("*.jsonl"))


def tree(directory: Path) -> dict[str, tuple[str, int]]:
    """Every file with its content and mode; of a checkout its commit."""
    found = {}
    for path in sorted(directory.rglob("*")):
        if path.is_file() and "code" not in path.relative_to(directory).parts:
            found[str(path.relative_to(directory))] = (path.read_text(), stat.S_IMODE(path.stat().st_mode))
    found["code"] = (git(directory / "code", "rev-parse", "HEAD").strip(), 0)
    return found


def test_everything_a_run_replaced_comes_back(project: Path) -> None:
    before = tree(project / "host")
    command(project, "apply", "web.yaml", "-y")
    after = tree(project / "host")
    assert after["settings"] == ("colour = red\n", 0o640)
    assert "tree/stranger.css" not in after
    assert after["code"] != before["code"]

    first = latest(project)
    shown = command(project, "engine", "rollback", first, "--dry-run")
    assert "Plan: " in shown
    assert tree(project / "host") == after, "a dry run changed something"

    command(project, "engine", "rollback", first, "-y")
    assert tree(project / "host") == before
    assert "Nothing to change" in command(project, "engine", "rollback", first, "--dry-run")

    # It is a run like any other, so it can be taken back as well.
    command(project, "engine", "rollback", latest(project), "-y")
    assert tree(project / "host") == after


def test_what_is_kept_is_nobody_elses_and_only_so_many_runs(project: Path) -> None:
    for number in range(22):
        (project / "host/settings").write_text(f"colour = {number}\n")
        command(project, "apply", "web.yaml", "-y", "-q", "--only", "settings")
    kept = sorted((project / "home/.local/state/engine/kept").iterdir())
    assert len(kept) == 20
    assert kept[-1].name == latest(project)
    for path in (kept[0].parent, *kept):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_runs_that_were_named_under_another_clock_are_in_nobodys_way(project: Path) -> None:
    """Twenty runs, then one whose name sorts before theirs: their clock was ahead."""
    kept = project / "home/.local/state/engine/kept"
    for number in range(20):
        (kept / f"2999010{number // 10}-000{number % 10}-0000").mkdir(mode=0o700, parents=True)
    before = (project / "host/settings").read_text()
    for _ in range(2):
        (project / "host/settings").write_text(before)
        command(project, "apply", "web.yaml", "-y", "--only", "settings")
    assert len(list(kept.iterdir())) == 20
    command(project, "engine", "rollback", latest(project), "-y")
    assert (project / "host/settings").read_text() == before


def test_the_oldest_run_that_is_kept_can_be_rolled_back(project: Path) -> None:
    """The rollback keeps what it replaces, too, and that must not remove what it puts back."""
    before = tree(project / "host")
    command(project, "apply", "web.yaml", "-y")
    (run,) = (path.stem for path in (project / ".engine/runs").glob("*.jsonl"))
    kept = project / "home/.local/state/engine/kept"
    os.utime(kept / run, (1, 1))
    for number in range(19):
        (kept / f"29990101-00{number:02}-0000").mkdir(mode=0o700)
    command(project, "engine", "rollback", run, "-y")
    assert tree(project / "host") == before
    assert len(list(kept.iterdir())) == 20


def test_a_run_that_is_no_longer_kept_says_so(project: Path) -> None:
    command(project, "apply", "web.yaml", "-y", "--only", "settings")
    run(["rm", "-rf", str(project / "home/.local/state/engine/kept")])
    assert "no longer kept" in command(project, "engine", "rollback", latest(project), "-y", code=1)
    assert (project / "host/settings").read_text() == "colour = red\n"


def test_a_run_that_changed_nothing_has_nothing_to_roll_back(project: Path) -> None:
    command(project, "apply", "web.yaml", "-y")
    command(project, "apply", "web.yaml", "-y")
    assert "changed nothing" in command(project, "engine", "rollback", latest(project))
    assert "there is no run" in command(project, "engine", "rollback", "nonsense", code=3)


@pytest.fixture
def mixed(project: Path) -> Path:
    """The same, and a run that changed what cannot be put back, too: a directory that was there, and was removed."""
    (project / "host/dropped").mkdir()
    (project / "host/dropped/inside").write_text("gone\n")
    more = """\
  dropped:
    file-sync: { path: ROOT/host/dropped, state: absent, delete: true }
  made:
    file-sync: { path: ROOT/host/made, state: directory, mode: "0700" }
"""
    (project / "web.yaml").write_text((project / "web.yaml").read_text() + more.replace("ROOT", str(project)))
    command(project, "apply", "web.yaml", "-y")
    return project


def test_what_cannot_be_put_back_is_said_before_the_question(mixed: Path) -> None:
    run = latest(mixed)
    controller, terminal = os.openpty()
    env = {**os.environ, "HOME": str(mixed / "home"), "GIT_CONFIG_GLOBAL": "/dev/null", "NO_COLOR": "1"}
    words = [str(BIN / "engine"), "rollback", run]
    child = subprocess.Popen(words, cwd=mixed, env=env, stdin=terminal, stdout=terminal, stderr=terminal)
    os.close(terminal)
    said = ""
    while "[y/N]" not in said:
        said += os.read(controller, 1 << 16).decode()
    os.write(controller, b"n\n")
    assert child.wait(60) == 1
    os.close(controller)
    assert "Cannot be put back:" in said
    assert "here/dropped: it is not a file (directory), and only files are put back" in said
    assert "here/made: it is not a file (directory), and only files are put back" in said
    assert "2 cannot be put back" in said
    assert (mixed / "host/settings").read_text() == "colour = red\n"


def test_the_rest_is_put_back_and_the_exit_code_says_so(mixed: Path) -> None:
    run = latest(mixed)
    shown = command(mixed, "engine", "rollback", run, "--dry-run", code=1)
    assert "here/dropped: it is not a file" in shown
    said = command(mixed, "engine", "rollback", run, "-y", code=1)
    assert "Not put back:" in said
    assert "Put back in part: 2 not put back, " in said
    assert "Converged" not in said
    assert (mixed / "host/settings").read_text() == "colour = blue\n# by hand\n"
    assert not (mixed / "host/fresh").exists()
    assert not (mixed / "host/dropped").exists()
    back = latest(mixed)
    assert "partly restored" in command(mixed, "engine", "history").splitlines()[-1]
    shown = command(mixed, "engine", "show", back)
    assert f"rollback of {run}" in shown
    assert "not restored: dropped: it is not a file" in shown
    # Once more: there is nothing left that could be put back, so nothing is asked, done or recorded.
    again = command(mixed, "engine", "rollback", run, "-y", code=1)
    assert "Nothing to change: 4 unchanged, 2 cannot be put back." in again
    assert latest(mixed) == back


def test_what_is_not_declared_any_more_is_not_put_back_in_silence(project: Path) -> None:
    command(project, "apply", "web.yaml", "-y")
    state = (project / "web.yaml").read_text()
    start, _, rest = state.partition("  fresh:\n")
    (project / "web.yaml").write_text(start + rest.partition("\n")[2])
    said = command(project, "engine", "rollback", latest(project), "-y", code=1)
    assert "here/fresh: it is not declared any more" in said
    assert (project / "host/fresh").read_text() == "new\n"
    assert (project / "host/settings").read_text() == "colour = blue\n# by hand\n"


def test_a_name_that_means_another_kind_now_is_left_alone(project: Path) -> None:
    command(project, "apply", "web.yaml", "-y", "--only", "settings")
    (project / "web.yaml").write_text(
        "name: web\nhosts: here\nresources:\n"
        f"  settings: {{ git-clone: {{ repo: {project}/code.git, path: {project}/host/settings2 }} }}\n"
    )
    said = command(project, "engine", "rollback", latest(project), "-y", code=1)
    assert "here/settings: it was of kind file-sync, and is declared as git-clone now" in said


def test_a_checkout_that_was_removed_comes_back_without_its_other_files(project: Path) -> None:
    commit = git(project / "host/code", "rev-parse", "HEAD").strip()
    (project / "web.yaml").write_text(
        "name: web\nhosts: here\nresources:\n"
        f"  code: {{ git-clone: {{ repo: {project}/code.git, path: {project}/host/code, state: absent }} }}\n"
    )
    command(project, "apply", "web.yaml", "-y")
    assert not (project / "host/code").exists()
    said = command(project, "engine", "rollback", latest(project), "-y", code=1)
    assert "files in it that git does not track do not come back" in said
    assert git(project / "host/code", "rev-parse", "HEAD").strip() == commit


def test_a_check_that_failed_is_nothing_to_put_back(project: Path) -> None:
    check = "  answers:\n    http-assert: { url: http://127.0.0.1:1/, status: 200 }\n    timeout: 1\n"
    (project / "web.yaml").write_text((project / "web.yaml").read_text() + check)
    command(project, "apply", "web.yaml", "-y", "--only", "answers", code=1)
    assert "changed nothing" in command(project, "engine", "rollback", latest(project))
    command(project, "apply", "web.yaml", "-y", code=1)
    command(project, "engine", "rollback", latest(project), "-y")
    assert (project / "host/settings").read_text() == "colour = blue\n# by hand\n"


def test_a_rollback_that_failed_is_retried_as_one(project: Path) -> None:
    before = tree(project / "host")
    command(project, "apply", "web.yaml", "-y")
    run = latest(project)
    (project / "host/settings").unlink()
    (project / "host/settings").mkdir()
    command(project, "engine", "rollback", run, "-y", code=1)
    (project / "host/settings").rmdir()
    command(project, "engine", "retry", latest(project), "-y")
    assert tree(project / "host") == before


@pytest.mark.docker
def test_the_main_job_is_rolled_back_with_its_restart(tmp_path: Path) -> None:
    with sandbox(tmp_path) as box:
        box.build(node="older", password="stale-user", service="before")
        assert engine(box, "apply", "-y").code == 0
        assert box.password.read_text() == f"{box.token}\n{USER}"
        (journal,) = (box.root / ".engine/runs").glob("*.jsonl")
        events = [json.loads(line) for line in journal.read_text().splitlines()]
        assert not any(box.token in json.dumps(event) or box.stale_token in json.dumps(event) for event in events)

        starts = Starts(box)
        done = subprocess.run(
            [str(BIN / "engine"), "rollback", journal.stem, "-C", str(box.root), "-y"],
            env=environment(box),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )
        # All but what pip installed comes back, and that is said.
        assert done.returncode == 1, done.stdout + done.stderr
        assert "sandbox/login-requirements: packages that were installed stay" in done.stdout
        assert "Put back in part: 1 not put back, 2 changed, 1 restarted." in done.stdout
        assert box.stale_token not in done.stdout + done.stderr
        assert box.password.read_text() == f"{box.stale_token}\n{USER}"
        assert git(box.node, "-c", f"safe.directory={box.node}", "rev-parse", "HEAD").strip() == box.commits[0]
        assert starts.count() == 1
        box.wait()
        assert box.status(token=box.stale_token) == 200
