"""The second Ctrl-C ends the process, whatever a thread of it waits for."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from tests.blocking_commands import BlockingCommands, eventually
from tests.integration.project import Project, Ran, Running

FILE = {"one": {"file-sync": {"path": "{{ target }}/one", "content": "1\n"}}}


def interrupt_twice(running: Running) -> Ran:
    """The output and exit code of a process that ended at once at the second Ctrl-C."""
    running.process.send_signal(signal.SIGINT)
    eventually(lambda: running.told("Stopping"), "the first one is not heard")
    began = time.monotonic()
    running.process.send_signal(signal.SIGINT)
    ran = running.end(40)
    assert time.monotonic() - began < 8
    assert ran.code == 130, ran.out + ran.err
    assert "Traceback" not in ran.err
    return ran


@pytest.mark.parametrize("verb", ["plan", "apply"])
def test_a_host_that_sends_signs_of_life_alone(tmp_path: Path, verb: str) -> None:
    """It never says that it has begun, and never falls silent."""
    text = "import sys, time\nwhile True:\n    print('wait', flush=True)\n    time.sleep(0.2)\n"
    project = Project(tmp_path)
    endless = project.write("endless.py", text)
    argv = [sys.executable, str(endless)]
    project.inventory(
        {"here": {"ansible_connection": "command", "ansible_command_argv": argv, "target": str(tmp_path)}}
    )
    project.state(FILE)
    running = project.begin(verb)
    time.sleep(2)
    ran = interrupt_twice(running)
    assert ran.err.splitlines()[-1] == "stopped [OT2203]", ran.err


def test_a_step_of_this_machine_that_does_not_end(tmp_path: Path) -> None:
    """Nothing closes a connection that is none: the step goes on, and what needs it does not start."""
    gates = BlockingCommands(tmp_path / "gates", ["mv"])
    project = Project(tmp_path, {"ansible_connection": "local", "target": str(tmp_path)})
    project.state({**FILE, "two": {"file-sync": {"path": "{{ target }}/two", "content": "2\n"}}})
    gates.close("mv", "/one ")
    path = f"{gates.directory}:{project.environment()['PATH']}"
    running = project.begin("apply", "-y", env={"PATH": path})
    gates.wait()
    ran = interrupt_twice(running)
    assert f"Resume with: onetrip retry {project.runs()[-1]}" in ran.err
    gates.open()
    eventually((tmp_path / "one").exists, "the step was not left to itself")
    time.sleep(1)
    assert not (tmp_path / "two").exists()
