"""A connection that is cut, and a request to stop: the running step finishes, the next does not start."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from engine.model import Output, Script
from engine.program.compose import compose
from engine.program.lock import holder_program, stop_program
from engine.program.parser import Done, Event, Finished, Hello, Parser, Skipped, Started, Stopped
from engine.program.section import Lock, Program, Section
from tests.shells.programs import Running, eventually, every_shell, go, lines, processes, results

CHATTY = (
    "while [ ! -e go ]; do echo chat; echo chat >&2; sleep 0.01; done; head -c 300000 /dev/zero; echo first >>log"
)
QUIET = "while [ ! -e go ]; do sleep 0.05; done; echo first >>log"
FACTUAL = 'while [ ! -e go ]; do fact x "$(head -c 9000 /dev/zero | tr "\\0" x)"; sleep 0.01; done; echo first >>log'


def _sections(text: str) -> list[Section]:
    return [
        Section("first", Script(text), step=True),
        Section("second", Script("echo second >>log"), step=True, needs=("first",)),
        Section("verify", Script("echo verify >>log"), phase="verify"),
        Section("behind", Script("echo behind >>log"), phase="verify", needs=("second",)),
    ]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def _cut_in_first(program: Program) -> int:
    """Start a program and close its pipes once its first section runs; the process that said hello."""
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    process = subprocess.Popen(program.argv, cwd=os.environ["HOME"], start_new_session=True, bufsize=0, **pipes)
    process.stdin.write(program.text)
    process.stdin.close()
    parser = Parser(program.nonce, program.sections)
    events: list[Event] = []
    while Started("first") not in events:
        events += parser.feed(Output("stdout", process.stdout.read(4096)))
    process.stdout.close()
    process.stderr.close()
    hello = events[0]
    assert isinstance(hello, Hello)
    return hello.pid


@every_shell
@pytest.mark.parametrize("text", [CHATTY, QUIET, FACTUAL], ids=["chatty", "quiet", "factual"])
def test_a_cut_connection(shell: tuple[str, ...], text: str, home: Path) -> None:
    pid = _cut_in_first(compose(_sections(text), lock=Lock("me", 0), shell=shell))
    session = os.getsid(pid)
    time.sleep(0.1)
    held = results(go(holder_program(shell)))["lock"].facts
    assert held["held"] == "yes"
    assert f"(process {pid})" in held["holder"]
    (home / "go").touch()
    eventually(lambda: not processes(lambda _, of: of == session))
    assert processes(lambda _, of: of == session) == []
    assert list(lines(home / "log")) == ["first"]
    assert results(go(holder_program(shell)))["lock"].facts == {"held": "no"}
    assert not any((home / ".local/state/engine").rglob("lock*"))


@every_shell
@pytest.mark.parametrize("text", [CHATTY, QUIET], ids=["chatty", "quiet"])
def test_a_request_to_stop(shell: tuple[str, ...], text: str, home: Path) -> None:
    running = Running(compose(_sections(text), lock=Lock("me", 0), shell=shell))
    running.until(lambda event: isinstance(event, Started))
    asked = results(go(stop_program(running.hello.pid, running.hello.born, shell)))["lock"].facts
    assert asked == {"sent": "yes"}
    (home / "go").touch()
    events = [event for event in running.join() if not isinstance(event, Finished)]
    assert events[1:] == [
        Started("first"),
        Stopped(),
        Started("verify"),
        Skipped("behind", "second"),
        Done(),
    ]
    assert list(lines(home / "log")) == ["first", "verify"]
    assert results(running.events)["first"].status == 0


@every_shell
def test_stopped_before_it_starts(shell: tuple[str, ...], home: Path) -> None:
    (home / "go").touch()
    running = Running(compose(_sections(QUIET), lock=Lock("me", 0, stopped=True), shell=shell))
    events = [event for event in running.join() if not isinstance(event, Finished)]
    assert [type(event) for event in events] == [Hello, Stopped, Started, Skipped, Done]
    assert list(lines(home / "log")) == ["verify"]


@every_shell
def test_only_a_program_is_asked_to_stop(shell: tuple[str, ...]) -> None:
    running = Running(compose([Section("a", Script("sleep 1"))], shell=shell))
    pid, born = running.hello.pid, running.hello.born
    for program in (stop_program(os.getpid()), stop_program(pid, "12"), stop_program(2**22 + 1, born)):
        assert results(go(program))["lock"].facts == {"sent": "no"}
    assert isinstance(running.join()[-1], Done)


@every_shell
def test_a_plan_goes_on_after_a_request_to_stop(shell: tuple[str, ...]) -> None:
    running = Running(compose([Section(str(n), Script("sleep 0.1")) for n in range(4)], shell=shell))
    go(stop_program(running.hello.pid, running.hello.born, shell))
    assert len(results(running.join())) == 4
