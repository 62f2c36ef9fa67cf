"""The commands: `engine`, with `plan` and `apply` also on their own. Exit codes are those of `engine.errors`."""

from __future__ import annotations

import io
import os
import sys
import threading
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn, cast

import click

from engine import __version__
from engine.cli.options import SETTINGS, display, how, rollout, what
from engine.cli.terminal import restore
from engine.errors import DEBUG, EngineError, internal
from engine.model import said

FORMATS = ["text", "json", "markdown", "html"]


MORE = {
    "validate": "engine.cli.info:validate_command",
    "kinds": "engine.cli.info:kinds_command",
    "schema": "engine.cli.info:schema_command",
    "inventory": "engine.cli.info:inventory_command",
    "history": "engine.cli.history:history_command",
    "show": "engine.cli.history:show_command",
    "retry": "engine.cli.history:retry_command",
    "rollback": "engine.cli.history:rollback_command",
    "unlock": "engine.cli.unlock:unlock_command",
}
"""Commands that are imported only when they are named."""


class Lazy(click.Group):
    """A group that imports a command when it is wanted, so that start-up pays for one only."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Commands of `MORE` beside those registered."""
        return sorted({*super().list_commands(ctx), *MORE})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import what `MORE` names."""
        target = MORE.get(cmd_name)
        if target is None:
            return super().get_command(ctx, cmd_name)
        module, attribute = target.split(":")
        return cast(click.Command, getattr(import_module(module), attribute))


@click.group(cls=Lazy, context_settings=SETTINGS)
@click.version_option(__version__, prog_name="onetrip", message="%(prog)s %(version)s")
def cli() -> None:
    """A declarative state engine: a YAML file says what hosts should look like."""


@cli.command("plan", context_settings=SETTINGS)
@what
@click.option("--out", metavar="FILE", help="Save the plan for review; `apply FILE` carries it out.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where changes are pending.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True)
@how
@rollout
@display
def plan_command(**options: Any) -> None:
    """Show what differs from the STATE files (or a directory of them); changes nothing.

    \b
    Exit codes: 0 done; 1 a host or resource failed; 2 changes pending (only with --detailed-exitcode);
    3 invalid input; 4 a host could not be reached.
    """
    from engine.cli.run import plan

    sys.exit(plan(options))


@cli.command("apply", context_settings=SETTINGS)
@what
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("-n", "--dry-run", is_flag=True, help="Only plan.")
@click.option(
    "--lock-wait", type=float, default=60.0, show_default=True, metavar="SECONDS", help="Wait for a host's lock."
)
@click.option("--format", "format_", type=click.Choice([*FORMATS, "junit"]), default="text", show_default=True)
@how
@rollout
@display
def apply_command(**options: Any) -> None:
    """Make hosts what the STATE files say, and prove it. A plan file made by `plan --out` is applied as reviewed.

    \b
    Exit codes: 0 done; 1 a host or resource failed or did not converge; 3 invalid input;
    4 a host could not be reached; 5 a reviewed plan no longer holds; 130 stopped on request.
    """
    from engine.cli.run import apply, plan

    sys.exit(plan(options) if options.pop("dry_run") else apply(options))


def _run(command: click.Command) -> None:
    """Run a command; whatever goes wrong ends in one clear message and an exit code, never in a traceback."""
    try:
        command.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _print_error("stopped")
        _leave(130)
    except click.ClickException as error:
        usage = io.StringIO()
        error.show(usage)
        _print_error(usage.getvalue())
        sys.exit(3)
    except EngineError as error:
        _print_error(said(error))
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if os.environ.get(DEBUG):
            from engine.cli.output import traceback_of

            _print_error(traceback_of(error))
        else:
            _print_error(internal(error))
        sys.exit(1)


def _leave(code: int) -> NoReturn:
    """End the process, also where a thread waits for a host that does not answer."""
    main = threading.main_thread()
    if any(thread is not main and not thread.daemon for thread in threading.enumerate()):
        restore()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def _print_error(text: str) -> None:
    from engine.cli.output import Printer

    (Printer.last or Printer()).err(text)


def main() -> None:
    """Console script `engine`."""
    _run(cli)


def apply_main() -> None:
    """Console script `apply`."""
    _run(apply_command)


def plan_main() -> None:
    """Console script `plan`."""
    _run(plan_command)
