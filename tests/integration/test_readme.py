"""The README holds: its first state is applied as printed, and its commands and links exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click

from engine.cli import MORE, cli
from tests.integration.project import Project

TOP = Path(__file__).resolve().parents[2]
TEXT = (TOP / "README.md").read_text()


def test_the_first_state(tmp_path: Path) -> None:
    found = re.search(r"```yaml\n(name: hello\n.*?)```", TEXT, re.DOTALL)
    assert found is not None
    file = tmp_path / "hello.txt"
    assert "/tmp/hello.txt" in found[1]
    project = Project(tmp_path)
    (project.root / "inventory.yaml").unlink()
    project.write("state.yaml", found[1].replace("/tmp/hello.txt", str(file)))

    plan = project.run("plan", env={})
    assert re.search(r"\n  \+ greeting +content +sha256:b22b00913462\n", plan.out), plan.out + plan.err
    assert re.search(r"\nPlan: 1 to create\.   1 host, 1 trip, [\d.]+ s\n", plan.out)
    assert project.run("apply").code == 0
    assert file.read_text() == "Hello!\n"
    assert "1 unchanged" in project.run("apply").out
    (first, _) = project.runs()
    assert project.run("engine", "rollback", first, "-y", state="").code == 0
    assert not file.exists()


def test_commands_and_links() -> None:
    commands = [found for found in re.findall(r"`((?:plan|apply|onetrip)\b[^`]*)`", TEXT) if " " in found]
    assert len(commands) > 10
    for line in commands:
        program, *words = shlex.split(line)
        name = words.pop(0) if program == "onetrip" and not words[0].startswith("-") else program
        assert name in ("plan", "apply", "onetrip", *MORE), line
        known = cli if name == "onetrip" else cli.get_command(click.Context(cli), name)
        assert known is not None
        options = {spelled for option in known.params for spelled in option.opts} | {"--help"}
        assert {word for word in words if word.startswith("-")} <= options, line
    for link in re.findall(r"\]\(([^)#:]+)[^)]*\)", TEXT):
        assert (TOP / link).exists(), link
