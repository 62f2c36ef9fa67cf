"""The options that commands share, and how help shows them: in groups, with examples."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from engine.cli.request import METHODS, Request
from engine.program_name import program_name

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS, HOSTS, RESOURCES = "Options", "Hosts and variables", "Resources"
BECOME, CONNECTION, ROLLOUT, OUTPUT = "Another user", "Connection", "Rollout", "Output"


SETTINGS = {"help_option_names": ["-h", "--help"]}


class GroupedOption(click.Option):
    """An option that help shows under the title `group`."""

    def __init__(self, *args: Any, group: str = OPTIONS, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.group = group


class Command(click.Command):
    """A command whose help groups its options and ends with `examples`."""

    def __init__(self, name: str | None, *, examples: str, **settings: Any) -> None:
        super().__init__(name, **{"context_settings": SETTINGS, **settings})
        self.examples = examples

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section a group."""
        groups: dict[str, list[tuple[str, str]]] = {OPTIONS: []}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record is not None:
                groups.setdefault(getattr(param, "group", OPTIONS), []).append(record)
        for title, records in groups.items():
            with formatter.section(title):
                formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        write_examples(formatter, self.examples)


def write_examples(formatter: click.HelpFormatter, examples: str) -> None:
    """Write command lines, one a line, under a title; `{program}` is the command's name in them."""
    with formatter.section("Examples"):
        for line in examples.strip().splitlines():
            formatter.write(f"  {line.format(program=program_name())}\n")


option = partial(click.option, cls=GroupedOption)


def duration(text: str) -> float:
    """A duration of the command line, in seconds; see `engine.kit.duration`, which is imported when it is needed."""
    from engine.kit.duration import seconds

    try:
        return seconds(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _together(options: list[Callable[[F], F]]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for each in reversed(options):
            function = each(function)
        return function

    return decorate


root_option = option(
    "-C",
    "chdir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Project root (default: the nearest directory above with inventory.yaml or .git).",
    group=HOSTS,
)
vault_options = _together(
    [
        option(
            "--vault-id",
            "vault_ids",
            multiple=True,
            metavar="ID",
            help="Password for Ansible Vault: LABEL@FILE or LABEL@prompt; repeatable.",
            group=HOSTS,
        ),
        option(
            "--vault-password-file",
            "vault_password_files",
            multiple=True,
            metavar="FILE",
            help="File or script that has the password for Ansible Vault; repeatable.",
            group=HOSTS,
        ),
        option("-J", "--ask-vault-pass", is_flag=True, help="Ask for the password for Ansible Vault.", group=HOSTS),
    ]
)
inventory_option = _together(
    [
        option(
            "-i",
            "--inventory",
            multiple=True,
            metavar="PATH",
            help="Inventory file or directory; repeatable.",
            group=HOSTS,
        ),
        vault_options,
    ]
)
limit_option = option("-l", "--limit", metavar="PATTERN", help="Only the hosts that match PATTERN.", group=HOSTS)
variables_option = option(
    "-e",
    "--extra-vars",
    "variables",
    multiple=True,
    metavar="VAR",
    help="Set a declared variable: KEY=VALUE or @FILE; repeatable.",
    group=HOSTS,
)


def format_option(*formats: str) -> Callable[[F], F]:
    """`--format`, which takes these."""
    return option(
        "--format",
        "format_",
        type=click.Choice(formats),
        metavar="FORMAT",
        default="text",
        help=f"Output format: {', '.join(formats)}.",
        group=OUTPUT,
    )


yes_option = option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
dry_run_option = option("-n", "--dry-run", is_flag=True, help="Only show the plan.")

what = _together(
    [
        click.argument("states", nargs=-1, metavar="STATE..."),
        root_option,
        inventory_option,
        limit_option,
        variables_option,
        option(
            "--only",
            multiple=True,
            metavar="WORD",
            help="Only these resources: a name, a glob, kind:K or tag:T; repeatable.",
            group=RESOURCES,
        ),
        option("--skip", multiple=True, metavar="WORD", help="All but these resources; repeatable.", group=RESOURCES),
        option(
            "--restart",
            multiple=True,
            metavar="NAME",
            help="Restart these services even if nothing they read changed: a name or a glob; repeatable.",
            group=RESOURCES,
        ),
    ]
)

become = _together(
    [
        option("-b", "--become", is_flag=True, help="Use become unless the inventory says otherwise.", group=BECOME),
        option("--become-user", metavar="USER", help="User to become (default: root).", group=BECOME),
        option(
            "--become-method",
            type=click.Choice(METHODS),
            metavar="METHOD",
            help="Method: sudo or doas (default: sudo).",
            group=BECOME,
        ),
        option("-K", "--ask-become-pass", is_flag=True, help="Ask once for the sudo password.", group=BECOME),
    ]
)

_duration = partial(option, type=duration, metavar="DURATION", show_default=True, group=CONNECTION)

lock_wait_option = _duration("--lock-wait", default="60s", help="Time to wait for a host's lock.")

how = _together(
    [
        become,
        _duration("--connect-timeout", default="10s", help="Time limit for connecting."),
        _duration("--silence", default="60s", help="Give up on a host that sends nothing for this long."),
        option("--accept-new", is_flag=True, help="Trust and record the keys of unknown hosts.", group=CONNECTION),
    ]
)

rollout = _together(
    [
        option(
            "--forks",
            type=click.IntRange(1),
            metavar="NUMBER",
            help="Hosts to process at the same time (default: 30).",
            group=ROLLOUT,
        ),
        option(
            "--batches", metavar="LIST", help="Counts, percentages or patterns of hosts: 1,10%,100%.", group=ROLLOUT
        ),
        option(
            "--max-failures",
            metavar="N|N%",
            help="Failed hosts to tolerate (default: 0).",
            group=ROLLOUT,
        ),
        option("--pause", metavar="DURATION", help="Time to wait between batches: 90, 2m, 1h.", group=ROLLOUT),
    ]
)

display = _together(
    [
        option("-q", "--quiet", is_flag=True, help="Show only failures, notes and the summary.", group=OUTPUT),
        option(
            "-v",
            "--verbose",
            count=True,
            help="Show unchanged resources and actions too; -vv: the programs sent to hosts.",
            group=OUTPUT,
        ),
        option("--diff", is_flag=True, help="Show text differences, except where they hold secrets.", group=OUTPUT),
        option(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            metavar="WHEN",
            default="auto",
            help="Use colour: auto, always or never (default: auto).",
            group=OUTPUT,
        ),
    ]
)

REQUEST_FIELDS = frozenset(Request.__dataclass_fields__)


def request_of(options: dict[str, Any]) -> Request:
    """The part of a command's options that says what to do and how to get there."""
    return Request(**{name: value for name, value in options.items() if name in REQUEST_FIELDS})
