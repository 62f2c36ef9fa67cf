"""Many files on many hosts, against peers and floors, everything in one run. Writes `benchmarks/RESULTS.md`.

    python -m benchmarks.fleets [--hosts 1,10,30] [--files 10,100] [--delay-hosts 10] [--runs 3] [--limit 400]

Needs root and OpenSSH's server; the peers come from PyPI into `benchmarks/.peers`.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks.fleet import PORT, Fleet
from benchmarks.measure import Failed, Figure, median, once
from benchmarks.work import ROOT, Tool, Work, node_work, tools

PEERS = Path(__file__).parent / ".peers"
PEER_PACKAGES = ["ansible-core", "pyinfra", "bundlewrap"]
DELAY = 0.05
"""Seconds that a relay adds each way, where the hosts are to be far away."""
PATIENCE = 6.0
"""Seconds that one run of a tool may take to be run more than once."""


def peers() -> Path:
    """A virtual environment with the peers; made where it is missing."""
    if not (PEERS / "bin/bw").exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
        subprocess.run([str(PEERS / "bin/pip"), "install", "-q", *PEER_PACKAGES], check=True)
    return PEERS


def floors(fleet: Fleet, engine: Tool, port: int) -> list[Tool]:
    """The floors beside the engine's own work: its programs are written out for bare paramiko to send."""
    programs = engine.cwd / "programs"
    programs.mkdir(exist_ok=True)
    script = str(Path(__file__).with_name("programs.py"))
    environment = {"PYTHONPATH": str(ROOT)}
    python = str(ROOT / ".venv/bin/python")
    subprocess.run([python, script, "state.yaml", str(programs)], cwd=engine.cwd, env=environment, check=True)
    floor = str(Path(__file__).with_name("floor.py"))
    common = [str(fleet.key), str(fleet.known_hosts), str(port)]
    bare = [python, floor, "paramiko", *common, str(programs), *fleet.addresses]
    ssh = [python, floor, "openssh", *common, "-", *fleet.addresses]
    return [Tool("bare paramiko", bare, bare, {}, engine.cwd), Tool("ssh true", ssh, ssh, {}, engine.cwd)]


class Bench:
    """Measures, prints as it goes, and keeps rows for the report."""

    def __init__(self, directory: Path, runs: int, only: list[str], limit: float, out: Path) -> None:
        self.directory, self.runs, self.only, self.limit, self.out = directory, runs, only, limit, out
        self.rows: Rows = []
        self.paces: dict[tuple[str, str], float] = {}

    def case(self, fleet: Fleet, work: Work, note: str = "") -> None:
        """First apply, no-op and dry run of every tool on this fleet. What a tool finds at a no-op, where its own
        first apply would take too long, is what the engine made: the same files."""
        what = f"{fleet.count} host{'s' * (fleet.count > 1)}, {work.title}{note}"
        size = fleet.count * (work.files + 10)
        targets = self.directory / "targets"
        engine, *others = every = tools(self.directory / "work", fleet, work, targets, peers())
        for tool in every:
            if self.only and tool.name not in self.only:
                continue
            self.measure(what, "first apply", tool, tool.apply, size, lambda: self.fresh(targets, fleet))
            if tool in others:
                self.fresh(targets, fleet)
                once(engine.apply, engine.env, engine.cwd, self.directory / "log")
            self.measure(what, "no-op", tool, tool.apply, size, lambda: None)
            self.measure(what, "dry run", tool, tool.dry, size, lambda: None)
            if tool is engine:
                for floor in floors(fleet, tool, PORT):
                    self.measure(what, "no-op", floor, floor.apply, size, lambda: None)
        self.write()

    def write(self) -> None:
        """The results so far."""
        self.out.write_text(
            f"# Measured\n\n{versions()}; {os.cpu_count()} CPUs\n\nMedians of {self.runs} runs (of one, where it took"
            f" more than {PATIENCE:g} s), everything in one run of `python -m benchmarks.fleets`. CPU and memory are"
            " the controller's, with the processes it started; the hosts are sshd processes on the same machine."
            " [Where the time goes](README.md)\n\n"
            f"## Aims\n\n{aimed(self.rows)}\n\n## All of it\n\n{report(self.rows)}\n"
        )

    def measure(
        self, what: str, case: str, tool: Tool, command: list[str], size: int, before: Callable[[], object]
    ) -> None:
        """One figure. `size` is how much work it is, so that it is known beforehand what would take too long."""
        log = self.directory / "log"
        expected = self.paces.get((case, tool.name), 0.0) * size
        try:
            if expected > self.limit:
                raise Failed(f"not run: about {expected:.0f} s expected")
            figure: Figure | str = median(command, tool.env, tool.cwd, log, 1, before)
            assert isinstance(figure, Figure)
            self.paces[case, tool.name] = figure.wall / size
            if figure.wall < PATIENCE and self.runs > 1:
                figure = median(command, tool.env, tool.cwd, log, self.runs, before)
        except Failed as failure:
            figure = str(failure).splitlines()[0]
            print(failure, file=sys.stderr)
        self.rows.append((what, case, tool.name, figure))
        told = (
            f"{figure.wall:8.2f} s {figure.cpu:8.2f} s {figure.memory:6.0f} MiB"
            if isinstance(figure, Figure)
            else figure
        )
        print(f"{what:<52} {case:<12} {tool.name:<14} {told}", flush=True)

    @staticmethod
    def fresh(targets: Path, fleet: Fleet) -> None:
        """Every host as it was before the first apply."""
        shutil.rmtree(targets, ignore_errors=True)
        for name in fleet.names:
            (targets / name).mkdir(parents=True)


