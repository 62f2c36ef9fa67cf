"""What is kept of Ansible's answers (tests/inventories) is what the Ansible at hand says.

ENGINE_TEST_ANSIBLE names a virtual environment with ansible-core; without it, that of the benchmarks is taken, or an
Ansible on the PATH.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from engine.declare.inventory import Inventory
from tests.inventories.forms import FORMS, ansible_says, engine_says
from tests.inventories.record import CASES, HERE, ask


def _python() -> str | None:
    if named := os.environ.get("ENGINE_TEST_ANSIBLE"):
        return str(Path(named) / "bin" / "python")
    peers = HERE.parent.parent / "benchmarks" / ".peers" / "bin"
    tool = shutil.which("ansible-inventory", path=f"{peers}:{os.environ['PATH']}")
    return str(Path(tool).parent / "python3") if tool else None


PYTHON = _python()
pytestmark = pytest.mark.skipif(PYTHON is None, reason="no ansible-core: ENGINE_TEST_ANSIBLE names no environment")


@pytest.mark.parametrize("case", CASES)
def test_ansible_still_says_what_is_kept(case: str) -> None:
    assert PYTHON is not None
    found, kept = json.loads(ask(PYTHON, case)), json.loads((HERE / case / "expected.json").read_text())
    for answer in (found, kept):
        answer["patterns"] = [sorted(names) for names in answer["patterns"]]
    assert found == kept


@pytest.mark.parametrize("name", FORMS)
def test_every_form_beside_ansible(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert PYTHON is not None
    tool, form = Path(PYTHON).with_name("ansible-inventory"), FORMS[name]
    form.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    found = ansible_says(tool, form, tmp_path)
    assert found == json.loads((HERE / "forms.json").read_text())[name]
    if not form.refused:
        assert engine_says(form, tmp_path) == found


def test_the_command_line_lists_the_same_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert PYTHON is not None
    directory = HERE / "groups"
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    monkeypatch.chdir(directory)
    inventory = Inventory.load("inventory.yaml", directory)
    for pattern, limit in (("web:&staging:!db1", "all"), ("~web[12]", "web1,@retry"), ("production", "*1")):
        done = subprocess.run(
            [Path(PYTHON).parent / "ansible", pattern, "-i", "inventory.yaml", "--list-hosts", "--limit", limit],
            capture_output=True, text=True, env=env, cwd=directory, check=True,
        )  # fmt: skip
        names = [line.strip() for line in done.stdout.splitlines()[1:]]
        assert [host.name for host in inventory.hosts(pattern, limit)] == names
        assert names
