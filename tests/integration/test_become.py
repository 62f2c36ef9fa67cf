"""Becoming another user is refused, clearly, rather than done as the wrong one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
STATE = """\
name: web
hosts: all
resources:
  a:
    {keyword}file-sync: {{ path: {path}/a, content: x }}
"""


def plan(project: Path) -> subprocess.CompletedProcess[str]:
    command = [str(BIN / "plan"), "web.yaml"]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)


@pytest.mark.parametrize(
    ("keyword", "variables", "message"),
    [
        ("become: jesse\n    ", "", "web.yaml:4:3: becoming another user is not supported yet"),
        ("", ", ansible_become: true, ansible_become_user: jesse", "host here: ansible_become is not supported yet"),
    ],
)
def test_it_is_refused_and_nothing_is_reached(keyword: str, variables: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(STATE.format(keyword=keyword, path=tmp_path))
    (tmp_path / "inventory.yaml").write_text(f"all: {{hosts: {{here: {{ansible_connection: local{variables}}}}}}}\n")
    done = plan(tmp_path)
    assert done.returncode == 3
    assert done.stdout == ""
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_becoming_the_user_that_connects_is_nothing_to_refuse(tmp_path: Path) -> None:
    import getpass

    (tmp_path / "web.yaml").write_text(STATE.format(keyword=f"become: {getpass.getuser()}\n    ", path=tmp_path))
    (tmp_path / "inventory.yaml").write_text("all: {hosts: {here: {ansible_connection: local}}}\n")
    assert plan(tmp_path).returncode == 0
