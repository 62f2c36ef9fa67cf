"""Dynamic inventories: an executable that prints Ansible's JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine import bounds
from engine.codes import Code
from engine.declare.inventory.tree import Loop, Tree
from engine.errors import InvalidInput, Problem

SECONDS = 300
"""How long an executable may take to list its hosts."""


def is_script(path: Path) -> bool:
    """Whether a file is to be run: it may be executed and begins as executables do.

    On some file systems every file may be executed, so that alone says nothing.
    """
    if not path.is_file() or not os.access(path, os.X_OK):
        return False
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError:
        return False
    return start[:2] in (b"#!", b"MZ") or start == b"\x7fELF" or start in (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")


def read(path: Path, label: str, tree: Tree) -> None:
    """Run the executable and put what it lists into the tree. Raises InvalidInput."""
    data = _run(path, label, "--list")
    put(data, data.pop("_meta", None), label, tree, lambda host: _run(path, label, "--host", host))


def put(
    data: dict[str, Any], meta: Any, label: str, tree: Tree, asked: Callable[[str], Any] = lambda host: {}
) -> None:
    """Put groups and hosts into the tree; `asked` gives the variables of a host where `meta` has none for any. Raises
    InvalidInput."""
    hosts: dict[str, None] = {}
    for name, group in data.items():
        _group(name, group, label, tree, hosts)
    hostvars = meta.get("hostvars") if isinstance(meta, dict) else None
    if hostvars is not None and not isinstance(hostvars, dict):
        raise _wrong(label, "`_meta.hostvars` must be an object")
    for host in hosts:
        values = asked(host) if hostvars is None else hostvars.get(host, {})
        if not isinstance(values, dict):
            raise _wrong(label, f"the variables of host {host} must be an object")
        tree.hosts[host].update(values)


def _group(name: str, group: Any, label: str, tree: Tree, hosts: dict[str, None]) -> None:
    tree.add_group(name)
    if not isinstance(group, dict):
        group = {"hosts": group}
    elif not group.keys() & {"hosts", "vars", "children"}:
        # The oldest form: a host that is its own group, with its variables.
        group = {"hosts": [name], "vars": group}
    for key, kind in (("hosts", list), ("vars", dict), ("children", list)):
        if not isinstance(group.get(key, kind()), kind):
            raise _wrong(label, f"`{key}` of group {name} must be {'an object' if kind is dict else 'a list'}")
    for host in group.get("hosts", ()):
        if not isinstance(host, str):
            raise _wrong(label, f"group {name} has a host that is not text: {host!r}")
        hosts[host] = None
        tree.add_host(host, name)
    for key, value in group.get("vars", {}).items():
        tree.set(name, key, value)
    for child in group.get("children", ()):
        try:
            tree.add_child(name, str(child))
        except Loop as error:
            raise _wrong(label, str(error)) from None


def _run(path: Path, label: str, *arguments: str) -> dict[str, Any]:
    return answer([str(path), *arguments], " ".join([label, *arguments]), label)


def answer(
    argv: list[str], shown: str, label: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> dict[str, Any]:
    """The JSON object that a command prints, called `shown` in errors. Raises InvalidInput."""
    try:
        done = bounds.run(argv, seconds=SECONDS, limit=bounds.INVENTORY, env=env, cwd=cwd)
    except bounds.Exceeded as error:
        raise InvalidInput(Problem(f"{shown} {error}", label, code=Code.INVENTORY_SCRIPT)) from None
    except OSError as error:
        raise InvalidInput(
            Problem(f"{shown} does not start: {error.strerror}", label, code=Code.INVENTORY_SCRIPT)
        ) from None
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()[-5:]
        raise InvalidInput(
            Problem(f"{shown} ended with status {done.returncode}", label, tuple(lines), code=Code.INVENTORY_SCRIPT)
        )
    if "--host" in argv and not done.stdout.strip():
        return {}
    try:
        data = json.loads(done.stdout, object_hook=_safe)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            Problem(f"{shown} did not print JSON: {error}", label, code=Code.INVENTORY_SCRIPT)
        ) from None
    if not isinstance(data, dict):
        raise _wrong(label, "it must print one JSON object")
    return data


def _safe(data: dict[str, Any]) -> Any:
    """The text itself, where Ansible marks one that is no template."""
    return data["__ansible_unsafe"] if list(data) == ["__ansible_unsafe"] else data


def _wrong(label: str, message: str) -> InvalidInput:
    return InvalidInput(Problem(f"the executable's answer: {message}", label, code=Code.INVENTORY_SCRIPT))
