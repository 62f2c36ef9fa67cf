"""What file-sync writes into a `.env` file, and takes for right in one, is what both Compose versions read."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from engine.errors import InvalidParameter
from engine.kinds.file_sync import FileSync
from engine.kinds.file_sync.dotenv import refusal
from engine.model import HostPath
from tests.harness import apply, apply_all, observe_all

GOOD = (
    "$2b$12$Ab.C/d", "a b", " led and trailed ", "#x", "a #b", '"q"', "a\\b", "\\n", "$HOME", "$", "$$", "{}", "%s",
    "é ü €", "a=b", "a:b", "`x`", 'a\\"b', "\t", "!*~?[]", "", "\\$", "8080", "null", "export A=1", "$ {x}",
)  # fmt: skip
BAD = ("it's", "a\nb", "a\\", "a\\\\b", "${HOME}", "a${")

LINES = {
    "A=plain": "plain", "A = plain": "plain", "  export A=plain": "plain", "A=": "", "A=x # why": "x",
    'A="double"': "double", "A='single' # why": "single", "A=a:b@c/d,e+f%g-h_i.j": "a:b@c/d,e+f%g-h_i.j",
    "A='$x'#why": "$x", "A=1\nA=2": "2", "B='\nA=1\n'\nA=2": "2", "A=x\r": "x", "A='x'\r": "x",
}  # fmt: skip
"""Lines, and what they make of A, that are left as they are."""


def read(directory: Path, client: str) -> dict[str, str]:
    """The environment that a client gives a service from the file `.env` in a directory."""
    if shutil.which(client.split()[0]) is None:
        pytest.skip(f"{client} is not installed")
    if subprocess.run([*client.split(), "version"], capture_output=True).returncode:
        pytest.skip(f"{client} is not installed")
    compose = {"version": "3.4", "services": {"web": {"image": "none", "env_file": ".env"}}}
    (directory / "docker-compose.yml").write_text(yaml.safe_dump(compose))
    form = ["--format", "json"] if client == "docker compose" else []
    done = subprocess.run([*client.split(), "config", *form], cwd=directory, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    config = json.loads(done.stdout) if form else yaml.safe_load(done.stdout)
    environment = config["services"]["web"]["environment"]
    return {name: str(value).replace("$$", "$") for name, value in environment.items()}


@pytest.mark.parametrize("client", ["docker-compose", "docker compose"])
def test_what_is_written_is_what_is_read(client: str, tmp_path: Path) -> None:
    values = {f"K{n}": value for n, value in enumerate(GOOD)}
    (tmp_path / ".env").write_text("# mine\nOLD='1'\nK1=\"x\"\nK2=y # z")
    apply(FileSync(path=HostPath(str(tmp_path / ".env")), dotenv=values))
    assert read(tmp_path, client) == {"OLD": "1", **values}


@pytest.mark.parametrize("client", ["docker-compose", "docker compose"])
def test_what_is_taken_for_right_is_read_so(client: str, tmp_path: Path) -> None:
    resources = []
    for n, (line, value) in enumerate(LINES.items()):
        (tmp_path / str(n)).mkdir()
        (tmp_path / str(n) / ".env").write_text(f"{line}\n", newline="")
        resources.append(FileSync(path=HostPath(str(tmp_path / str(n) / ".env")), dotenv={"A": value}))
    assert [seen.change for seen in observe_all(resources)] == [None] * len(LINES)
    # One file for all, so that a client need not be asked a dozen times.
    lines = [line.replace("A", f"A{n}").replace("B", f"B{n}") for n, line in enumerate(LINES)]
    (tmp_path / ".env").write_text("".join(f"{line}\n" for line in lines), newline="")
    found = read(tmp_path, client)
    assert [found[f"A{n}"] for n in range(len(lines))] == list(LINES.values())


def test_what_only_one_of_them_reads_is_written_again(tmp_path: Path) -> None:
    lines = ["A=$2b$12$x", 'A="$2b$12$x"', "A: $2b$12$x", "A", "A='$2b$12$x' y"]
    resources = []
    for n, line in enumerate(lines):
        (tmp_path / str(n)).write_text(f"{line}\nB='it'\n")
        resources.append(FileSync(path=HostPath(str(tmp_path / str(n))), dotenv={"A": "$2b$12$x"}))
    assert None not in apply_all(resources)
    assert {(tmp_path / str(n)).read_text() for n in range(len(lines))} == {"A='$2b$12$x'\nB='it'\n"}


@pytest.mark.parametrize("value", BAD)
def test_what_they_would_not_read_back_is_refused(value: str) -> None:
    assert refusal(value)
    with pytest.raises(InvalidParameter, match="Compose would not read back"):
        FileSync(path=HostPath("/x/.env"), dotenv={"A": value})


@pytest.mark.parametrize("value", GOOD)
def test_nothing_else_is_refused(value: str) -> None:
    assert not refusal(value)
