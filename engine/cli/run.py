"""`plan` and `apply`, from options to exit code."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from engine.cli.job import Job
from engine.cli.options import request_of
from engine.cli.output import Printer
from engine.execute.rollout import Rollout, converged
from engine.model import Plan, Progress, Report
from engine.views import progress as progress_view
from engine.views import render


def plan(options: dict[str, Any]) -> int:
    """Observe, show, save where asked. Returns the exit code."""
    printer = Printer(options["color"])
    job = Job(request_of(options), printer)
    progress = _progress(options, printer, len(job.declared.hosts))
    try:
        with job.reach(progress, "plan") as rollout, interruptible(rollout):
            found = job.plan(rollout)
    finally:
        progress.close()
    show(found, options, printer, job.command("plan"))
    return plan_code(found, options.get("detailed_exitcode", False))


def apply(options: dict[str, Any]) -> int:
    """Plan, ask where somebody is there to answer, carry out, prove, report. Returns the exit code."""
    printer = Printer(options["color"])
    job = Job(request_of(options), printer)
    progress = _progress(options, printer, len(job.declared.hosts))
    try:
        with job.reach(progress, "apply") as rollout, interruptible(rollout):
            found = job.plan(rollout)
            if _asks(options, found):
                progress.close()
                show(found, options, printer, job.command("apply"))
                if not _agreed(printer):
                    return 1
                progress = _progress(options, printer, len(job.declared.hosts))
                for run in rollout.runs.values():
                    run.progress = progress
                rollout.progress = progress
            report = job.apply(rollout)
    finally:
        progress.close()
    show(report, options, printer, job.command("apply"))
    return report_code(report)


def show(value: Plan | Report, options: dict[str, Any], printer: Printer, command: str) -> None:
    """Render for standard output."""
    text = render(
        value,
        options["format_"],
        width=printer.width(sys.stdout),
        color=printer.colored(sys.stdout),
        ascii=printer.ascii(sys.stdout),
        verbosity=-1 if options["quiet"] else options["verbose"],
        diff=options["diff"],
        command=command,
    )
    printer.out(text)


def plan_code(plan: Plan, detailed: bool) -> int:
    """1 wins over 4; 2 only where asked for."""
    steps = [step for host in plan.hosts for step in host.steps]
    if any(step.outlook in ("error", "refused", "blocked", "failing") for step in steps):
        return 1
    if any(host.error and not host.unreachable for host in plan.hosts):
        return 1
    if any(host.unreachable for host in plan.hosts):
        return 4
    pending = any(step.outlook in ("change", "check") for step in steps)
    return 2 if detailed and pending else 0


def report_code(report: Report) -> int:
    """130 where it was stopped on request; else 1 wins over 5, 5 over 4."""
    if report.stopped == "stopped on request":
        return 130
    if any(not converged(host) and not host.drift and not host.unreachable for host in report.hosts):
        return 1
    if any(host.drift for host in report.hosts):
        return 5
    return 4 if any(host.unreachable for host in report.hosts) else 0


@contextmanager
def interruptible(rollout: Rollout) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM lets running steps finish; a second one stops at once."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        if rollout.stopping.is_set():
            rollout.close()
            raise KeyboardInterrupt
        rollout.stopping.set()
        rollout.progress.note("Stopping: running steps finish, none is started. Again: stop at once.")
        threading.Thread(target=rollout.stop, daemon=True).start()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _asks(options: dict[str, Any], found: Plan) -> bool:
    steps = [step for host in found.hosts for step in host.steps]
    pending = any(step.outlook in ("change", "check") for step in steps)
    return pending and not options["yes"] and sys.stdin.isatty() and sys.stdout.isatty()


def _agreed(printer: Printer) -> bool:
    printer.err("Apply this? [y/N] ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _progress(options: dict[str, Any], printer: Printer, hosts: int) -> Progress:
    return progress_view.make(
        sys.stderr, hosts=hosts, color=printer.colored(sys.stderr), quiet=options["quiet"], verbose=options["verbose"]
    )
