"""The help of every command fits a terminal of 80 columns, groups its options and shows examples."""

from __future__ import annotations

import re

import click
import pytest
from click.testing import CliRunner

from engine.cli import MORE, cli
from engine.cli.options import OPTIONS

COMMANDS = sorted([*MORE, "plan", "apply"])


def page(*words: str) -> str:
    found = CliRunner().invoke(cli, [*words, "--help"], terminal_width=80)
    assert found.exit_code == 0, found.output
    return found.output


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_it_fits_80_columns_untruncated(command: str) -> None:
    text = page(*command.split())
    assert [line for line in text.splitlines() if len(line) > 80] == []
    assert [line for line in text.splitlines() if line.endswith("...") and not line.startswith("Usage")] == []


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_it_ends_with_examples(command: str) -> None:
    examples = page(*command.split()).partition("\nExamples:\n")[2].splitlines()
    assert examples
    for line in examples:
        program, *words = line.split()
        assert program in ("plan", "apply", "onetrip")
        assert program != "onetrip" or words[0] in (*COMMANDS, "COMMAND")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_has_a_sentence_and_a_group(command: str) -> None:
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    shared = {"chdir", "inventory", "limit", "variables", "only", "skip", "become", "forks", "quiet", "color"}
    for option in found.params:
        if isinstance(option, click.Option):
            assert re.fullmatch(r"[A-Z].*\.", option.help or ""), option.name
            own = command == "schema" or option.name not in shared
            assert own or getattr(option, "group", OPTIONS) != OPTIONS, option.name


def test_the_list_of_commands_is_whole() -> None:
    text = page()
    for command in COMMANDS:
        assert re.search(rf"^  {command} +[A-Z].*\.$", text, re.MULTILINE), command


@pytest.mark.parametrize(
    ("called", "name"),
    [("/usr/bin/engine", "engine"), ("onetrip.exe", "onetrip"), ("/venv/bin/plan", "onetrip"), ("pytest", "onetrip")],
)
def test_it_names_the_command_by_which_it_was_called(called: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", [called])
    assert f"  {name} retry RUN\n" in page("retry")
