"""A program that arrives cut executes nothing of itself."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.model import Output, Script
from engine.program.compose import compose, compose_fed
from engine.program.parser import Parser
from engine.program.section import Lock, Section
from tests.shells.programs import every_shell

SCRIPT = Script('mkdir -p "$dir/$1"; rm -rf "$dir/keep"; fact made yes', {"dir": "."}, ("a b",))


def _run(argv: tuple[str, ...], text: bytes, home: Path) -> subprocess.CompletedProcess[bytes]:
    env = {"PATH": os.environ["PATH"], "HOME": str(home)}
    return subprocess.run(
        argv, input=text, capture_output=True, cwd=home, env=env, start_new_session=True, timeout=30
    )


def _cuts(text: bytes, nonce: str, whole: bool) -> list[int]:
    """Where to cut: everywhere, or around each line's end near both ends, and here and there in between."""
    last = text.rindex(f"#end {nonce}".encode()) + len(f"#end {nonce}")
    if whole:
        return list(range(last))
    edges = [*range(40), *range(last - 40, last)]
    return sorted({*edges, *range(40, last, last // 40)})


@every_shell
@pytest.mark.parametrize("fed", [False, True], ids=["program", "upload"])
def test_a_cut_program_does_nothing(shell: tuple[str, ...], fed: bool, full: bool, tmp_path: Path) -> None:
    section = Section("make", SCRIPT, step=True)
    program = compose_fed(section, shell=shell) if fed else compose([section], lock=Lock("me", 1), shell=shell)
    (tmp_path / "keep").mkdir()

    def cut(size: int) -> None:
        done = _run(program.argv, program.text[:size], tmp_path)
        assert (done.returncode, done.stdout) == (97, b""), size
        assert [path.name for path in tmp_path.iterdir()] == ["keep"], size

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(cut, _cuts(program.text, program.nonce, full)))

    done = _run(program.argv, program.text, tmp_path)
    parser = Parser(program.nonce, program.sections)
    list(parser.feed(Output("stdout", done.stdout)))
    list(parser.feed(Output("stderr", done.stderr)))
    assert parser.done
    assert (tmp_path / "a b").is_dir()
    assert not (tmp_path / "keep").exists()


@every_shell
def test_an_empty_or_foreign_program_does_nothing(shell: tuple[str, ...], tmp_path: Path) -> None:
    program = compose([Section("make", SCRIPT)], shell=shell)
    other = compose([Section("make", SCRIPT)], shell=shell)
    body = program.text.split(b"\n", 1)[1]
    for text in (b"", b"\n", b"#begin \n#end ", b"#begin \ntouch x\n#end \n", b"touch x\n", b"#begin\n" + body, body):
        assert _run(program.argv, text, tmp_path).returncode == 97
    assert _run(program.argv, program.text.split(b"\n", 1)[0] + b"\n" + other.text, tmp_path).returncode == 97
    assert list(tmp_path.iterdir()) == []


def test_the_launchers_survive_any_login_shell() -> None:
    for program in (compose([]), compose_fed(Section("x", Script(":")))):
        assert not set(program.argv[-1]) & set("\n!'\\")
        assert program.argv[:2] == ("sh", "-c")
