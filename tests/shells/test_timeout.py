"""Time limits are kept on the host, and nothing is left running."""

from __future__ import annotations

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, partial
from typing import NamedTuple

import pytest

from engine.model import Script
from engine.program.bootstrap import PROCESSES, WATCHDOG
from engine.program.compose import compose, run
from engine.program.parser import Beat, Done, Event, Hello, Result
from engine.program.section import Section
from tests.shells.programs import (
    SHELLS,
    Running,
    eventually,
    every_shell,
    everywhere,
    local,
    processes,
    results,
    shell_params,
)

MARK = f"4{os.getpid():07}."
SLOW = {
    "plain": "echo begun; sleep $MARK; echo never",
    "all ignore": "trap '' TERM; sh -c 'sleep $MARK' & sleep $MARK; sleep $MARK",
    "left behind": "sh -c \"trap '' TERM; sleep $MARK; sleep $MARK\" & echo quick; sleep $MARK",
    "grandchildren": "sh -c '(sleep $MARK & sleep $MARK) & wait; sleep $MARK' & wait",
    "session": "setsid sh -c \"trap '' TERM; sleep $MARK; sleep $MARK\" & wait; sleep $MARK",
    "ends well": "trap 'exit 0' TERM; sleep $MARK & wait",
}


class Ran(NamedTuple):
    events: list[Event]
    found: dict[str, Result]
    left: list[str]


def _slow(name: str, shell: tuple[str, ...]) -> Ran:
    mark = f"{MARK}{list(SHELLS.values()).index(shell)}{list(SLOW).index(name)}"
    sections = [
        Section("before", Script("echo before")),
        Section("slow", Script(SLOW[name].replace("$MARK", mark)), timeout=2),
        Section("after", Script("fact fine yes; sleep 0.01"), timeout=30),
    ]
    events, session = [], 0
    for event in run(local(), compose(sections, shell=shell)):
        if isinstance(event, Hello):
            session = os.getsid(event.pid)
        events.append(event)
    eventually(lambda: not processes(lambda _, of: of == session), 3)
    return Ran(events, results(events), processes(lambda line, of: of == session or mark in line))


@cache
def _slow_everywhere() -> dict[str, dict[tuple[str, ...], Ran]]:
    with ThreadPoolExecutor(3) as pool:
        futures = {name: pool.submit(everywhere, partial(_slow, name)) for name in SLOW}
        return {name: future.result() for name, future in futures.items()}


@pytest.mark.parametrize("name", SLOW)
@every_shell
def test_what_takes_too_long_is_ended(shell: tuple[str, ...], name: str) -> None:
    ran = _slow_everywhere()[name][shell]
    slow, after = ran.found["slow"], ran.found["after"]
    assert slow.timed_out
    assert slow.status != 0
    assert 1 <= slow.seconds < 60
    assert "never" not in slow.output
    assert after.facts == {"fine": "yes"}
    assert not after.timed_out
    assert isinstance(ran.events[-1], Done)
    assert ran.left == []


def test_a_time_limit_is_not_kept_too_early() -> None:
    def patient(shell: tuple[str, ...]) -> dict[str, Result]:
        sections = [Section(str(n), Script(f"sleep {n % 2}.9; echo done"), timeout=1 + n % 2) for n in range(2)]
        return results(run(local(), compose(sections, shell=shell)))

    for found in everywhere(patient).values():
        assert [(r.status, r.timed_out, r.output) for r in found.values()] == [(0, False, "done\n")] * 2


def test_a_limit_belongs_to_one_section() -> None:
    """Fifty short sections take longer together than one of them may."""

    def many(shell: tuple[str, ...]) -> list[Result]:
        sections = [Section(str(n), Script("sleep 0.05"), timeout=1) for n in range(50)]
        return list(results(run(local(), compose(sections, shell=shell))).values())

    for found in everywhere(many).values():
        assert not any(result.timed_out or result.status for result in found)


@pytest.mark.full
def test_a_silent_step_gives_signs_of_life() -> None:
    def silent(shell: tuple[str, ...]) -> int:
        events = list(run(local(), compose([Section("s", Script("sleep 22"))], shell=shell)))
        assert isinstance(events[-1], Done)
        return sum(isinstance(event, Beat) for event in events)

    assert set(everywhere(silent).values()) == {2}


@pytest.mark.parametrize("shell", shell_params()[:1])
def test_without_proc(shell: tuple[str, ...]) -> None:
    """As on macOS or BSD: what runs is learnt from ps."""
    program = compose(
        [Section("a", Script(SLOW["left behind"].replace("$MARK", MARK + "77")), timeout=1)], shell=shell
    )
    program = replace(program, text=program.text.replace(b"/proc/", b"/nowhere/"))
    bystander = subprocess.Popen(["sleep", "30"], start_new_session=True)
    start = time.monotonic()
    found = results(run(local(), program))["a"]
    assert found.timed_out
    assert time.monotonic() - start < 9
    assert not processes(lambda line, _: MARK + "77" in line)
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_a_killed_program_leaves_no_watchdog() -> None:
    def killed(shell: tuple[str, ...]) -> list[str]:
        mark = f"{MARK}{list(SHELLS.values()).index(shell)}9"
        sections = [Section("a", Script("sleep 0.3; kill -9 $main; sleep $mark", {"mark": mark}), timeout=2)]
        program = compose(sections, shell=shell)
        program = replace(program, text=program.text.replace(b"$main", b"$_engine_main"))
        running = Running(program)
        session = os.getsid(running.hello.pid)
        assert not results(running.join())
        assert "was killed while `a` ran" in str(running.error)
        eventually(lambda: not processes(lambda _, of: of == session), 12)
        return processes(lambda _, of: of == session)

    assert set(map(tuple, everywhere(killed).values())) == {()}


LISTS = {
    "what a section left": ("99:50:9 98:99:9 97:1:{own} 40:1:40", "98 99 97"),
    "with what started the program": ("99:50:9 {parent}:99:9", ""),
    "with everything": ("99:50:9 98:99:9 {own}:98:9 {parent}:98:9", ""),
    "with no numbers": ("99:50:9 :50:9 x:50:9 12::9 13:50: 15:50:9:9 -1:50:9 *:50:9 1:50:9", "99"),
}


@every_shell
@pytest.mark.parametrize("name", LISTS)
def test_who_is_killed(shell: tuple[str, ...], name: str) -> None:
    rows, expected = LISTS[name]
    text = f"""
{PROCESSES}
{WATCHDOG}
kill() {{ case $2 in 0) ;; *) echo "$*" ;; esac; }}
_engine_list() {{
  _engine_rows=
  set -f
  for row in {rows.format(own="$$", parent="$PPID")}; do
    pid=${{row%%:*}} row=${{row#*:}}
    _engine_add_row "$pid" "${{row%%:*}}" "${{row#*:}}"
  done
}}
_engine_main=50 _engine_dog=60 _engine_leader=1 _engine_found=
_engine_strays
_engine_signal KILL
"""
    done = subprocess.run([*shell, "-c", text], capture_output=True, text=True, check=False)
    killed = {line.split()[2] for line in done.stdout.splitlines() if line.startswith("-s KILL")}
    assert killed == set(expected.split())
    assert done.stderr == ""
