"""Ctrl-C during a rollout over SSH: what runs is finished, nothing else is begun, and all of it is told."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.blocking_commands import BlockingCommands, eventually
from tests.fleet import Fleet, processes_of
from tests.integration.project import Project
from tests.sshd import needs_sshd

pytestmark = [pytest.mark.sshd, needs_sshd]

COUNT, FORKS = 12, 5
FILES = ("one", "two", "three")


class Held:
    """A fleet whose `mv`, and so the step that writes the file `one`, can be held on each host."""

    def __init__(self, project: Project, fleet: Fleet, gates: dict[str, BlockingCommands]) -> None:
        self.project, self.fleet, self.gates = project, fleet, gates

    def close(self) -> None:
        for gate in self.gates.values():
            gate.close("mv", "/one ")

    def at_gate(self) -> list[str]:
        """Hosts whose step is held."""
        return [name for name, gate in self.gates.items() if (gate.directory / "reached").exists()]

    def open(self) -> None:
        for gate in self.gates.values():
            gate.open()

    def files(self, name: str) -> list[str]:
        return sorted(path.name for path in self.fleet.target(name).iterdir())

    def asked_to_stop(self, name: str) -> bool:
        """Whether another program has ended on the host, after the one that looked: the one that acts has not."""
        return self.fleet[name].log().count("session_exit_message: session ") >= 2

    def settled(self) -> None:
        eventually(lambda: not any(processes_of(self.fleet.home(n)) for n in self.fleet.names), "programs are left")
        eventually(lambda: not any(server.connections() for server in self.fleet), "connections are left")


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    names = [f"h{number:03}" for number in range(1, COUNT + 1)]
    gates = {name: BlockingCommands(tmp_path / f"gates-{name}", ["mv"]) for name in names}
    project = Project(tmp_path)
    project.state({name: {"file-sync": {"path": f"{{{{ target }}}}/{name}", "content": "1\n"}} for name in FILES})
    path = os.environ["PATH"]
    with Fleet(tmp_path, COUNT, settings=lambda name: [f"PATH={gates[name].directory}:{path}"]) as fleet:
        project.inventory(fleet.inventory())
        yield Held(project, fleet, gates)


def test_once(held: Held) -> None:
    held.close()
    running = held.project.begin("apply", "--forks", str(FORKS), "--batches", "10,100%", "--format", "json")
    eventually(lambda: len(held.at_gate()) == FORKS, "not as many at a time as asked for")
    begun = held.at_gate()
    running.process.send_signal(signal.SIGINT)
    eventually(lambda: all(map(held.asked_to_stop, begun)), "not every host is asked to stop")
    held.open()
    ran = running.end()
    assert ran.code == 130, ran.out + ran.err
    assert ran.err.count("Stopping: running steps will finish") == 1
    hosts = {host["host"]: host for host in ran.data["hosts"]}
    for name in held.fleet.names:
        if name in begun:
            assert held.files(name) == ["one"]
            assert [o["status"] for o in hosts[name]["outcomes"]] == ["changed", "skipped", "skipped"]
            assert hosts[name]["status"] == "failed"
        else:
            assert held.files(name) == []
            assert hosts[name]["status"] == "not started"
    assert ran.data["stopped"] == "requested"
    assert held.project.events()[-1]["exit"] == 130
    held.settled()

    retried = held.project.run("engine", "retry", held.project.runs()[-1], "-y", state="")
    assert retried.code == 0, retried.out + retried.err
    assert all(held.files(name) == sorted(FILES) for name in held.fleet.names)


def test_twice(held: Held) -> None:
    held.close()
    running = held.project.begin("apply", "--forks", str(FORKS))
    eventually(lambda: len(held.at_gate()) == FORKS, "not as many at a time as asked for")
    begun = held.at_gate()
    running.process.send_signal(signal.SIGINT)
    eventually(lambda: all(map(held.asked_to_stop, begun)), "not every host is asked to stop")
    running.process.send_signal(signal.SIGTERM)
    ran = running.end(30)
    assert ran.code == 130, ran.out + ran.err
    assert ran.err.splitlines()[-1] == "stopped [OT2203]", ran.err
    assert f"Resume with: onetrip retry {held.project.runs()[-1]}" in ran.err
    assert "Traceback" not in ran.err
    # Their steps are held still.
    assert not any((held.fleet.target(name) / "one").exists() for name in held.fleet.names)
    held.open()
    held.settled()
    assert {name for name in held.fleet.names if held.files(name)} == set(begun)
    assert all(held.files(name) == ["one"] for name in begun)
    assert "killed before it ended" in held.project.run("engine", "history", state="").out
    assert held.project.run("apply").code == 0


@contextmanager
def full_backlog() -> Iterator[tuple[str, int]]:
    """Where a connection gets no answer, as behind a firewall that drops it."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(server.getsockname())
        yield server.getsockname()[:2]


@pytest.mark.parametrize("verb", ["plan", "apply"])
def test_while_it_looks(held: Held, verb: str) -> None:
    """One host at a time, and one of them keeps it waiting: those after it are not looked at."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address, port = deaf.getsockname()
        hosts = held.fleet.inventory()
        hosts["h002"] |= {"ansible_host": address, "ansible_port": port}
        held.project.inventory(hosts)
        running = held.project.begin(verb, "--forks", "1")
        deaf.settimeout(60)
        with deaf.accept()[0]:
            running.process.send_signal(signal.SIGINT)
            eventually(lambda: running.told("Stopping"), "it is not heard")
        ran = running.end()
        assert ran.code == 130, ran.out + ran.err
        assert set(held.fleet.execs()) == {"h001"}
        if verb == "plan":
            assert ran.err.splitlines()[-1] == "stopped on request; nothing was changed [OT2203]"
        else:
            assert "Stopped: 12 hosts not started." in ran.out, ran.out


def test_at_once_whatever_it_waits_for(held: Held) -> None:
    """Neither hosts that accept a connection and say nothing nor one that gives no answer hold up the second one."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as deaf, full_backlog() as (address, port):
        silent, mute = deaf.getsockname()
        hosts = held.fleet.inventory(ansible_host=silent, ansible_port=mute)
        hosts["h003"] |= {"ansible_host": address, "ansible_port": port}
        held.project.inventory(hosts)
        running = held.project.begin("apply", "--connect-timeout", "100")
        deaf.settimeout(60)
        connections = [deaf.accept()[0] for _ in range(COUNT - 1)]
        running.process.send_signal(signal.SIGINT)
        eventually(lambda: running.told("Stopping"), "the first one is not heard")
        began = time.monotonic()
        running.process.send_signal(signal.SIGINT)
        ran = running.end(120)
        assert ran.code == 130, ran.out + ran.err
        # Without the second one, it would take 15 seconds and 100.
        assert time.monotonic() - began < 10
        for connection in connections:
            connection.close()
