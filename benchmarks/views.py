"""What each view costs for a plan and a report of 200 hosts × 50 resources: CPU seconds and peak memory.

    python benchmarks/views.py [HOSTS] [RESOURCES]

Every view is produced in a process of its own. `alike`: all hosts are the same but for their names, as in a fleet
that was never applied to. `distinct`: no two hosts are alike, every fifth resource has a diff of its own.
The aims: less than 2 s of CPU and less than 300 MB each.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time

from engine.model import (
    Attribute,
    HostPlan,
    HostReport,
    Outcome,
    Plan,
    PlanStatus,
    Reason,
    Report,
    ResultStatus,
    Step,
)

KINDS = ("git-clone", "file-sync", "pip-install", "compose-restart", "http-assert")
OUTLOOKS: tuple[PlanStatus, ...] = (
    "converged",
    "change",
    "change",
    "check",
    "refused",
    "error",
    "blocked",
    "failing",
)
VERDICTS: tuple[ResultStatus, ...] = (
    "unchanged",
    "changed",
    "changed",
    "passed",
    "refused",
    "failed",
    "skipped",
    "failed",
)


def step(host: int, number: int, distinct: bool) -> Step:
    """One resource; of distinct hosts each has its own values and content."""
    kind = KINDS[number % len(KINDS)]
    salt = host * 7919 + number if distinct else number
    outlook = OUTLOOKS[salt % 4 if salt % 37 else salt % len(OUTLOOKS)]
    check = kind == "http-assert"
    if outlook in ("check", "failing") and not check:
        outlook = "change"
    if outlook == "change" and check:
        outlook = "check"
    texts = {}
    if kind == "file-sync":
        old = "".join(f"line {line} of setting {salt * line % 97}\n" for line in range(40))
        texts = {"content": (old, old.replace(f" {salt % 97}\n", f" changed {salt}\n") + f"last = {salt}\n")}
    return Step(
        name=f"{kind.partition('-')[0]}/{number:02}-of-the-service",
        kind=kind,
        outlook=outlook,
        attributes=(
            Attribute("revision", f"{salt:040x}", f"{salt + 1:040x}"),
            Attribute("mode", "0644", "0600"),
        ),
        prior={"revision": f"{salt:040x}", "mode": "0644", "owner": "root", "path": f"/srv/service/{number}"},
        reason=Reason.of("2 files in /srv have uncommitted changes") if outlook in ("refused", "error") else None,
        needs=(f"{KINDS[(number - 1) % len(KINDS)].partition('-')[0]}/{number - 1:02}-of-the-service",)
        if number
        else (),
        actions=(f"check out {salt:07x}", "set its mode"),
        texts=texts,
        check=check,
        expected="200" if check else "",
        now="401" if check else "",
        position=f"states/service.yaml:{number * 4 + 3}:3",
    )


def plan(hosts: int, resources: int, distinct: bool) -> Plan:
    """A plan of so many hosts and resources each."""
    return Plan(
        "service",
        tuple(
            HostPlan(
                f"node{host:03}",
                tuple(step(host, number, distinct) for number in range(resources)),
                trips=1,
                seconds=0.4,
            )
            for host in range(1, hosts + 1)
        ),
        2.5,
    )


def report(hosts: int, resources: int, distinct: bool) -> Report:
    """The report of an apply of that plan."""
    return Report(
        "service",
        tuple(
            HostReport(host.host, tuple(_outcome(step) for step in host.steps), trips=2, seconds=20.0)
            for host in plan(hosts, resources, distinct).hosts
        ),
        60.0,
        run="20260302-1405-a3f1",
    )


def _outcome(step: Step) -> Outcome:
    verdict = VERDICTS[OUTLOOKS.index(step.outlook)]
    output = "".join(f"fatal: line {line}\n" for line in range(30)) if verdict == "failed" else ""
    return Outcome(
        step,
        verdict,
        reason=Reason.of("the disk is full") if verdict == "failed" else None,
        output=output,
        seconds=0.3,
    )


def measured(format_: str, kind: str, size: tuple[int, int], distinct: bool) -> tuple[float, float, float]:
    """CPU seconds of the view alone, peak MB of the whole process, and MB of what came out."""
    from engine.views import render

    value = (plan if kind == "plan" else report)(*size, distinct)
    start = time.process_time()
    text = render(value, format_, diff=True)  # type: ignore[arg-type]
    spent = time.process_time() - start
    return spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, len(text.encode()) / 1e6


def main() -> int:
    """Print the table; 1 where an aim is missed."""
    size = (int(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) > 2 else (200, 50)
    print(f"{size[0]} hosts x {size[1]} resources")
    print(f"{'':27}{'CPU s':>8}{'peak MB':>10}{'output MB':>11}")
    missed = 0
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for distinct in (False, True):
            for kind in ("plan", "report"):
                for format_ in ("text", "json", "markdown", "html", "junit"):
                    spent, peak, out = pool.apply(measured, (format_, kind, size, distinct))
                    missed += spent > 2 or peak > 300
                    name = f"{kind:7} {format_:9} {'distinct' if distinct else 'alike'}"
                    print(f"{name:27}{spent:8.2f}{peak:10.0f}{out:11.2f}")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
