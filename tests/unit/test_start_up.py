"""What a command imports: kinds only where a state or a command names them, and nothing heavy before it is used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"bcrypt", "docker", "jinja2", "jmespath", "jsonschema", "packaging", "paramiko", "regex", "rich"}
RUN = """
import contextlib, io, json, sys
from engine.cli import {entry} as run
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    run()
print(json.dumps(sorted(sys.modules)))
"""
ENTRIES = {"apply": "apply_main", "engine": "main", "plan": "plan_main"}


def imported(command: str, directory: Path) -> set[str]:
    """The modules that a command has imported when it ends."""
    (directory / "inventory.yaml").write_text("all: { hosts: { here: { ansible_connection: local } } }\n")
    name, *words = command.split()
    argv = [sys.executable, "-c", RUN.format(entry=ENTRIES[name]), *words]
    done = subprocess.run(argv, cwd=directory, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def kinds(modules: set[str]) -> set[str]:
    return {name.split(".")[2] for name in modules if name.startswith("engine.kinds.")}


@pytest.mark.parametrize(
    "command", ["engine --help", "apply --help", "plan --help", "plan state.yaml", "engine validate state.yaml"]
)
def test_nothing_is_imported_before_it_is_used(command: str, tmp_path: Path) -> None:
    (tmp_path / "state.yaml").write_text("hosts: all\nresources: {}\n")
    modules = imported(command, tmp_path)
    assert kinds(modules) == set()
    assert modules & HEAVY == set()
    assert "engine.kit.kind" not in modules
    if command.endswith("--help") and not command.startswith("engine"):
        assert "engine.model" not in modules


def test_a_kind_is_imported_where_a_state_names_it(tmp_path: Path) -> None:
    body = "hosts: all\nresources:\n  it: { http-assert: { url: 'http://127.0.0.1/' } }\n"
    (tmp_path / "state.yaml").write_text(body)
    modules = imported("engine validate state.yaml", tmp_path)
    assert kinds(modules) == {"http_assert"}
    assert modules & HEAVY == set()


@pytest.mark.parametrize("command", ["engine validate state.yaml", "engine kinds http-asert"])
def test_the_nearest_name_is_told_without_importing_a_kind(command: str, tmp_path: Path) -> None:
    (tmp_path / "state.yaml").write_text("hosts: all\nresources:\n  it: { http-asert: { url: x } }\n")
    assert kinds(imported(command, tmp_path)) == set()
