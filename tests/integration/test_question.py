"""The question before an apply: asked on a terminal, never taken for answered where nobody can be asked."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """One file to be made. Whatever reaches the host leaves a line in `reached`."""
    log = tmp_path / "reached"
    argv = ["sh", "-c", f'echo reached >>{log}; exec "$@"', "sh"]
    made = Project(tmp_path, {"ansible_connection": "command", "ansible_command_argv": argv})
    made.state({"it": {"file-sync": {"path": str(tmp_path / "it"), "content": "new\n"}}})
    return made


def reached(project: Project) -> bool:
    return (project.root.parent / "reached").exists()


def changed(project: Project) -> bool:
    return (project.root.parent / "it").exists()


def begin(project: Project, *words: str, **options: Any) -> subprocess.Popen[bytes]:
    command = project.command(words[0], *words[1:], state="")
    return subprocess.Popen(command, cwd=project.root, env=project.environment(), **options)


def piped(project: Project, *words: str, given: str = "") -> tuple[int, str, str]:
    """A command whose standard input is a pipe with `given` in it."""
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with begin(project, *words, **pipes) as process:
        out, err = process.communicate(given.encode(), timeout=120)
    return process.returncode, out.decode(), err.decode()


class Terminal:
    """A command whose standard input and standard error are a terminal. Its standard output is a pipe or, without
    `pipe`, the terminal, too."""

    def __init__(self, project: Project, *words: str, pipe: bool) -> None:
        self.own, terminal = os.openpty()
        out = subprocess.PIPE if pipe else terminal
        self.process = begin(project, *words, stdin=terminal, stdout=out, stderr=terminal, start_new_session=True)
        os.close(terminal)
        self.shown = ""

    def asked(self) -> None:
        """Wait for the question."""
        deadline = time.monotonic() + 60
        while "[y/N]" not in self.shown:
            assert time.monotonic() < deadline, self.shown
            self._read()

    def answered(self, answer: str) -> tuple[int, str]:
        """The exit code, and what came out of the pipe, once the question was asked and answered."""
        self.asked()
        os.write(self.own, f"{answer}\n".encode())
        piped = self.process.stdout.read().decode() if self.process.stdout else ""
        while self.process.poll() is None or select.select([self.own], [], [], 0)[0]:
            if not self._read():
                break
        code = self.process.wait(60)
        os.close(self.own)
        return code, piped

    def _read(self) -> bool:
        if not select.select([self.own], [], [], 0.2)[0]:
            return True
        try:
            text = os.read(self.own, 1 << 16).decode()
        except OSError:  # Linux says so when nobody has the other side open any more.
            return False
        self.shown += text
        return bool(text)


def refused(code: int, out: str, err: str) -> None:
    assert code == 3, out + err
    assert out == ""
    assert "standard input is not a terminal; no host was contacted" in err
    assert "-y" in err


@pytest.mark.parametrize("given", ["", "n\n", "y\n"], ids=["nothing", "no", "yes"])
def test_without_a_terminal_no_host_is_reached(project: Project, given: str) -> None:
    refused(*piped(project, "apply", "state.yaml", given=given))
    assert not reached(project)
    assert not project.runs()
    code, _, err = piped(project, "apply", "state.yaml", "-y", given=given)
    assert code == 0, err
    assert changed(project)


def test_a_closed_standard_input_is_no_terminal(project: Project) -> None:
    script = f"exec {' '.join(project.command('apply', 'state.yaml', state=''))} <&-"
    command = ["sh", "-c", script]
    done = subprocess.run(command, cwd=project.root, env=project.environment(), capture_output=True, text=True)
    refused(done.returncode, done.stdout, done.stderr)
    assert not reached(project)


def test_what_needs_no_question(project: Project) -> None:
    assert piped(project, "apply", "state.yaml", "--dry-run")[0] == 0
    assert not changed(project)
    assert piped(project, "plan", "state.yaml", "--out", "plan.json")[0] == 0
    code, _, err = piped(project, "apply", "plan.json")
    assert code == 0, err
    assert changed(project)


def test_retry_and_rollback_ask_as_well(project: Project) -> None:
    blocked = project.root.parent / "it"
    blocked.mkdir()
    assert piped(project, "apply", "state.yaml", "-y")[0] == 1
    blocked.rmdir()
    (run,) = project.runs()
    (project.root.parent / "reached").unlink()
    refused(*piped(project, "engine", "retry", run, given="y\n"))
    assert not reached(project)
    assert piped(project, "engine", "retry", run, "-y")[0] == 0
    (project.root.parent / "reached").unlink()
    latest = project.runs()[-1]
    refused(*piped(project, "engine", "rollback", latest, given="y\n"))
    assert not reached(project)
    assert changed(project)
    assert len(project.runs()) == 2


@pytest.mark.parametrize("pipe", [True, False], ids=["piped", "terminal"])
@pytest.mark.parametrize("answer", ["y", "n", ""], ids=["yes", "no", "enter"])
def test_on_a_terminal_the_answer_counts(project: Project, pipe: bool, answer: str) -> None:
    """Standard output may be a pipe (`| tee log`): the plan and the report go there, the question does not."""
    terminal = Terminal(project, "apply", "state.yaml", pipe=pipe)
    code, out = terminal.answered(answer)
    assert (code, changed(project)) == ((0, True) if answer == "y" else (1, False)), terminal.shown
    assert "[y/N]" in terminal.shown
    assert "[y/N]" not in out
    said = out if pipe else terminal.shown
    assert "Plan: 1 to create." in said
    assert ("Converged: 1 created." in said) is (answer == "y")


def test_a_format_for_programs_stays_one_document(project: Project) -> None:
    terminal = Terminal(project, "apply", "state.yaml", "--format", "json", pipe=True)
    code, out = terminal.answered("y")
    assert code == 0
    assert json.loads(out)["type"] == "report"
    assert "Plan: 1 to create." in terminal.shown