Rows = list[tuple[str, str, str, Figure | str]]

AIMS = (
    ("no-op", "bare paramiko", 1.5, False),
    ("no-op", "pyinfra", 25.0, True),
    ("no-op", "bundlewrap", 15.0, True),
    ("no-op", "ansible", 200.0, True),
    ("first apply", "pyinfra", 10.0, True),
)
"""For 100 files on each host: case, tool, factor, and whether the engine is to be that much faster than the tool (or
at most that much slower)."""


def report(rows: Rows) -> str:
    """The rows as Markdown, each with its ratio to the engine."""
    lines = [
        "| work | case | tool | wall s | CPU s | MiB | times the engine |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: |",
    ]
    walls = {(what, case): f.wall for what, case, tool, f in rows if tool == "engine" and isinstance(f, Figure)}
    for what, case, tool, figure in rows:
        if isinstance(figure, str):
            lines.append(f"| {what} | {case} | {tool} | {figure} | | | |")
            continue
        base = walls.get((what, case))
        ratio = f"{figure.wall / base:.2f}" if base else ""
        lines.append(
            f"| {what} | {case} | {tool} | {figure.wall:.2f} | {figure.cpu:.2f} | {figure.memory:.0f} | {ratio} |"
        )
    return "\n".join(lines)


def aimed(rows: Rows) -> str:
    """What was aimed at, and what came of it, as Markdown."""
    walls = {(what, case, tool): f.wall for what, case, tool, f in rows if isinstance(f, Figure)}
    lines = ["| work | case | aim | measured | |", "| --- | --- | --- | ---: | --- |"]
    for what in dict.fromkeys(row[0] for row in rows if "100 files" in row[0]):
        for case, tool, factor, faster in AIMS:
            own, other = walls.get((what, case, "engine")), walls.get((what, case, tool))
            if own is None or other is None:
                continue
            measured = other / own if faster else own / other
            met = measured >= factor if faster else measured <= factor
            aim = f"{factor:g} times less than {tool}" if faster else f"within {factor:g} times {tool}"
            lines.append(f"| {what} | {case} | {aim} | {measured:.2f} | {'met' if met else 'missed'} |")
    return "\n".join(lines)


def versions() -> str:
    """The versions of everything that was measured."""
    listed = subprocess.run([str(PEERS / "bin/pip"), "list", "--format", "json"], capture_output=True, check=True)
    found = {row["name"].lower(): row["version"] for row in json.loads(listed.stdout)}
    named = ", ".join(f"{name} {found.get(name, '?')}" for name in PEER_PACKAGES)
    ssh = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=True).stderr.strip()
    return f"Python {platform.python_version()}, {ssh}, {named}; {platform.machine()}, Linux {platform.release()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", default="1,10,30")
    parser.add_argument("--files", default="10,100")
    parser.add_argument("--delay-hosts", type=int, default=10)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--limit", type=float, default=400, help="leave out what would take more seconds than this")
    parser.add_argument("--tools", default="", help="only these, by name")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("RESULTS.md"))
    options = parser.parse_args()
    only = [name for name in options.tools.split(",") if name]
    compileall.compile_dir(ROOT / "engine", quiet=1)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="engine-bench-")))
        bench = Bench(directory, options.runs, only, options.limit, options.out)
        works = [Work(files) for files in map(int, options.files.split(","))]
        works.insert(0, node_work(directory / "node"))
        fleets = [(hosts, 0.0) for hosts in map(int, options.hosts.split(","))]
        fleets += [(options.delay_hosts, DELAY)] if options.delay_hosts else []
        # What takes longest comes last: the results so far are written after each.
        for hosts, delay in sorted(fleets):
            with Fleet(directory / f"fleet-{hosts}-{delay}", hosts, delay=delay) as fleet:
                for work in works:
                    bench.case(fleet, work, f", {delay * 1000:.0f} ms of delay" if delay else "")


if __name__ == "__main__":
    main()
