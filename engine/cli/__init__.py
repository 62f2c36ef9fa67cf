"""The commands: `engine`, with `plan` and `apply` also on their own. Exit codes are those of `engine.errors`."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn, cast

import click

from engine import __version__
from engine.cli.options import (
    SETTINGS,
    Command,
    display,
    dry_run_option,
    format_option,
    how,
    lock_wait_option,
    option,
    rollout,
    what,
    write_examples,
    yes_option,
)
from engine.cli.terminal import restore
from engine.codes import Code
from engine.errors import DEBUG, EngineError, internal

MORE = {
    "validate": "engine.cli.info:validate_command",
    "kinds": "engine.cli.info:kinds_command",
    "explain": "engine.cli.explain:explain_command",
    "schema": "engine.cli.info:schema_command",
    "inventory": "engine.cli.info:inventory_command",
    "history": "engine.cli.history:history_command",
    "show": "engine.cli.history:show_command",
    "retry": "engine.cli.history:retry_command",
    "rollback": "engine.cli.history:rollback_command",
    "unlock": "engine.cli.unlock:unlock_command",
}
"""Commands that are imported only when needed."""
EXAMPLES = """
{program} plan states/qwen.yaml
{program} apply states/qwen.yaml
{program} COMMAND --help
"""


class Lazy(click.Group):
    """A group that imports only the command that runs, so that start-up stays fast."""

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

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        write_examples(formatter, EXAMPLES)


@click.group(cls=Lazy, context_settings=SETTINGS)
@click.version_option(__version__, prog_name="onetrip", message="%(prog)s %(version)s")
def cli() -> None:
    """onetrip, a declarative state engine: YAML files describe your hosts, `plan` shows
    what differs, and `apply` changes it."""


PLAN_EXAMPLES = """
plan states/qwen.yaml
plan states/qwen.yaml --limit gpu1 --only login-node
plan states/qwen.yaml --out plan.json
"""
APPLY_EXAMPLES = """
apply states/qwen.yaml
apply states/qwen.yaml -y --skip tag:slow
apply plan.json
"""


@cli.command("plan", cls=Command, examples=PLAN_EXAMPLES)
@what
@option("--out", metavar="FILE", help="Save the plan for review; `apply FILE` applies it.")
@option("--detailed-exitcode", is_flag=True, help="Exit with 2 if changes are pending.")
@option("--no-guards", is_flag=True, help="Do not run the guards of commands.")
@how
@rollout
@format_option("text", "json", "markdown", "html")
@display
def plan_command(**options: Any) -> None:
    """Show what differs from the STATE files; change nothing.

    STATE is a file or a directory of files.

    \b
    Exit codes:
      0  done
      1  a host or resource failed
      2  changes are pending (only with --detailed-exitcode)
      3  invalid input
      4  a host could not be reached
    """
    from engine.cli.run import plan

    sys.exit(plan(options))


@cli.command("apply", cls=Command, examples=APPLY_EXAMPLES)
@what
@yes_option
@dry_run_option
@how
@lock_wait_option
@rollout
@format_option("text", "json", "markdown", "html", "junit")
@display
def apply_command(**options: Any) -> None:
    """Change hosts to match the STATE files, and verify the result.

    STATE is a file or a directory of files, or a plan saved with `plan --out`. Hosts that
    changed since a saved plan was made are refused.

    \b
    Exit codes:
      0    done
      1    a host or resource failed or did not converge
      3    invalid input
      4    a host could not be reached
      5    a reviewed plan no longer holds
      130  stopped on request
    """
    from engine.cli.run import apply, plan

    sys.exit(plan(options) if options.pop("dry_run") else apply(options))


def _run(command: click.Command) -> None:
    """Run a command; every failure ends in one clear message and an exit code, never in a traceback."""
    try:
        command.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _print_error("stopped", Code.INTERRUPTED)
        _leave(130)
    except click.ClickException as error:
        _print_error(_usage(error))
        sys.exit(3)
    except EngineError as error:
        from engine.model.sentence import shown

        _print_error(shown(error))
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if os.environ.get(DEBUG):
            from engine.cli.output import traceback_of

            _print_error(traceback_of(error))
        else:
            _print_error(internal(error), Code.INTERNAL)
        sys.exit(1)


def _usage(error: click.ClickException) -> str:
    """What is wrong with the command line, after how the command is used."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    usage = [context.get_usage(), f"Try '{context.command_path} --help' for help.", ""] if context else []
    return "\n".join([*usage, f"Error: {error.format_message()} [{Code.USAGE}]"])


def _leave(code: int) -> NoReturn:
    """End the process, even if a thread waits for a host that does not answer."""
    main = threading.main_thread()
    if any(thread is not main and not thread.daemon for thread in threading.enumerate()):
        restore()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def _print_error(text: str, code: Code | None = None) -> None:
    from engine.cli.output import Printer
    from engine.model.sentence import coded

    (Printer.last or Printer()).err(coded(text, code))


def main() -> None:
    """Console scripts `onetrip` and `engine`."""
    _run(cli)


def apply_main() -> None:
    """Console script `apply`."""
    _run(apply_command)


def plan_main() -> None:
    """Console script `plan`."""
    _run(plan_command)
