"""`plan` of states/qwen.yaml on a converged local host, against the same work in ansible and pyinfra. Writes
`benchmarks/RESULTS-main-job.md`.

    python -m benchmarks.main_job [--runs 5] [--out FILE]

Needs root or a user that may use Docker. Each peer does as much of the work as it can in a dry run: what has no
module in ansible-core (Compose) is a command that runs in check mode, too; pyinfra asks for no HTTP answers when dry.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.fleets import peers, versions
from benchmarks.measure import Failed, Figure, median, once
from demo import image
from demo.sandbox import SERVICE, Sandbox

TOP = Path(__file__).resolve().parents[1]
IMAGE = "onetrip-bench"
AIMS = {"pyinfra --dry": 4.0, "ansible --check --diff": 10.0}
"""Tool → how much longer than the engine's its wall time is to be."""


def looks(box: Sandbox) -> list[str]:
    """What both peers ask by commands of their own: packages, configuration, container, answers."""
    pip = f"docker exec {box.container()} {image.PYTHON} -m pip install --dry-run --no-index -q"
    requirements = "/workspace/ComfyUI/custom_nodes/ComfyUI-Login/requirements.txt"
    curl = "curl -s -o /dev/null -w %{http_code}"
    return [
        f"{pip} --find-links /workspace/wheels -r {requirements}",
        f"{' '.join(box.compose)} --project-directory {box.workspace} config --hash {SERVICE}",
        f"docker inspect {box.container()}",
        f"{curl} {box.url}/system_stats",
        f"{curl} {box.url}/system_stats?token=",
        f"{curl} -H 'Authorization: Bearer {box.token}' {box.url}/system_stats",
    ]


def ansible(box: Sandbox, directory: Path) -> list[str]:
    """Write the playbook; the command that checks it."""
    line = {"path": str(box.password), "line": box.token, "insertbefore": "BOF", "mode": "0600"}
    tasks: list[dict[str, object]] = [
        {"ansible.builtin.git": {"repo": str(box.repository), "dest": str(box.node), "version": box.commits[-1]}},
        {"ansible.builtin.lineinfile": line, "no_log": True},
    ]
    tasks += [{"ansible.builtin.command": look, "check_mode": False, "changed_when": False} for look in looks(box)]
    play = [{"hosts": "all", "gather_facts": False, "connection": "local", "tasks": tasks}]
    (directory / "play.yaml").write_text(json.dumps(play))
    variables = {"ansible_python_interpreter": "/usr/bin/python3"}
    (directory / "hosts.yaml").write_text(json.dumps({"all": {"hosts": {"sandbox": variables}}}))
    return [str(peers() / "bin/ansible-playbook"), "-i", "hosts.yaml", "play.yaml", "--check", "--diff"]


def pyinfra(box: Sandbox, directory: Path) -> list[str]:
    """Write the deploy; the command that runs it dry."""
    (directory / "deploy.py").write_text(
        "from pyinfra import host\nfrom pyinfra.facts.server import Command\n"
        "from pyinfra.operations import files, git\n"
        f"git.repo(src={str(box.repository)!r}, dest={str(box.node)!r}, branch={box.commits[-1]!r}, pull=False)\n"
        f"files.line(path={str(box.password)!r}, line={box.token!r})\n"
        f"files.file(path={str(box.password)!r}, mode='600')\n"
        f"for command in {looks(box)!r}:\n    host.get_fact(Command, command=command)\n"
    )
    return [str(peers() / "bin/pyinfra"), "@local", "deploy.py", "--dry"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("RESULTS-main-job.md"))
    options = parser.parse_args()
    image.make(IMAGE)
    with tempfile.TemporaryDirectory(prefix="engine-bench-") as name:
        directory = Path(name)
        box = Sandbox(directory / "enginebench", image=IMAGE, compose=("docker", "compose"))
        try:
            options.out.write_text(report(measure(box, directory, options.runs), options.runs))
        finally:
            box.destroy()


def measure(box: Sandbox, directory: Path, runs: int) -> dict[str, Figure]:
    """What each tool takes, printed as it goes."""
    box.build(node="absent", password="stale-user", service="before")
    state = [str(TOP / "states/qwen.yaml"), "-C", str(box.root), "-i", str(box.inventory)]
    log = directory / "log"
    bin_ = Path(sys.executable).parent
    once([str(bin_ / "apply"), *state, "-y"], {}, directory, log)
    empty = directory / "empty.yaml"
    empty.write_text("name: empty\nhosts: sandbox\nresources: {}\n")
    commands = {
        "engine": [str(bin_ / "plan"), *state],
        "pyinfra --dry": pyinfra(box, directory),
        "ansible --check --diff": ansible(box, directory),
        "engine, empty plan": [str(bin_ / "plan"), str(empty), "-C", str(box.root), "-i", str(box.inventory)],
        "engine, apply --help": [str(bin_ / "apply"), "--help"],
        "python -c pass": [str(bin_ / "python"), "-c", "pass"],
    }
    env = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    print(f"{versions()}, {os.cpu_count()} CPUs")
    figures: dict[str, Figure] = {}
    for what, command in commands.items():
        try:
            figures[what] = median(command, env, directory, log, runs)
        except Failed as failure:
            print(failure, file=sys.stderr)
            continue
        figure = figures[what]
        print(f"{what:<24} {figure.wall:6.2f} s  {figure.cpu:6.2f} s CPU  {figure.memory:4.0f} MiB", flush=True)
    return figures


def report(figures: dict[str, Figure], runs: int) -> str:
    """The figures as Markdown, each with its ratio to the engine, and what was aimed at."""
    base = figures["engine"].wall
    rows = [
        f"| {what} | {figure.wall:.2f} | {figure.cpu:.2f} | {figure.memory:.0f} | {figure.wall / base:.2f} |"
        for what, figure in figures.items()
    ]
    aims = [
        f"| {factor:g} times less than {tool} | {figures[tool].wall / base:.2f} |"
        f" {'met' if figures[tool].wall / base >= factor else 'missed'} |"
        for tool, factor in AIMS.items()
        if tool in figures
    ]
    return "\n".join(
        [
            "# The main job",
            "",
            f"{versions()}; {os.cpu_count()} CPUs",
            "",
            f"`plan` of states/qwen.yaml on a converged local host: medians of {runs} runs, all in one run of"
            " `python -m benchmarks.main_job`.",
            "",
            "| tool | wall s | CPU s | MiB | times the engine |",
            "| --- | ---: | ---: | ---: | ---: |",
            *rows,
            "",
            "| aim | measured | |",
            "| --- | ---: | --- |",
            *aims,
            "",
        ]
    )


if __name__ == "__main__":
    main()
