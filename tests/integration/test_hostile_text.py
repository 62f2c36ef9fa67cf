"""Text of a host, a server or a file reaches no terminal and no CI runner as anything but text, in any command and
format."""

from __future__ import annotations

import json
import os
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration import shout
from tests.integration.project import Project, Ran

PWN = "\x1b]0;pwned\x07\u202e::error title=pwned::pwned"
LINES = f"one {PWN}\n::error title=pwned::pwned\n  ::set-env name=PATH::pwned\n##[command]pwned\n"
LINES += "\x1b[2Jx ##vso[task.x]\r\x9b1A"
FORMATS = ("text", "json", "markdown", "html", "junit")
OBEYED = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069]|##(vso)?\[")
COMMAND = re.compile(r"\s*::[a-z]")


def harmless(*ran: Ran) -> None:
    """Nothing in what a command printed is obeyed by a terminal or a runner."""
    for each in ran:
        for line in (each.out + each.err).split("\n"):
            assert not OBEYED.search(line), line
            assert not COMMAND.match(line), line


@pytest.fixture
def loud(tmp_path: Path) -> tuple[Project, dict[str, str]]:
    """A project whose action prints the worst that it can, and fails with it."""
    kinds = shout.install(tmp_path / "kinds")
    project = Project(tmp_path)
    project.state({"loud": {"shout": {"value": LINES}}, "next": {"refuse": {"value": PWN}, "needs": []}})
    return project, {"PYTHONPATH": f"{kinds}:{Path(__file__).parents[2]}"}


@pytest.mark.parametrize("format_", FORMATS)
def test_output_of_an_action(loud: tuple[Project, dict[str, str]], format_: str) -> None:
    project, env = loud
    for words in ((), ("-vv",)):
        ran = project.run("apply", "-y", "--diff", "--format", format_, *words, env=env)
        assert ran.code == 1
        assert "pwned" in ran.out
        harmless(ran)
    if format_ == "json":
        outcome = ran.data["hosts"][0]["outcomes"][0]
        assert "\n::error title=pwned::pwned\n" in outcome["output"], "JSON keeps it as it is"
    harmless(project.run("engine", "show", project.runs()[0], state=""))
    harmless(project.run("engine", "history", state=""))
    harmless(project.run("engine", "retry", project.runs()[0], "-y", state="", env=env))


def test_a_record_made_by_somebody_else(loud: tuple[Project, dict[str, str]]) -> None:
    """Every text of a journal is only text."""
    project, env = loud
    assert project.run("apply", "-y", env=env).code == 1
    (run,) = project.runs()
    path = project.root / f".engine/runs/{run}.jsonl"
    events = project.events()
    for event in events:
        for key, value in event.items():
            if isinstance(value, str) and key not in ("event", "at", "verdict", "host", "name", "kind"):
                event[key] = f"{value} {LINES}"
        if event["event"] == "resource":
            event |= {
                "name": LINES,
                "verdict": "changed",
                "attributes": [{"name": LINES, "before": LINES, "after": 1}],
            }
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    shown = project.run("engine", "show", run, state="")
    assert shown.code == 0, shown.err
    assert "pwned" in shown.out
    harmless(shown, project.run("engine", "history", state=""))


def lock(home: Path) -> Path:
    """A host's lock, as a program left it that is gone."""
    place = home / ".local/state/engine" / os.uname().nodename
    place.mkdir(parents=True)
    place.joinpath("lock").write_bytes(f"id dead\nwho {PWN}\nsince then\nboot other\nproc 1 1\n".encode())
    return place / "lock"


def test_who_holds_a_lock(tmp_path: Path) -> None:
    project = Project(tmp_path)
    left = lock(project.home)
    shown = project.run("engine", "unlock", "here", "--show", state="")
    assert "pwned" in shown.out
    harmless(shown)
    broken = project.run("engine", "unlock", "here", state="")
    assert "is broken" in broken.out
    harmless(broken)
    assert not left.exists()


def everywhere(project: Project) -> list[Ran]:
    """What every command that reaches a host says of one that cannot be used."""
    ran = [project.run("engine", "unlock", "here", state="")]
    ran += [project.run("plan", "--format", format_) for format_ in FORMATS[:-1]]
    ran += [project.run("apply", "-y", "--format", format_) for format_ in FORMATS]
    ran += [project.run("engine", *words, project.runs()[0], state="") for words in (("show",), ("retry", "-y"))]
    assert all("pwned" in each.out + each.err for each in ran if each.code), [each.code for each in ran]
    return ran


def test_a_host_that_is_no_shell(tmp_path: Path) -> None:
    says = tmp_path / "says"
    says.write_text(LINES)
    command = ["sh", "-c", f"cat {says} >&2; exit 9"]
    project = Project(tmp_path, {"ansible_connection": "command", "ansible_command_argv": command})
    project.state({"x": {"file-sync": {"path": f"{tmp_path}/x", "content": "x"}}})
    harmless(*everywhere(project))


@contextmanager
def rude_server(text: str) -> Iterator[int]:
    """A server that disconnects with a text of its own before keys are exchanged, and before its own was checked."""
    data = text.encode()
    payload = b"\x01" + struct.pack(">II", 2, len(data)) + data + struct.pack(">I", 0)
    padding = 16 - (len(payload) + 5) % 16 + 8
    packet = struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            with peer:
                peer.sendall(b"SSH-2.0-rude\r\n" + packet)
                peer.settimeout(2)
                try:
                    while peer.recv(4096):
                        pass
                except OSError:
                    pass

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield int(server.getsockname()[1])
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def test_an_ssh_server_whose_key_is_not_known_yet(tmp_path: Path) -> None:
    with rude_server(PWN + "\n::error title=pwned::pwned\n##[error]pwned") as port:
        project = Project(tmp_path, {"ansible_host": "127.0.0.1", "ansible_port": port})
        project.state({"x": {"file-sync": {"path": f"{tmp_path}/x", "content": "x"}}})
        harmless(*everywhere(project))


def test_what_a_user_or_a_branch_wrote(tmp_path: Path) -> None:
    """Names on the command line, and state files that are validated for somebody else."""
    project = Project(tmp_path)
    project.state({"x": {PWN: {"path": "/x"}}, LINES: {"file-sync": {"path": "/x", LINES: "x"}}})
    for words in (["plan"], ["engine", "validate"], ["engine", "validate", "--format", "json"]):
        ran = project.run(words[0], *words[1:], "state.yaml", state="")
        assert ran.code == 3
        assert "pwned" in ran.out + ran.err
        harmless(ran)
    assert json.loads(ran.out)["valid"] is False
    annotated = project.run("engine", "validate", "--format", "github", "state.yaml", state="")
    lines = annotated.out.splitlines()
    assert all(line.startswith("::error file=") for line in lines), lines
    assert not any(OBEYED.search(line) for line in lines)
    for words in (["engine", "show", LINES], ["plan", f"{LINES}.yaml"], ["engine", LINES], ["plan", f"--{LINES}"]):
        ran = project.run(words[0], *words[1:], state="")
        assert ran.code == 3
        harmless(ran)
