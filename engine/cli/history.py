"""Commands about past runs: history, show, retry, rollback."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.become import recorded
from engine.cli.options import (
    Command,
    become,
    display,
    dry_run_option,
    limit_option,
    option,
    root_option,
    vault_options,
    yes_option,
)
from engine.cli.output import Printer
from engine.cli.project import project_root
from engine.codes import Code
from engine.errors import InvalidInput, Problem
from engine.model import HostDeclaration, Lost
from engine.model.counting import count
from engine.plan.rollback import Changed, rolled_back
from engine.run import journal
from engine.run.backup import place
from engine.views.escape import lines as shown_lines
from engine.views.escape import visible
from engine.views.short import short

if TYPE_CHECKING:
    from engine.cli.job import Rewrite


@click.command("history", cls=Command, examples="{program} history -n 5")
@root_option
@option(
    "-n",
    "--number",
    type=click.IntRange(1),
    default=20,
    metavar="NUMBER",
    help="How many runs (default: 20).",
)
def history_command(chdir: Path | None, number: int) -> None:
    """List the latest applies of this project, newest last.

    The project keeps the latest 1000; set ENGINE_KEEP_RUNS to change that.
    """
    root = project_root(Path.cwd(), chdir)
    rows = [_row(root, run) for run in journal.runs(root)[-number:]]
    if not rows:
        Printer().out("This project has no recorded apply yet.")
        return
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    Printer().out("\n".join(lines))


def _row(root: Path, run: str) -> tuple[str, ...]:
    try:
        events = journal.events(root, run)
    except InvalidInput as error:
        return run, "?", "?", "", error.problems[0].message
    started = _first(events, "started")
    finished = _first(events, "finished")
    changed = sum(event["event"] == "resource" and event["verdict"] == "changed" for event in events)
    left = journal.unfinished_hosts(events)
    outcome = "converged" if finished and finished["exit"] == 0 else f"exit {finished['exit']}" if finished else ""
    outcome = f"{len(left)} not converged" if finished and left else outcome or "killed before it ended"
    if started and started.get("lost") and finished and not left:
        outcome = "partly restored"
    hosts = len(started["hosts"]) if started else 0
    who = visible(str(started["who"]).split(" ")[0]) if started else "?"
    state = visible(str(started["state"])) if started else "?"
    return run, who, state, f"{count(hosts, 'host')}, {changed} changed", outcome


@click.command("show", cls=Command, examples="{program} show RUN")
@click.argument("run")
@root_option
def show_command(run: str, chdir: Path | None) -> None:
    """Show what RUN did, by host and resource."""
    root = project_root(Path.cwd(), chdir)
    events = journal.events(root, run)
    started = _first(events, "started") or {}
    lines = [
        f"{run}: " + visible(f"{started.get('state', '?')} by {started.get('who', '?')}, {started.get('at', '?')}"),
        visible(f"plan {started['plan']}") if started.get("plan") else "",
        visible(f"rollback of {started['rollback']}") if started.get("rollback") else "",
    ]
    for host in started.get("hosts", []):
        lines += [visible(host), *_host_lines(host, events)]
        lost = (each for each in started.get("lost", []) if each["host"] == host)
        lines += [visible(f"  not restored: {each['name']}: {each['why']}") for each in lost]
    finished = _first(events, "finished")
    lines.append(
        f"exit {finished['exit']}, {finished['seconds']} s" if finished else "The run was killed before it ended."
    )
    Printer().out("\n".join(line for line in lines if line))


def _host_lines(host: str, events: list[dict[str, Any]]) -> list[str]:
    mine = [event for event in events if event.get("host") == host]
    resources = [event for event in mine if event["event"] == "resource"]
    end = _first(mine, "host")
    if end is None:
        steps = [event for event in mine if event["event"] in ("step-started", "step-finished")]
        last = f"; last event: {steps[-1]['event']} {visible(steps[-1]['name'])}" if steps else ""
        return [f"  the run ended here without a result{last}"]
    if end["error"]:
        return [f"  {line}" for line in shown_lines(str(end["error"]))]
    if not end["started"]:
        return ["  not started"]
    return [f"  {event['verdict']:<9} {visible(event['name'])}{_changes(event)}" for event in resources]


def _changes(event: Mapping[str, Any]) -> str:
    if event["verdict"] == "changed":
        pairs = (f"{visible(a['name'])} {_shown(a['before'])} → {_shown(a['after'])}" for a in event["attributes"])
        return "  " + "; ".join(pairs)
    return "  " + "\n    ".join(shown_lines(event["reason"])) if event["reason"] else ""


def _shown(value: object) -> str:
    return "absent" if value is None else short(visible(str(value)))


@click.command("retry", cls=Command, examples="{program} retry RUN")
@click.argument("run")
@root_option
@yes_option
@vault_options
@become
@display
def retry_command(run: str, chdir: Path | None, **options: Any) -> None:
    """Re-run RUN on the hosts where it did not succeed."""
    from engine.cli.run import apply

    root = project_root(Path.cwd(), chdir)
    events = journal.events(root, run)
    hosts = journal.unfinished_hosts(events)
    if not hosts:
        _refuse_failed(run, events)
        Printer().out(f"Nothing to retry: every host of {run} converged.")
        return
    started = _first(events, "started") or {}
    if started.get("rollback"):
        sys.exit(_roll_back(root, started["rollback"], options, apply, hosts=hosts))
    sys.exit(apply(_asked(run, events, root, hosts, options)))


def _refuse_failed(run: str, events: list[dict[str, Any]]) -> None:
    """Raises InvalidInput where a run has failed, or nobody knows, and no host is recorded as not converged. (A run
    that was stopped on request may have been done.)"""
    finished = _first(events, "finished")
    if _first(events, "started") is None or (finished and finished["exit"] not in (0, 130)):
        code = f"the run ended with exit code {finished['exit']}, but " if finished else ""
        hint = "The record is damaged. Run apply again with the same state."
        raise InvalidInput(
            Problem(
                f"{code}the record does not show which hosts failed", where=run, hints=(hint,), code=Code.RUN_DAMAGED
            )
        )


@click.command("rollback", cls=Command, examples="{program} rollback RUN --dry-run\n{program} rollback RUN")
@click.argument("run")
@root_option
@limit_option
@yes_option
@dry_run_option
@vault_options
@become
@display
def rollback_command(run: str, chdir: Path | None, limit: str | None, dry_run: bool, **options: Any) -> None:
    """Restore what RUN replaced on its hosts.

    A rollback restores file content, mode and owner, and git revisions, and restarts the
    services that use them. It shows a plan, asks, and verifies the result, like any apply.
    Hosts keep what the latest 20 runs replaced.

    Before it asks, it lists what it cannot restore (such as installed packages or removed
    directories). It restores the rest and exits with 1.
    """
    from engine.cli.run import apply, plan

    sys.exit(_roll_back(project_root(Path.cwd(), chdir), run, options, plan if dry_run else apply, limit=limit))


def _roll_back(
    root: Path,
    run: str,
    options: Mapping[str, Any],
    command: Callable[[dict[str, Any], Rewrite], int],
    *,
    limit: str | None = None,
    hosts: Sequence[str] | None = None,
) -> int:
    """Roll a run back on the hosts it changed: those that the limit names, those among `hosts`. The exit code."""
    events = journal.events(root, run)
    changed = {
        host: some
        for host, some in journal.changed(events).items()
        if _changes_hosts(some) and host in (hosts or [host])
    }
    if not changed:
        Printer().out(f"Nothing to roll back: {run} changed nothing.")
        return 0
    wanted = {**_asked(run, events, root, list(changed), options), "only": (), "skip": (), "restart": ()}
    if limit:
        wanted["limit"] += f":&{limit}"
    return command(wanted, TakenBack(run, changed))


def _changes_hosts(changed: Mapping[str, Changed]) -> bool:
    """Whether there is more than checks that failed."""
    from engine.declare.registry import kinds

    known = kinds()
    return any(was.kind not in known or not known[was.kind].check for was in changed.values())


class TakenBack:
    """What is declared for a host → what puts back the changes of a run there."""

    def __init__(self, run: str, changed: Mapping[str, Mapping[str, Changed]]) -> None:
        self.run, self._changed = run, changed
        self._lost: dict[str, tuple[Lost, ...]] = {}

    def __call__(self, declared: HostDeclaration) -> HostDeclaration:
        """See `rolled_back`."""
        host = declared.host.name
        back, self._lost[host] = rolled_back(declared, self._changed.get(host, {}), partial(place, self.run))
        return back

    def lost(self) -> tuple[Lost, ...]:
        """What cannot be put back, in the order in which the run changed the hosts."""
        return tuple(lost for host in self._changed for lost in self._lost.get(host, ()))


def _asked(
    run: str, events: list[dict[str, Any]], root: Path, hosts: list[str], options: Mapping[str, Any]
) -> dict[str, Any]:
    """The options under which a run's states are planned again, on some of its hosts. What `options` say of becoming
    another user comes before what the run was told of it."""
    started = _first(events, "started")
    if started is None:
        raise InvalidInput(Problem("the run did not start anything", where=run, code=Code.NOT_REPEATABLE))
    if any("<secret>" in variable for variable in started["variables"]):
        raise InvalidInput(
            Problem(
                "the run got a secret with -e, and secrets are not recorded. Run apply again with it.",
                where=run,
                code=Code.NOT_REPEATABLE,
            )
        )
    return {
        **options,
        **{name: options[name] or value for name, value in recorded(started.get("become", {})).items()},
        **started.get("rollout", {}),
        "states": tuple(started["states"]),
        "inventory": tuple(started["inventory"]),
        "variables": tuple(started["variables"]),
        "only": tuple(started["only"]),
        "skip": tuple(started["skip"]),
        "restart": tuple(started.get("restart", ())),
        "restarted": _restarted(started, events),
        "limit": ",".join(hosts),
        "chdir": root,
        "format_": "text",
    }


def _restarted(started: Mapping[str, Any], events: list[dict[str, Any]]) -> frozenset[tuple[str, str]]:
    """Host and name of all that a run, and the run it retried, have carried out: a restart that was requested and has
    happened is not repeated."""
    before = ((str(host), str(name)) for host, name in started.get("restarted", ()))
    done = ((e["host"], e["name"]) for e in events if e["event"] == "step-finished" and e.get("ok"))
    return frozenset((*before, *done))


def _first(events: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
    return next((event for event in events if event["event"] == name), None)
