"""The schema of inventories: valid JSON Schema, agrees with the loader, knows every variable that is read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator

import engine
from engine.cli.info import schema_command
from engine.declare.inventory import Inventory
from engine.declare.inventory.schema import inventory_schema

SCHEMA = inventory_schema()
TOP = Path(__file__).resolve().parents[3]
GOOD = {
    "ours": (TOP / "inventory.yaml").read_text(),
    "ranges": "web:\n  hosts:\n    web[01:20].lan: {ansible_port: 2222}\n    one:\n  vars: {any: [thing, 1]}\n",
    "deep": "all: {children: {a: {children: {b: {hosts: {h: }}}, vars: {ansible_group_priority: 10}}}}\n",
    "templates": 'all: {hosts: {h: {ansible_port: "{{ port }}", ansible_become: yes, port: 22}}}\n',
    "words": "all: {hosts: {a: {ansible_command_argv: [podman, exec]}, b: {ansible_command_argv: podman exec}}}\n",
    "another": "all: {hosts: {h: {ansible_connection: my_own}}}\n",
}
BAD = {
    "misspelt": "all: {host: {h: }}\n",
    "list": "all: {hosts: [h]}\n",
    "method": "all: {hosts: {h: {ansible_become_method: su}}}\n",
    "port": "all: {vars: {ansible_port: [22]}}\n",
}


def errors(text: str) -> list[str]:
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(yaml.safe_load(text))]


def test_it_is_a_schema_and_what_is_printed() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    done = CliRunner().invoke(schema_command, ["--inventory"])
    assert json.loads(done.stdout) == SCHEMA == json.loads((TOP / "inventory.schema.json").read_text())


@pytest.mark.parametrize("name", GOOD)
def test_it_accepts_what_the_loader_accepts(name: str, tmp_path: Path) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_text(GOOD[name])
    assert Inventory.load([path], tmp_path).hosts("all", None)
    assert errors(GOOD[name]) == []


@pytest.mark.parametrize("name", BAD)
def test_it_finds(name: str) -> None:
    assert errors(BAD[name])


def test_it_knows_every_variable_that_is_read() -> None:
    """Ansible's older names of the same thing are not offered."""
    older = {"ansible_ssh_host", "ansible_ssh_port", "ansible_ssh_user", "ansible_ssh_pass", "ansible_ssh_password"}
    older |= {"ansible_private_key_file", "ansible_private_key_passphrase", "ansible_ssh_host_key_checking"}
    older |= {"ansible_become_pass"}
    read: set[str] = set()
    package = Path(engine.__path__[0])
    for path in [
        *package.glob("transports/*.py"),
        package / "model/become.py",
        package / "declare/inventory/tree.py",
    ]:
        read |= set(re.findall(r'"(ansible_[a-z_]*[a-z])"', path.read_text()))
    known: dict[str, Any] = SCHEMA["$defs"]["variables"]["properties"]
    assert read - older - set(known) == set()
    assert all(schema["description"] for schema in known.values())
