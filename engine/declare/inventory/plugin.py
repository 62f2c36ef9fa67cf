"""What only Ansible can read, listed by its own `ansible-inventory` where there is one: `plugin:` files, TOML."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from engine.codes import Code
from engine.declare.inventory import script
from engine.declare.inventory.tree import Tree
from engine.errors import InvalidInput, Position, Problem

TOOL = "ansible-inventory"
_ENVIRONMENT = {
    # Variable files are read here, with their passwords.
    "ANSIBLE_VARS_ENABLED": "",
    "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
    "ANSIBLE_NOCOLOR": "true",
    "ANSIBLE_DEPRECATION_WARNINGS": "false",
}


def read(path: Path, label: str, tree: Tree, what: str, where: Position | str) -> None:
    """Have a file listed, which is `what`, and put that into the tree. Raises InvalidInput, also where Ansible is not
    installed."""
    tool = shutil.which(TOOL)
    if tool is None:
        hints = (
            f"Install Ansible, so that {TOOL} is on PATH and can list it,",
            f"or list it elsewhere: {TOOL} -i {label} --list --export --yaml --output inventory.yaml",
        )
        raise InvalidInput(Problem(f"this {what}, which only Ansible can read", where, hints, code=Code.PLUGIN))
    argv = [tool, "-i", str(path), "--list", "--export"]
    environment = {**os.environ, **_ENVIRONMENT}
    data = script.answer(argv, f"{TOOL} -i {label} --list", label, environment, path.parent)
    meta = data.pop("_meta", {})
    # A group that says nothing would be taken for a host.
    script.put({name: group for name, group in data.items() if group}, meta, label, tree)
