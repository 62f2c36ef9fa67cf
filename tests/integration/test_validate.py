"""`onetrip validate`, for people, programs, GitHub and pre-commit: it reads no secret and reaches no host."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.integration.main_job import TOP

BIN = Path(sys.executable).parent

GOOD = """\
name: web
hosts: all
vars: { colour: red }
secrets: { token: { file: no-such-file, format: bcrypt } }
resources:
  settings:
    file-sync: { path: /srv/settings, content: "{{ colour }}" }
  credential:
    file-sync: { path: /srv/credential, first_line: "{{ secrets.token }}" }
"""
BAD = GOOD.replace("content:", "contents:")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """One host, that nobody could reach: its transport would leave a file behind."""
    told = ["touch", str(tmp_path / "reached")]
    host = {"ansible_connection": "command", "ansible_command_argv": told}
    (tmp_path / "inventory.yaml").write_text(json.dumps({"all": {"hosts": {"web1": host}}}))
    (tmp_path / "states").mkdir()
    (tmp_path / "states/web.yaml").write_text(GOOD)
    return tmp_path


def run(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(words, cwd=project, env=env, capture_output=True, text=True, timeout=60)


def test_a_valid_state_reads_no_secret_and_reaches_no_host(project: Path) -> None:
    done = run(project, "engine", "validate")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Valid: 1 state file.\n", "")
    assert not (project / "reached").exists()
    assert not (project / ".engine").exists(), "no key is made, either"
    assert (run(project, "engine", "validate", "--format", "github").stdout).strip() == ""
    assert json.loads(run(project, "engine", "validate", "--format", "json").stdout) == {
        "valid": True,
        "problems": [],
    }


def test_github_annotates_the_line(project: Path) -> None:
    (project / "states/web.yaml").write_text(BAD)
    done = run(project, "engine", "validate", "--format", "github")
    assert done.returncode == 3
    (line,) = done.stdout.splitlines()
    assert line.startswith("::error file=states/web.yaml,line=7,col=")
    # More than one line of text stays one command.
    assert "contents" in line
    assert "%0A" in line
    assert "`content`" in line


def test_github_commands_cannot_be_made_by_what_a_state_says(project: Path) -> None:
    hostile = GOOD.replace(
        "file-sync: { path: /srv/settings", '"x\\n::set-output name=a::b%\\r": { path: /srv/settings'
    )
    (project / "states/a,b:c.yaml").write_text(hostile)
    done = run(project, "engine", "validate", "states/a,b:c.yaml", "--format", "github")
    assert done.returncode == 3
    assert done.stdout
    for line in done.stdout.splitlines():
        assert line.startswith("::error file=states/a%2Cb%3Ac.yaml,line=")


def test_problems_as_json(project: Path) -> None:
    (project / "states/web.yaml").write_text(BAD)
    done = run(project, "engine", "validate", "--format", "json")
    assert done.returncode == 3
    found = json.loads(done.stdout)
    assert found["valid"] is False
    (problem,) = found["problems"]
    assert problem["where"].startswith("states/web.yaml:7:")
    assert "contents" in problem["message"]


def test_the_hook_for_pre_commit(project: Path) -> None:
    """As pre-commit would call it: with the files that are committed, in the repository's top directory."""
    (hook,) = yaml.safe_load((TOP / ".pre-commit-hooks.yaml").read_text())
    assert hook["id"] == "engine-validate"
    assert hook["language"] == "python"
    called = shlex.split(hook["entry"])
    done = run(project, *called, "states/web.yaml")
    assert done.returncode == 0, done.stderr
    (project / "states/web.yaml").write_text(BAD)
    done = run(project, *called, "states/web.yaml")
    assert done.returncode == 3
    assert "states/web.yaml:7:" in done.stderr
    assert not (project / "reached").exists()


def test_warnings_of_the_inventory_are_told(project: Path) -> None:
    (project / "inventory.yaml").unlink()
    (project / "hosts").mkdir()
    (project / "hosts/all.yaml").write_text("all: { hosts: { web1: {} }, notes: { for: nobody } }\n")
    for words in (("inventory",), ("validate", "states/web.yaml", "-C", ".")):
        done = run(project, "engine", *words, "-i", "hosts")
        assert done.returncode == 0, done.stderr
        (warning,) = done.stderr.splitlines()
        assert warning.startswith("warning: ")
        assert "all.yaml:1:29: group `all`: `notes` is ignored" in warning
        assert "warning" not in done.stdout
