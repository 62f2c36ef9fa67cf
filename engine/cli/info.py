"""Commands that contact no host: validate, kinds, schema, inventory."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from engine.cli.options import (
    Command,
    format_option,
    inventory_option,
    limit_option,
    option,
    request_of,
    root_option,
    variables_option,
)
from engine.cli.output import Printer
from engine.cli.project import extra_vars, load_inventory, project_root, state_files
from engine.codes import Code
from engine.declare.inventory import Inventory
from engine.declare.templates.names import Deferred
from engine.errors import InvalidInput, Problem
from engine.model import Secret
from engine.model.counting import count
from engine.views.escape import json_text, lines, visible


@click.command(
    "validate", cls=Command, examples="{program} validate\n{program} validate states/qwen.yaml --format github"
)
@click.argument("states", nargs=-1, metavar="STATE...")
@root_option
@inventory_option
@limit_option
@variables_option
@format_option("text", "json", "github")
def validate_command(states: tuple[str, ...], format_: str, **options: Any) -> None:
    """Check STATE files and the inventory.

    Checks all files in states/ unless STATE is given. It reads no secrets and contacts no
    hosts; it assumes Linux on x86_64.

    \b
    Exit codes:
      0  valid
      3  invalid
    """
    from engine.declare.build import load
    from engine.declare.host_facts import REPRESENTATIVE

    chdir: Path | None = options["chdir"]
    base = chdir or Path()
    try:
        files = state_files(states or ((str(base / "states"),) if (base / "states").is_dir() else ()), chdir)
        root = project_root(files[0], chdir)
        inventory = load_inventory(root, request_of(options))
        extra = extra_vars(options["variables"], root)
    except InvalidInput as error:
        _report(error.problems, format_)
        sys.exit(3)
    problems: list[Problem] = []
    for file in files:
        try:
            load(
                [file],
                project=root,
                inventory=inventory,
                extra=extra,
                limit=options["limit"],
                read_secrets=False,
                facts=REPRESENTATIVE,
            )
        except InvalidInput as error:
            problems += error.problems
    _warn(inventory)
    _report(tuple(problems), format_)
    if problems:
        sys.exit(3)
    if format_ == "text":
        Printer().out(f"Valid: {count(len(files), 'state file')}.")


def _report(problems: tuple[Problem, ...], format_: str) -> None:
    if format_ == "json":
        rows = [
            {"where": str(p.where or ""), "message": p.message, "hints": list(p.hints), "code": str(p.code)}
            for p in problems
        ]
        Printer().rendered(json_text({"valid": not problems, "problems": rows}, indent=1))
    elif format_ == "github":
        for problem in problems:
            Printer().rendered(_annotation(problem))
    else:
        for problem in problems:
            Printer().err(problem.coded())


def _annotation(problem: Problem) -> str:
    """A workflow command of GitHub Actions; its own characters in values are percent-encoded."""
    where = problem.where
    place = ""
    if where is not None and not isinstance(where, str):
        place = f" file={_encoded(visible(where.file), ':,')},line={where.line or 1},col={where.column or 1}"
    text = "\n".join(line for part in (f"{problem.message} [{problem.code}]", *problem.hints) for line in lines(part))
    return f"::error{place}::{_encoded(text)}"


def _encoded(text: str, more: str = "") -> str:
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


@click.command("kinds", cls=Command, examples="{program} kinds\n{program} kinds git-clone")
@click.argument("kind", required=False)
def kinds_command(kind: str | None) -> None:
    """List the kinds, or print the reference of KIND."""
    from engine.declare.registry import Kinds
    from engine.declare.schema.reference import reference

    kinds = Kinds()
    if kind is None:
        width = max(map(len, kinds))
        Printer().out("\n".join(f"{name:<{width}}  {kinds[name].summary}" for name in kinds))
    elif kind in kinds:
        Printer().out(reference(kinds[kind]))
    else:
        near = get_close_matches(kind, list(kinds), n=1)
        hints = (*((f"did you mean `{near[0]}`?",) if near else ()), f"Available: {', '.join(kinds)}")
        raise InvalidInput(Problem(f"there is no kind `{kind}`", hints=hints, code=Code.UNKNOWN_KIND))


@click.command("schema", cls=Command, examples="{program} schema > engine.schema.json")
@option("--inventory", is_flag=True, help="Print the schema of inventories instead.")
def schema_command(inventory: bool) -> None:
    """Print the JSON Schema of state files, for editors."""
    from engine.declare.inventory.schema import inventory_schema
    from engine.declare.schema.document import state_schema

    Printer().rendered(json_text(inventory_schema() if inventory else state_schema(), indent=2))


@click.command("inventory", cls=Command, examples="{program} inventory 'gpu*'\n{program} inventory --host gpu1")
@click.argument("pattern", default="all")
@root_option
@inventory_option
@limit_option
@option("--graph", is_flag=True, help="Show groups and their hosts as a tree.")
@option("--host", "name", metavar="NAME", help="Show the variables of one host, as YAML.")
def inventory_command(pattern: str, graph: bool, name: str | None, limit: str | None, **options: Any) -> None:
    """List the hosts that match PATTERN, like Ansible."""
    import yaml

    root = project_root(Path.cwd(), options["chdir"])
    inventory = load_inventory(root, request_of(options))
    if graph:
        Printer().out(inventory.graph())
    elif name is not None:
        host = inventory.hosts(name, None)[0]
        printer = Printer()
        printer.learn(lambda: inventory.secrets)
        printer.out(printer.redact(yaml.safe_dump(_plain(host.vars), sort_keys=True, allow_unicode=True)))
        for problem in host.problems:
            printer.err(f"warning: {problem.coded()}")
    else:
        Printer().out("\n".join(inventory.names(pattern, limit)))
    _warn(inventory)


def _plain(value: Any) -> Any:
    """A value of a variable as YAML can show it; in the place of what is encrypted stands `<secret>`."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return "<secret>" if isinstance(value, Secret | Deferred) else value


def _warn(inventory: Inventory) -> None:
    """Asked last: some of what is odd shows only when hosts and variables are looked at."""
    for warning in inventory.warnings:
        Printer().err(f"warning: {warning}")
