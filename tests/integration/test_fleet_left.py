"""Nothing is left behind by a run, counted: threads, connections and files here, programs on the hosts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fleet import Fleet, processes_of
from tests.gates import Gates, eventually
from tests.integration.project import Project
from tests.sshd import needs_sshd

pytestmark = [pytest.mark.sshd, needs_sshd]

HOSTS = ("h001", "h002", "h003")
COUNT = r"""
import gc, json, os, sys, threading
from pathlib import Path
from engine.cli import apply_main

def opened():
    found = []
    for number in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:
            pass  # what the directory itself was read through
    return found

def children():
    count = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            count += int(path.read_text().rpartition(")")[2].split()[1]) == os.getpid()
        except OSError:
            pass  # it ended between the two looks
    return count

before = opened()
code = None
try:
    apply_main()
except SystemExit as stop:
    code = stop.code
from engine.transports.session import Session, paramiko
objects = gc.get_objects()
left = {
    "code": code,
    "threads": [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()],
    "files": [name for name in opened() if name not in before],
    "sessions": sum(isinstance(one, Session) and one.is_alive() for one in objects),
    "channels": sum(isinstance(one, paramiko.Channel) and not one.closed for one in objects),
    "children": children(),
}
Path(os.environ["LEFT"]).write_text(json.dumps(left))
"""
"""An apply, and then a count, into a file, of what is still there of it in its process."""


class World:
    """Three hosts, and an apply that counts, when it is over, what is still there of it."""

    def __init__(self, directory: Path, project: Project, fleet: Fleet, gates: Gates) -> None:
        self.project, self.fleet, self.gates = project, fleet, gates
        self._script, self._left = directory / "count.py", directory / "left.json"
        self._script.write_text(COUNT)

    def begin(self, *words: str) -> subprocess.Popen[bytes]:
        self._left.unlink(missing_ok=True)
        env = self.project.environment({"LEFT": str(self._left)})
        command = [sys.executable, str(self._script), "state.yaml", "-y", "-q", *words]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command, cwd=self.project.root, env=env, **quiet)  # type: ignore[call-overload]

    def end(self, process: subprocess.Popen[bytes], code: int) -> None:
        """Nothing may be left on the controller; on the hosts, nothing once their running steps have ended."""
        process.wait(120)
        left: dict[str, Any] = json.loads(self._left.read_text())
        nothing = {"threads": [], "files": [], "sessions": 0, "channels": 0, "children": 0}
        assert left == {"code": code, **nothing}
        self.end_on_hosts()

    def end_at_once(self, process: subprocess.Popen[bytes]) -> None:
        """It waits for no running step. Where a thread is still busy, the process is gone before it could count, and
        with it all that it held."""
        if process.wait(15) == 0:
            self.end(process, 130)
            return
        assert process.returncode == 130
        assert not self._left.exists()
        self.end_on_hosts()

    def end_on_hosts(self) -> None:
        """Running steps end, and leave nothing."""
        self.gates.open()
        eventually(lambda: not any(processes_of(self.fleet.home(name)) for name in HOSTS), "programs are left")
        eventually(lambda: not any(server.connections() for server in self.fleet), "connections are left")
        for name in HOSTS:
            names = [path.name for path in self.fleet.home(name).glob(".local/state/engine/*/*")]
            assert not [name for name in names if name.startswith(("lock", "over."))]
            assert not list(self.fleet.home(name).glob(".local/state/engine/*/staging/*"))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The first host is the one whose step can be held. A tree makes it three trips."""
    gates = Gates(tmp_path / "gates", ["mv", "tar"])
    path = f"PATH={gates.directory}:{os.environ['PATH']}"
    project = Project(tmp_path)
    project.write("tree/large", "x" * 100_000)
    project.state(
        {
            "tree": {"file-sync": {"path": "{{ target }}/tree", "source": "tree"}},
            "one": {"file-sync": {"path": "{{ target }}/one", "content": "1\n"}},
            "two": {"file-sync": {"path": "{{ target }}/two", "content": "2\n"}},
        }
    )
    with Fleet(tmp_path, len(HOSTS), settings=lambda name: [path] if name == HOSTS[0] else []) as fleet:
        project.inventory(fleet.inventory())
        yield World(tmp_path, project, fleet, gates)


def test_after_success_and_failure(world: World) -> None:
    world.end(world.begin(), 0)
    world.end(world.begin(), 0)
    (world.fleet.target(HOSTS[1]) / "two").unlink()
    (world.fleet.target(HOSTS[1]) / "two").mkdir()
    world.end(world.begin(), 1)
    world.fleet[HOSTS[2]].stop()
    world.end(world.begin("--limit", HOSTS[2]), 4)


@pytest.mark.parametrize("how", ["cut", "stopped", "stopped at once"])
def test_in_the_middle_of_a_step(world: World, how: str) -> None:
    world.gates.close("mv", "/one ")
    process = world.begin()
    world.gates.wait()
    if how == "cut":
        assert world.fleet[HOSTS[0]].cut() == 1
        world.end(process, 4)
        return
    process.send_signal(signal.SIGINT)
    server = world.fleet[HOSTS[0]]
    eventually(lambda: server.log().count("session_exit_message: session ") >= 3, "it is not asked to stop")
    if how == "stopped at once":
        process.send_signal(signal.SIGINT)
        world.end_at_once(process)
        return
    world.gates.open()
    world.end(process, 130)


def test_stopped_while_it_uploads(world: World) -> None:
    """No step is begun, and what was uploaded for it is not left on the host."""
    world.gates.close("tar", " ")
    process = world.begin("--limit", HOSTS[0])
    world.gates.wait()
    process.send_signal(signal.SIGINT)
    eventually(lambda: "note" in [event["event"] for event in world.project.events()], "it is not heard")
    world.gates.open()
    world.end(process, 130)
    assert [path for path in world.fleet.target(HOSTS[0]).rglob("*") if not path.is_dir()] == []
    assert list(world.fleet.target(HOSTS[0]).rglob(".*")) == []
