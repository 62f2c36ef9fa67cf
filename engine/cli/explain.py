"""`explain`: what an error code means, and what to do."""

from __future__ import annotations

from difflib import get_close_matches

import click

from engine.cli.options import Command
from engine.cli.output import Printer
from engine.codes import BY_NAME, GROUPS, Code
from engine.errors import InvalidInput, Problem
from engine.program_name import program_name


@click.command("explain", cls=Command, examples="{program} explain OT1108\n{program} explain")
@click.argument("code", required=False)
def explain_command(code: str | None) -> None:
    """Print what the error CODE means and what to do.

    Lists all codes unless CODE is given.
    """
    if code is None:
        Printer().out(_all())
        return
    known = BY_NAME.get(code.strip("[] ").upper())
    if known is None:
        near = get_close_matches(code.upper(), list(BY_NAME), n=1)
        hints = (*((f"did you mean `{near[0]}`?",) if near else ()), "`explain` without a code lists all")
        raise InvalidInput(Problem(f"there is no error code `{code}`", hints=hints, code=Code.UNKNOWN_CODE))
    Printer().out(f"{known}  {known.group}\n\n{known.meaning}\n\nWhat to do: {known.fix(program_name())}")


def _all() -> str:
    lines: list[str] = []
    for number, title in GROUPS.items():
        lines += ["", title] if lines else [title]
        lines += [f"  {code}  {code.meaning}" for code in Code if code.number // 100 == number]
    return "\n".join(lines)
