"""How many processes a host starts: a fork costs more than what is done in it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.integration.project import Project, execute

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="strace is missing")
STARTED = re.compile(r"^\d+ +(?:(?:v?fork|clone3?)\(.*|<\.\.\. (?:v?fork|clone3?) resumed>.*) = \d+$", re.MULTILINE)


def processes(project: Project, command: str) -> int:
    """How many processes a command starts, its own threads left out."""
    trace = project.root / "trace"
    calls = "trace=fork,vfork,clone,clone3"
    words = ["strace", "-f", "-qq", "-o", str(trace), "-e", calls, *project.command(command)]
    done = execute(words, project.root, project.environment())
    assert done.code == 0, done.out + done.err
    text = trace.read_text()
    main = text.split(" ", 1)[0]
    # The controller starts nothing but threads and, by vfork, the programs of its hosts.
    return sum(not line.startswith(f"{main} ") or "vfork" in line for line in STARTED.findall(text))


def files(tmp_path: Path, count: int) -> Project:
    project = Project(tmp_path / str(count), {"ansible_connection": "local"})
    at = tmp_path / f"at-{count}"
    at.mkdir()
    project.state({f"f{n}": {"file-sync": {"path": str(at / f"f{n}"), "content": f"{n}\n"}} for n in range(count)})
    return project


def test_few_processes(tmp_path: Path) -> None:
    """An apply of one file, and each further one; then where nothing is to be done."""
    one, more = files(tmp_path, 1), files(tmp_path, 15)
    first = processes(one, "apply")
    each = (processes(more, "apply") - first) / 14
    assert first <= 46, first
    # The step, its chmod and its mv; the probes of seven in one.
    assert each <= 3.6, each
    first = processes(one, "apply")
    each = (processes(more, "apply") - first) / 14
    assert first <= 16, first
    assert each <= 0.3, each
