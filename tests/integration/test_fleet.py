"""Many hosts over SSH, and what can befall some of them: the others converge, what is said is true, and `retry`
finishes the job."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.blocking_commands import BlockingCommands, eventually
from tests.fleet import Fleet, processes_of
from tests.integration.project import Project, Ran
from tests.sshd import keygen, needs_sshd, public

pytestmark = [pytest.mark.sshd, needs_sshd]

FILES = ("one", "two", "three")
DOWN, FULL, DYING, CHANGED, SLOW = "h003", "h011", "h013", "h017", "h020"
LOST = (DOWN, DYING, CHANGED)
BROKEN = sorted([*LOST, FULL])
ROLLOUT = {"batches": ["h001", "20%", "100%"], "max_failures": "10%"}


def content(version: str) -> str:
    """What every file holds: more than is left of the disk that is full."""
    return f"version {version}\n" * 900


def state(project: Project, **sections: Any) -> None:
    resources = {
        name: {"file-sync": {"path": f"{{{{ target }}}}/{name}", "content": "{{ content }}", "mode": "0640"}}
        for name in FILES
    }
    project.state(resources, vars={"content": content("1")}, **sections)


def version(project: Project, number: str) -> tuple[str, str]:
    """The options that ask for another content."""
    project.write(f"{number}.json", f'{{"content": {content(number)!r}}}'.replace("'", '"'))
    return "-e", f"@{number}.json"


def held(fleet: Fleet, name: str) -> list[str]:
    """The version of each file on a host."""
    texts = [(fleet.target(name) / file).read_text() for file in FILES]
    assert all(text == content(text.split()[1]) for text in texts), f"{name} has half a file"
    return [text.split()[1] for text in texts]


@contextmanager
def small(target: Path) -> Iterator[None]:
    """A file system of its own, which files of `content` fit in, but not many."""
    target.mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(target)], check=False).returncode:
        pytest.skip("needs the right to mount a file system")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(target)], check=True)


def fill(target: Path) -> Path:
    """Leave no room for another file; returns what takes the room."""
    ballast = target / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass
    return ballast


def logins(fleet: Fleet) -> dict[str, int]:
    return {name: server.logins() for name, server in fleet.servers.items()}


def touched(fleet: Fleet, before: dict[str, int]) -> list[str]:
    """Hosts that were logged in to since."""
    return [name for name, count in logins(fleet).items() if count > before[name]]


def by_name(ran: Ran) -> dict[str, dict[str, Any]]:
    return {host["host"]: host for host in ran.data["hosts"]}


def statuses(ran: Ran) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, host in by_name(ran).items():
        found.setdefault(host["status"], []).append(name)
    return found


@pytest.mark.parametrize("count", [20, pytest.param(50, marks=pytest.mark.full)])
def test_many_hosts(tmp_path: Path, count: int) -> None:
    gates = {name: BlockingCommands(tmp_path / f"gates-{name}", ["mv"]) for name in (DYING, SLOW)}
    project = Project(tmp_path)
    with ExitStack() as stack:
        stack.enter_context(small(tmp_path / "fleet" / FULL / "target"))

        def settings(name: str) -> list[str]:
            return [f"PATH={gates[name].directory}:{os.environ['PATH']}"] if name in gates else []

        fleet = stack.enter_context(Fleet(tmp_path, count, settings=settings))
        project.inventory(fleet.inventory())
        state(project, rollout=ROLLOUT)

        first = project.run("apply", "--format", "json")
        assert first.code == 0, first.out + first.err
        assert statuses(first) == {"converged": fleet.names}
        assert fleet.execs() == dict.fromkeys(fleet.names, 2)
        assert all(held(fleet, name) == ["1"] * 3 for name in fleet.names)
        fleet.forget()
        again = project.run("apply")
        assert (again.code, fleet.execs()) == (0, dict.fromkeys(fleet.names, 1)), again.out + again.err
        assert f"{count} hosts  ✓ 3 unchanged" in again.out, again.out
        assert f"Converged: all {count} hosts." in again.out

        mend = damage(fleet)
        words = version(project, "2")
        run = cut_in_the_middle(project, fleet, gates, words)
        tell_the_truth(project, fleet, run)
        tell_it_in_text(project, words)
        mend()
        finish(project, fleet, run)


def damage(fleet: Fleet) -> Any:
    """One host down, one with another key, one whose disk is full; what mends them all."""
    fleet[DOWN].stop()
    known = fleet[CHANGED].known_hosts
    was = known.read_text()
    other = keygen(fleet.directory / "other")
    known.write_text(f"{fleet[CHANGED].name} {public(other)}\n")
    ballast = fill(fleet.target(FULL))

    def mend() -> None:
        fleet[DOWN].start()
        known.write_text(was)
        ballast.unlink()

    return mend


def cut_in_the_middle(
    project: Project, fleet: Fleet, gates: dict[str, BlockingCommands], words: tuple[str, ...]
) -> Ran:
    """An apply during which one host loses its connection within a step, and one takes longer than all others."""
    for gate in gates.values():
        gate.close("mv", "/one ")
    running = project.begin("apply", "--format", "json", *words)
    gates[DYING].wait()
    assert fleet[DYING].cut() == 1
    gates[SLOW].wait()
    others = set(fleet.names) - {SLOW}
    eventually(lambda: {e["host"] for e in project.events() if e["event"] == "host"} == others, "others wait", 120)
    for gate in gates.values():
        gate.open()
    ran = running.end()
    eventually(lambda: not processes_of(fleet.home(DYING)), "the program that lost its connection goes on")
    return ran


def tell_the_truth(project: Project, fleet: Fleet, ran: Ran) -> None:
    """What the report says is what there is, on every host."""
    assert ran.code == 1, ran.out + ran.err
    rest = [name for name in fleet.names if name not in BROKEN]
    assert statuses(ran) == {"converged": rest, "unreachable": sorted(LOST), "failed": [FULL]}
    hosts = by_name(ran)
    for name in rest:
        assert held(fleet, name) == ["2"] * 3
        assert [o["status"] for o in hosts[name]["outcomes"]] == ["changed"] * 3
    # The running step was finished, the next one not begun.
    assert held(fleet, DYING) == ["2", "1", "1"]
    assert held(fleet, FULL) == held(fleet, DOWN) == held(fleet, CHANGED) == ["1"] * 3
    assert sorted(path.name for path in fleet.target(FULL).iterdir()) == sorted(["ballast", *FILES])

    def where(name: str) -> str:
        return f"{fleet[name].address}:{fleet[name].port}"

    assert hosts[DOWN]["error"] == f"{where(DOWN)} refuses connections; nothing is listening"
    assert hosts[DYING]["error"].startswith(f"the connection to {where(DYING)} was cut")
    assert hosts[CHANGED]["error"].startswith(f"host key of {where(CHANGED)} (ssh-ed25519 SHA256:")
    assert ") does not match the known one; " in hosts[CHANGED]["error"]
    assert [o["status"] for o in hosts[FULL]["outcomes"]] == ["failed", "skipped", "skipped"]
    assert "could not be written in full (no space left?)" in hosts[FULL]["outcomes"][0]["words"]
    assert ran.data["stopped"] is None
    sizes = [1, len(hosts) // 5 - 1, len(hosts) * 4 // 5]
    assert [len(batch["hosts"]) for batch in ran.data["batches"]] == sizes
    ended = {event["host"]: event for event in project.events(ran.data["run"]) if event["event"] == "host"}
    assert sorted(ended) == fleet.names
    told = [event["host"] for event in map(json.loads, ran.err.splitlines()) if event["event"] == "host-finished"]
    assert sorted(told) == fleet.names
    for name, event in ended.items():
        assert event["error"] == (f"{name}: {hosts[name]['error']}" if hosts[name]["error"] else "")
        assert event["unreachable"] == (name in LOST)
    assert project.events(ran.data["run"])[-1]["exit"] == 1
    shown = project.run("engine", "show", ran.data["run"], state="")
    assert "refuses connections" in shown.out
    assert "no space left" in shown.out
    listed = project.run("engine", "history", state="").out.splitlines()[-1]
    assert listed.startswith(ran.data["run"])
    assert listed.endswith("4 not converged")


def tell_it_in_text(project: Project, words: tuple[str, ...]) -> None:
    """The same hosts again, nothing mended: exit code and summary, with a host that failed and without."""
    ran = project.run("apply", *words, "--limit", f"h002,{DOWN},{FULL},{CHANGED}", "--batches", "h002,100%")
    assert ran.code == 1, ran.out + ran.err
    assert "Failed: 1 converged, 1 failed, 2 unreachable." in ran.out, ran.out
    assert f"{FULL}" in ran.out
    ran = project.run("apply", *words, "--limit", f"h002,{DOWN},{CHANGED}", "--batches", "100%")
    assert ran.code == 4, ran.out + ran.err
    assert "Failed: 2 hosts unreachable, 3 unchanged." in ran.out, ran.out


def finish(project: Project, fleet: Fleet, ran: Ran) -> None:
    """`retry` goes to the hosts that did not converge and to no other; afterwards there is nothing left to do."""
    before = logins(fleet)
    retried = project.run("engine", "retry", ran.data["run"], "-y", state="")
    assert retried.code == 0, retried.out + retried.err
    assert touched(fleet, before) == BROKEN
    assert "Converged: all 4 hosts" in retried.out, retried.out
    assert all(held(fleet, name) == ["2"] * 3 for name in fleet.names)
    again = project.run("engine", "retry", project.runs()[-1], "-y", state="")
    assert again.out.startswith("Nothing to retry")
    assert [name for name in fleet.names if processes_of(fleet.home(name))] == []


@pytest.mark.parametrize("why", ["a check that does not hold", "unreachable"])
def test_only_the_canary_is_touched(tmp_path: Path, why: str) -> None:
    """Seen from the hosts: one program that looks at each, and one that acts, on the canary."""
    project = Project(tmp_path)
    with Fleet(tmp_path, 5) as fleet:
        project.inventory(fleet.inventory())
        closed = {"http-assert": {"url": "http://127.0.0.1:1/", "status": 200}, "timeout": 1}
        path = "{{ target }}/one"
        project.state(
            {"one": {"file-sync": {"path": path, "content": "1\n"}}, "answers": closed},
            rollout={"batches": ["h003", "100%"]},
        )
        if why == "unreachable":
            fleet["h003"].stop()
        ran = project.run("apply", "--format", "json")
        assert ran.code == 1, ran.out + ran.err
        lost = why == "unreachable"
        others = [name for name in fleet.names if name != "h003"]
        assert statuses(ran) == {"unreachable" if lost else "failed": ["h003"], "not started": others}
        assert fleet.execs() == dict.fromkeys(others, 1) | ({} if lost else {"h003": 2})
        for name in others:
            assert not any(fleet.target(name).iterdir())
            assert not any(fleet.home(name).iterdir())
        assert ran.data["stopped"] == "failures"
        recorded = {e["host"]: e["started"] for e in project.events() if e["event"] == "host"}
        assert recorded == dict.fromkeys(others, False) | {"h003": True}
