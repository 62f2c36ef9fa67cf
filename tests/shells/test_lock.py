"""One action program a host at a time, and no lock outlives those who hold it."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import HostFailed
from engine.model import Script
from engine.program.compose import compose
from engine.program.lock import holder_program, stop_program, unlock_program
from engine.program.parser import Done, Hello, LockBusy, Started, Stopped, Waited
from engine.program.section import Lock, Program, Section
from tests.shells.programs import SHELLS, Running, eventually, every_shell, go, lines, results

HOLD = "echo begin >>log; while [ ! -e go ]; do sleep 0.05; done; echo end >>log"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def _state(home: Path) -> list[str]:
    return [path.name for path in (home / ".local/state/engine").rglob("*") if path.is_file()]


def _step(text: str, shell: tuple[str, ...], wait: float = 20, who: str = "me@there") -> Program:
    return compose([Section("step", Script(text), step=True)], lock=Lock(who, wait), shell=shell)


def _holder(shell: tuple[str, ...]) -> dict[str, str]:
    return results(go(holder_program(shell)))["lock"].facts


@every_shell
def test_one_waits_for_the_other_and_then_does_nothing(shell: tuple[str, ...], home: Path) -> None:
    first = Running(_step(HOLD, shell))
    first.until(lambda event: isinstance(event, Started))
    second = Running(_step("echo second >>log", shell))
    second.until(lambda event: isinstance(event, Hello))
    time.sleep(0.2)
    (home / "go").touch()
    assert [type(event) for event in second.join()] == [Hello, Waited, Done]
    first.join()
    assert list(lines(home / "log")) == ["begin", "end"]
    assert go(_step("echo third >>log", shell))[-1] == Done()
    assert list(lines(home / "log")) == ["begin", "end", "third"]
    assert _state(home) == []


@every_shell
def test_the_nonce_is_in_no_file_and_no_command_line(
    shell: tuple[str, ...], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names of files are arguments of `ln` and `rm`, which everybody on the host can see."""
    (home / "bin").mkdir()
    for name in ("ln", "rm", "mkdir", "date"):
        (home / "bin" / name).write_text(f'#!/bin/sh\necho "$0 $*" >>{home}/said\nexec {shutil.which(name)} "$@"\n')
        (home / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{home}/bin:{os.environ['PATH']}")
    program = _step(f"find {home} >>said; cat {home}/.local/state/engine/*/lock* >>said", shell)
    assert results(go(program))["step"].status == 0
    said = (home / "said").read_text()
    assert re.search(r"/lock\.[0-9a-f]{32}\.[0-9]+\n", said)
    assert program.nonce not in said


@every_shell
def test_a_held_lock_is_told(shell: tuple[str, ...], home: Path) -> None:
    first = Running(_step(HOLD, shell, who="jesse@desk:\n apply  $(x) 'states/qwen.yaml'"))
    first.until(lambda event: isinstance(event, Started))
    events = go(_step("echo second >>log", shell, wait=0))
    busy = next(event for event in events if isinstance(event, LockBusy))
    assert busy.holder.startswith("jesse@desk:  apply  $(x) 'states/qwen.yaml', since 2")
    assert busy.holder.endswith(f" UTC (process {first.hello.pid})")
    assert [type(event) for event in events] == [Hello, LockBusy, Done]
    assert _holder(shell) == {"held": "yes", "holder": busy.holder}
    (home / "go").touch()
    first.join()
    assert _holder(shell) == {"held": "no"}
    assert list(lines(home / "log")) == ["begin", "end"]


@every_shell
def test_waiting_can_be_stopped(shell: tuple[str, ...], home: Path) -> None:
    first = Running(_step(HOLD, shell))
    first.until(lambda event: isinstance(event, Started))
    second = Running(_step("echo second >>log", shell))
    go(stop_program(second.hello.pid, second.hello.born, shell))
    assert [type(event) for event in second.join()] == [Hello, Stopped, Done]
    (home / "go").touch()
    first.join()
    assert _state(home) == []


@every_shell
@pytest.mark.parametrize("victims", ["main", "main and its parents"])
def test_a_killed_program_holds_the_lock_while_its_step_runs(
    shell: tuple[str, ...], victims: str, home: Path
) -> None:
    first = Running(_step(f"({HOLD}) </dev/null >/dev/null 2>&1", shell))
    first.until(lambda event: isinstance(event, Started))
    assert eventually(lambda: list(lines(home / "log")))
    leader = os.getpgid(first.hello.pid)
    os.kill(first.hello.pid, signal.SIGKILL)
    if victims != "main":
        os.kill(leader, signal.SIGKILL)
    second = Running(_step("echo second >>log", shell))
    time.sleep(0.3)
    assert list(lines(home / "log")) == ["begin"]
    (home / "go").touch()
    first.join()
    assert isinstance(first.error, HostFailed)
    assert [type(event) for event in second.join()] == [Hello, Waited, Done]
    assert [type(event) for event in go(_step("echo third >>log", shell))][-1] is Done
    assert list(lines(home / "log")) == ["begin", "end", "third"]
    assert _state(home) == []


def _stale(home: Path, **changes: str) -> Path:
    """A lock of a program that is gone; its process number now belongs to somebody else."""
    place = home / ".local/state/engine" / os.uname().nodename
    place.mkdir(parents=True, exist_ok=True)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    record = {"id": "dead", "who": "him", "since": "then", "boot": boot, "proc": f"{os.getpid()} 1", **changes}
    (place / "lock").write_text("".join(f"{key} {value}\n" for key, value in record.items()))
    return place


def _born(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[19]


@every_shell
@pytest.mark.parametrize("changes", [{}, {"boot": "other"}, {"proc": "4194305 1"}, {"group": "4194305 1"}])
def test_a_stale_lock_is_taken_over(shell: tuple[str, ...], changes: dict[str, str], home: Path) -> None:
    if "boot" in changes:
        changes = {**changes, "proc": f"{os.getpid()} {_born(os.getpid())}"}
    _stale(home, **changes)
    assert _holder(shell)["held"] == "no"
    # What it did may be newer than the plan: that is made again.
    assert [type(event) for event in go(_step("echo x >>log", shell, wait=0))] == [Hello, Waited, Done]
    go(_step("echo y >>log", shell, wait=0))
    assert list(lines(home / "log")) == ["y"]
    assert _state(home) == []


@every_shell
def test_a_broken_lock_file_is_taken_over(shell: tuple[str, ...], home: Path) -> None:
    place = _stale(home)
    (place / "lock").write_text("")
    go(_step("echo x >>log", shell))
    go(_step("echo y >>log", shell))
    assert list(lines(home / "log")) == ["y"]


@every_shell
def test_a_record_that_was_never_written_is_removed(shell: tuple[str, ...], home: Path) -> None:
    """Killed between making the file and writing it; one that is about to be written stays."""
    place = _stale(home)
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    (place / f"lock.abc.{gone.pid}").touch()
    (place / f"lock.abd.{os.getpid()}").touch()
    go(_step(":", shell))
    go(_step("echo x >>log", shell))
    assert list(lines(home / "log")) == ["x"]
    assert _state(home) == [f"lock.abd.{os.getpid()}"]


@every_shell
def test_a_takeover_that_was_killed_is_recovered(shell: tuple[str, ...], home: Path) -> None:
    place = _stale(home)
    dead = (place / "lock").read_text()
    (place / "over.dead").write_text(dead.replace("id dead", "id dead2"))
    (place / "over.dead2").write_text(dead.replace("id dead", "id dead3"))
    (place / "lock.dead9").write_text(dead.replace("id dead", "id dead9"))
    assert go(_step("echo x >>log", shell, wait=0))[1:] == [Waited(), Done()]
    go(_step("echo y >>log", shell, wait=0))
    assert list(lines(home / "log")) == ["y"]
    assert _state(home) == []


@every_shell
def test_a_takeover_by_somebody_alive_is_waited_for(shell: tuple[str, ...], home: Path) -> None:
    place = _stale(home)
    with subprocess.Popen(["sleep", "30"]) as alive:
        claim = place / "over.dead"
        claim.write_text(
            "id other\n" + (place / "lock").read_text().partition("\n")[2] + f"proc {alive.pid} {_born(alive.pid)}\n"
        )
        running = Running(_step("echo x >>log", shell))
        time.sleep(1.3)
        assert [type(event) for event in running.events] == [Hello]
        alive.kill()
        alive.wait()
    assert [type(event) for event in running.join()] == [Hello, Waited, Done]


@every_shell
def test_a_lock_can_be_broken(shell: tuple[str, ...], home: Path) -> None:
    first = Running(_step(HOLD, shell))
    first.until(lambda event: isinstance(event, Started))
    broken = results(go(unlock_program(shell)))["lock"].facts
    assert broken["held"] == "yes"
    assert broken["holder"].startswith("me@there, since")
    assert _holder(shell) == {"held": "no"}
    second = Running(_step("echo second >>log; while [ ! -e go ]; do sleep 0.05; done", shell))
    second.until(lambda event: isinstance(event, Started))
    (home / "go").touch()
    first.join()
    second.join()
    assert sorted(lines(home / "log")) == ["begin", "end", "second"]
    assert _state(home) == []
    assert results(go(unlock_program(shell)))["lock"].facts == {"held": "no"}


CRITICAL = """
if mkdir inside 2>/dev/null; then
  sleep 0.02
  rmdir inside
  echo "$n" >>done
else
  echo "$n" >>overlaps
fi
"""


@pytest.mark.parametrize("rounds", [1, pytest.param(40, marks=pytest.mark.full)])
def test_many_contend_for_a_stale_lock(rounds: int, home: Path) -> None:
    """Under all shells at once; some are killed on the way, wherever they just are."""
    chance = random.Random(rounds)  # noqa: S311

    def contend(n: int) -> None:
        shell = list(SHELLS.values())[n % 4]
        while True:
            script = Script(CRITICAL, {"n": n})
            program = compose([Section("s", script, step=True)], lock=Lock(str(n), 60), shell=shell)
            try:
                if results(go(program)):
                    return
            except HostFailed:
                pass

    def kill(n: int) -> None:
        shell = list(SHELLS.values())[n % 4]
        running = Running(_step("sleep 0.01", shell))
        hello = running.until(lambda event: isinstance(event, Hello))
        time.sleep(chance.random() * 0.03)
        try:
            os.kill(hello.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        running.join(90)

    for n in range(rounds):
        _stale(home)
        with ThreadPoolExecutor(10) as pool:
            jobs = [pool.submit(kill, k) for k in range(4)] + [pool.submit(contend, n * 6 + k) for k in range(6)]
            for job in jobs:
                job.result()
    assert list(lines(home / "overlaps")) == []
    assert sorted(map(int, lines(home / "done"))) == list(range(rounds * 6))
    deadline = time.monotonic() + 10
    go(_step(":", ("sh",)))
    while _state(home) and time.monotonic() < deadline:
        # The watchdog of one that was killed notices it a second later, and so long its record counts.
        time.sleep(0.5)
        go(_step(":", ("sh",)))
    assert _state(home) == []


@every_shell
def test_no_place_for_the_lock(shell: tuple[str, ...], home: Path) -> None:
    (home / ".local").write_text("in the way")
    with pytest.raises(HostFailed, match=r"\.local/state/engine/.* cannot be made"):
        go(_step("echo x >>log", shell))
    assert not (home / "log").exists()
    assert go(holder_program(shell))


def test_it_does_not_need_proc(home: Path) -> None:
    def blind(program: Program) -> Program:
        return replace(program, text=program.text.replace(b"/proc/", b"/nowhere/"))

    first = Running(blind(_step(HOLD, ("dash",))))
    first.until(lambda event: isinstance(event, Started))
    assert any(isinstance(event, LockBusy) for event in go(blind(_step("echo x >>log", ("dash",), wait=0))))
    os.kill(first.hello.pid, signal.SIGKILL)
    assert any(isinstance(event, LockBusy) for event in go(blind(_step("echo x >>log", ("dash",), wait=0))))
    (home / "go").touch()
    first.join()
    assert go(blind(_step("echo x >>log", ("dash",))))[1:] == [Waited(), Done()]
    go(blind(_step("echo y >>log", ("dash",))))
    assert list(lines(home / "log")) == ["begin", "end", "y"]
