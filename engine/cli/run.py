"""`plan` and `apply`, from options to exit code."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from engine.cli.become import asked_for
from engine.cli.job import Job, Rewrite, who
from engine.cli.options import request_of
from engine.cli.output import Printer, can_ask
from engine.cli.project import project_root
from engine.codes import Code
from engine.declare.problems import sorted_problems
from engine.errors import EngineError, Interrupted, InvalidInput, Problem
from engine.model import Command, Plan, Report, Stop
from engine.model.events import Note
from engine.program_name import program_name
from engine.run.rollout import Rollout, converged
from engine.views import render, wording
from engine.views.progress import ProgressView, Screen, make

if TYPE_CHECKING:
    from engine.cli.reviewed import Reviewed

UNASKED = "apply needs confirmation, but standard input is not a terminal; no host was contacted"
UNASKED_HINTS = (
    "Use -y to apply without confirmation.",
    "Or apply a saved plan: plan STATE --out plan.json, then apply plan.json.",
)
STOPPER_GRACE = 2.0
"""Seconds that asking hosts to stop may still take once their connections are closed."""


def plan(options: dict[str, Any], rewrite: Rewrite | None = None) -> int:
    """Observe, show, save where asked. Returns the exit code. `rewrite` as in `Job`."""
    printer = Printer(options["color"])
    job = Job(request_of(options), printer, rewrite)
    progress = _progress(options, printer, job)
    try:
        with job.open_rollout(progress, "plan") as rollout, interruptible(rollout):
            found = job.plan(rollout)
    finally:
        progress.close()
    if rollout.stopping.is_set():
        raise Interrupted("stopped on request; nothing was changed")
    if options.get("out"):
        from engine.cli.reviewed import save

        save(job, found, Path(options["out"]))
    show(found, options, printer, job.command("plan"))
    return plan_code(found, options.get("detailed_exitcode", False))


def apply(options: dict[str, Any], rewrite: Rewrite | None = None) -> int:
    """Plan, ask, carry out, prove, report. Returns the exit code. `rewrite` as in `Job`. Raises InvalidInput, before
    any host is reached, where a question is to be answered and nobody can be asked."""
    printer = Printer(options["color"])
    request, reviewed = request_of(options), None
    if len(request.states) == 1 and request.states[0].endswith(".json"):
        from engine.cli.reviewed import Reviewed

        root = project_root(Path.cwd(), request.chdir)
        reviewed = Reviewed(Path(request.states[0]), root)
        request = reviewed.request(request)
    job = Job(request, printer, rewrite)
    if reviewed is not None:
        reviewed.check_sources(job)
    elif not options["yes"] and not can_ask():
        raise InvalidInput(Problem(UNASKED, hints=UNASKED_HINTS, code=Code.UNCONFIRMED))
    return _applied(job, options, printer, reviewed)


def _applied(job: Job, options: dict[str, Any], printer: Printer, reviewed: Reviewed | None) -> int:
    from engine.run.journal import Journal

    screen = Screen(partial(_progress, options, printer, job))
    journal = Journal(job.root, printer.sentence)
    job.run = journal.run
    try:
        with job.open_rollout(screen, "apply") as rollout:
            with interruptible(rollout):
                found = job.plan(rollout)
            _refuse_invalid(rollout)
            if reviewed is not None:
                drifts = {host.host: reviewed.agreed(host) for host in found.hosts if not host.error}
                rollout.refused = {host: drift for host, drift in drifts.items() if drift}
            elif (over := _settled(found, job, options, screen, rollout.stopping.is_set())) is not None:
                return over
            if not rollout.stopping.is_set():
                job.keep_hashes(rollout)
            screen.record = journal.event
            journal.write("started", **_journal_header(job, options, reviewed))
            if journal.problem:
                raise EngineError(
                    f"{journal.problem}; nothing was changed, since no retry or rollback would be possible",
                    code=Code.RUN_UNRECORDED,
                )
            with interruptible(rollout):
                # Recorded with the words that `engine show` repeats.
                report = job.apply(
                    rollout,
                    reviewed.agreed if reviewed else None,
                    lambda host: journal.host(host, wording.host_error(host), wording.outcome_text),
                )
            report = replace(report, run=journal.run)
            code = report_code(report)
            journal.write("finished", stopped=report.stopped, exit=code, seconds=round(report.seconds, 3))
    except KeyboardInterrupt:
        screen.close()
        if journal.begun:
            printer.err(f"See what was done: {program_name()} show {journal.run}")
            printer.err(wording.resume(journal.run, program_name()))
        raise
    finally:
        screen.close()
        journal.close()
    if journal.problem:
        printer.err(f"warning: {journal.problem}; this run is only partly recorded")
    show(report, options, printer, job.command("apply"))
    return code


def _settled(found: Plan, job: Job, options: dict[str, Any], screen: Screen, stopping: bool) -> int | None:
    """The exit code where nothing is to be carried out: nothing can be put back, or the plan was not agreed to."""
    if found.lost and not _pending(found):
        # What could be put back is as it was.
        screen.close()
        show(found, options, job.printer, job.command("apply"))
        return plan_code(found, detailed=False)
    if _pending(found) and not options["yes"] and not stopping:
        screen.close()
        _show_for_question(found, options, job.printer, job.command("apply"))
        if not _agreed(job.printer):
            return 1
        screen.reopen()
    return None


def _refuse_invalid(rollout: Rollout) -> None:
    """Raises InvalidInput where what is declared for a host is wrong, given its facts: nothing is changed then."""
    found: dict[Problem, list[str]] = {}
    for run in rollout.runs.values():
        for problem in run.invalid.problems if run.invalid else ():
            found.setdefault(problem, []).append(run.host)
    if found:
        raise InvalidInput(sorted_problems(found, len(rollout.runs)))


def _journal_header(job: Job, options: dict[str, Any], reviewed: Reviewed | None) -> dict[str, Any]:
    """What the journal keeps of how a run was asked for, so that it can be shown and retried."""
    request = job.request
    return {
        "who": who(),
        "state": job.declared.name,
        "rollout": {name: getattr(request, name) for name in ("batches", "max_failures", "pause", "forks")},
        "states": [str(path.resolve()) for path in job.files],
        "inventory": [str(Path(name).expanduser().resolve()) for name in request.inventory],
        # With the value of a secret among them they are not recorded, and the run cannot be retried.
        "variables": [job.printer.sentence(variable) for variable in request.variables],
        "only": list(request.only),
        "skip": list(request.skip),
        "restart": list(request.restart),
        "restarted": sorted(request.restarted),
        "become": asked_for(request),
        "plan": reviewed.file if reviewed else None,
        "rollback": job.rewrite.run if job.rewrite is not None else None,
        "lost": [
            {"host": lost.host, "name": lost.name, "why": wording.reason_text(lost.reason)} for lost in job.lost()
        ],
        "hosts": list(job.hosts),
    }


def show(value: Plan | Report, options: dict[str, Any], printer: Printer, command: Command) -> None:
    """Render for standard output."""
    printer.rendered(_rendered(value, options, printer, command, options["format_"], sys.stdout))


def _show_for_question(found: Plan, options: dict[str, Any], printer: Printer, command: Command) -> None:
    """Show the plan that is asked about. Where standard output is to be one document, the report, it is shown on
    standard error."""
    if options["format_"] == "text":
        show(found, options, printer, command)
    else:
        printer.rendered(_rendered(found, options, printer, command, "text", sys.stderr), sys.stderr)


def _rendered(
    value: Plan | Report, options: dict[str, Any], printer: Printer, command: Command, format_: Any, stream: Any
) -> str:
    return render(
        value,
        format_,
        width=printer.width(stream),
        color=printer.colored(stream),
        ascii=printer.ascii(stream),
        verbosity=-1 if options["quiet"] else options["verbose"],
        diff=options["diff"],
        command=wording.command_line(command),
        program=program_name(),
    )


def plan_code(plan: Plan, detailed: bool) -> int:
    """1 wins over 3, 3 over 4; 2 only where asked for. 1, too, where a rollback cannot put back everything."""
    steps = [step for host in plan.hosts for step in host.steps]
    if plan.lost or any(step.outlook in ("error", "refused", "blocked", "failing") for step in steps):
        return 1
    if any(host.error and not host.unreachable and not host.invalid for host in plan.hosts):
        return 1
    if any(host.invalid for host in plan.hosts):
        return 3
    if any(host.unreachable for host in plan.hosts):
        return 4
    return 2 if detailed and _pending(plan) else 0


def report_code(report: Report) -> int:
    """130 where it was stopped on request; else 1 wins over 5, 5 over 4."""
    if report.stopped is Stop.REQUESTED:
        return 130
    if report.lost or any(not converged(host) and not host.drift and not host.unreachable for host in report.hosts):
        return 1
    if any(host.drift for host in report.hosts):
        return 5
    return 4 if any(host.unreachable for host in report.hosts) else 0


@contextmanager
def interruptible(rollout: Rollout) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM lets running steps finish; a second one stops at once."""

    def stop() -> None:
        text = "Stopping: running steps will finish, no new ones start. Ctrl-C again: stop at once."
        rollout.progress(Note(text))
        rollout.stop()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if rollout.stopping.is_set():
            raise KeyboardInterrupt
        rollout.stopping.set()
        # Not from here: what is interrupted may hold a lock that telling or asking would wait for.
        stopper.start()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stopper = threading.Thread(target=stop, name="stopper", daemon=True)
    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
        if stopper.ident is not None:
            stopper.join()
    finally:
        if stopper.is_alive():
            # It waits for hosts to be asked; without their connections there is nobody to ask.
            rollout.close(at_once=True)
            stopper.join(STOPPER_GRACE)
        for number, handler in before.items():
            signal.signal(number, handler)


def _pending(found: Plan) -> bool:
    steps = [step for host in found.hosts for step in host.steps]
    return any(step.outlook in ("change", "check") or step.gates for step in steps)


def _agreed(printer: Printer) -> bool:
    printer.err("Apply this? [y/N] ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _progress(options: dict[str, Any], printer: Printer, job: Job) -> ProgressView:
    batches = job.rule.batches if len(job.rule.batches) > 1 else ()
    return make(
        sys.stderr,
        hosts=len(job.hosts),
        color=printer.colored(sys.stderr),
        quiet=options["quiet"],
        verbose=options["verbose"],
        batches=batches,
        events=options["format_"] == "json",
    )
