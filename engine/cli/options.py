"""The options that `plan` and `apply` share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from engine.cli.request import METHODS, Request

F = TypeVar("F", bound=Callable[..., Any])

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def _together(options: list[Callable[[F], F]]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


root_option = click.option(
    "-C", "chdir", type=click.Path(path_type=Path), metavar="DIR", help="Project root (default: found upwards)."
)
inventory_option = click.option(
    "-i", "--inventory", multiple=True, metavar="PATH", help="Inventory file or directory; may be repeated."
)
limit_option = click.option("-l", "--limit", metavar="PATTERN", help="Only these hosts of the state's pattern.")
variables_option = click.option(
    "-e",
    "--extra-vars",
    "variables",
    multiple=True,
    metavar="KEY=VALUE|@FILE",
    help="Set a declared variable; may be repeated.",
)

what = _together(
    [
        click.argument("states", nargs=-1, metavar="STATE..."),
        root_option,
        inventory_option,
        limit_option,
        variables_option,
        click.option("--only", multiple=True, metavar="WORD", help="Only resources by name, glob, kind:K or tag:T."),
        click.option("--skip", multiple=True, metavar="WORD", help="Leave these resources out."),
    ]
)

become = _together(
    [
        click.option("-b", "--become", is_flag=True, help="Become another user on hosts that do not say otherwise."),
        click.option("--become-user", metavar="USER", help="Whom (default: root)."),
        click.option("--become-method", type=click.Choice(METHODS), help="By which program (default: sudo)."),
        click.option("-K", "--ask-become-pass", is_flag=True, help="Ask for sudo's password, once."),
    ]
)

how = _together(
    [
        become,
        click.option("--forks", type=click.IntRange(1), help="Hosts worked on at the same time (default: 30)."),
        click.option("--connect-timeout", type=float, default=10.0, show_default=True, metavar="SECONDS"),
        click.option(
            "--silence",
            type=float,
            default=60.0,
            show_default=True,
            metavar="SECONDS",
            help="A host that says nothing for so long counts as lost.",
        ),
        click.option("--accept-new", is_flag=True, help="Trust and remember the key of a host not known yet."),
    ]
)

rollout = _together(
    [
        click.option("--batches", metavar="LIST", help="Hosts in batches: counts, shares, patterns (1,10%,100%)."),
        click.option("--max-failures", metavar="N|N%", help="Failed hosts that are put up with (default: 0)."),
        click.option("--pause", metavar="DURATION", help="Wait between batches."),
    ]
)

display = _together(
    [
        click.option("-q", "--quiet", is_flag=True, help="Only failures and the summary."),
        click.option("-v", "--verbose", count=True, help="-v: unchanged resources and actions; -vv: programs."),
        click.option("--diff", is_flag=True, help="Show differences of text, where no secret is in it."),
        click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True),
    ]
)

REQUEST_FIELDS = frozenset(Request.__dataclass_fields__)


def request_of(options: dict[str, Any]) -> Request:
    """The part of a command's options that says what to do and how to get there."""
    return Request(**{name: value for name, value in options.items() if name in REQUEST_FIELDS})
