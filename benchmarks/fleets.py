"""Many files on many hosts, against peers and floors, everything in one run. Writes `benchmarks/RESULTS.md`.

    python -m benchmarks.fleets [--quick] [--hosts 1,10,30] [--files 10,100] [--delay-hosts 10] [--runs 3]

Needs root and OpenSSH's server; the peers come from PyPI into `benchmarks/.peers`.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.fleet import PORT, Fleet
from benchmarks.measure import Failed, Figure, median
from benchmarks.work import ROOT, Tool, tools

PEERS = Path(__file__).parent / ".peers"
PEER_PACKAGES = ["ansible-core", "pyinfra", "bundlewrap"]
PATIENCE = 240.0
"""Seconds that one run of a peer may take to be run more than once."""


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

    def __init__(self, directory: Path, runs: int, only: list[str]) -> None:
        self.directory, self.runs, self.only = directory, runs, only
        self.rows: list[tuple[str, str, str, Figure | str]] = []

    def case(self, what: str, fleet: Fleet, files: int, delayed: bool) -> None:
        """First apply, no-op and dry run of every tool on this fleet."""
        targets = self.directory / "targets"
        every = tools(self.directory / "work", fleet, files, targets, peers())
        self.fresh(targets, fleet)
        for tool in every:
            if self.only and tool.name not in self.only:
                continue
            self.measure(what, "first apply", tool, tool.apply, lambda: self.fresh(targets, fleet))
            self.measure(what, "no-op", tool, tool.apply, lambda: None)
            self.measure(what, "dry run", tool, tool.dry, lambda: None)
            if tool.name == "engine":
                for floor in floors(fleet, tool, PORT):
                    self.measure(what, "no-op", floor, floor.apply, lambda: None)

    def measure(self, what: str, case: str, tool: Tool, command: list[str], before: object) -> None:
        assert callable(before)
        log = self.directory / "log"
        try:
            figure: Figure | str = median(command, tool.env, tool.cwd, log, 1, before)
            if isinstance(figure, Figure) and figure.wall < PATIENCE / 10 and self.runs > 1:
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
        print(f"{what:<28} {case:<12} {tool.name:<14} {told}", flush=True)

    @staticmethod
    def fresh(targets: Path, fleet: Fleet) -> None:
        """Every host as it was before the first apply."""
        shutil.rmtree(targets, ignore_errors=True)
        for name in fleet.names:
            (targets / name).mkdir(parents=True)


def report(rows: list[tuple[str, str, str, Figure | str]]) -> str:
    """The rows as Markdown, each with its ratio to the engine and, for no-ops, to bare paramiko."""
    lines = [
        "| work | case | tool | wall s | CPU s | MiB | times the engine |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: |",
    ]
    walls = {(what, case): f.wall for what, case, tool, f in rows if tool == "engine" and isinstance(f, Figure)}
    for what, case, tool, figure in rows:
        if isinstance(figure, str):
            lines.append(f"| {what} | {case} | {tool} | failed: {figure} | | | |")
            continue
        base = walls.get((what, case))
        ratio = f"{figure.wall / base:.2f}" if base else ""
        lines.append(
            f"| {what} | {case} | {tool} | {figure.wall:.2f} | {figure.cpu:.2f} | {figure.memory:.0f} | {ratio} |"
        )
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
    parser.add_argument("--tools", default="", help="only these, by name")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("RESULTS.md"))
    options = parser.parse_args()
    only = [name for name in options.tools.split(",") if name]
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="engine-bench-")))
        bench = Bench(directory, options.runs, only)
        for hosts in map(int, options.hosts.split(",")):
            with Fleet(directory / f"fleet-{hosts}", hosts) as fleet:
                for files in map(int, options.files.split(",")):
                    bench.case(f"{hosts} hosts × {files} files", fleet, files, delayed=False)
        if options.delay_hosts:
            with Fleet(directory / "fleet-delayed", options.delay_hosts, delay=0.05) as fleet:
                bench.case(f"{options.delay_hosts} hosts × 10 files, 50 ms", fleet, 10, delayed=True)
        table = report(bench.rows)
    options.out.write_text(f"# Measured\n\n{versions()}\n\nMedians; first apply, no-op and dry run.\n\n{table}\n")


if __name__ == "__main__":
    main()
