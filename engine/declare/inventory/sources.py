"""Inventory sources → a tree of groups and hosts: files, directories, lists of hosts, executables."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.bounds import HOSTS
from engine.codes import Code
from engine.declare.inventory import ini, plugin, ranges, script, text
from engine.declare.inventory.settings import Settings
from engine.declare.inventory.text import Item
from engine.declare.inventory.tree import Loop, Tree
from engine.declare.inventory.vault import HEADER
from engine.declare.schema.validate import nearest
from engine.declare.yaml.loader import read_text
from engine.errors import InvalidInput, Position, Problem

YAML = ("", ".yml", ".yaml", ".json")
"""What the name of a YAML inventory can end with."""
_NAMES = {"map": "a map", "list": "a list", "nothing": "nothing", "text": "text", "value": "a number or the like"}


class Reader:
    """Reads sources into `tree`. `files` are those that were read; `problems` and `warnings` collect."""

    def __init__(self, tree: Tree, label: Callable[[Path], str], settings: Settings | None = None) -> None:
        self.tree = tree
        self.label = label
        self._ignored = (settings or Settings()).ignored()
        self.files: list[Path] = []
        self.problems: list[Problem] = []
        self.warnings: list[str] = []

    def source(self, name: str, path: Path) -> None:
        """Read what one `-i` names: `name` as it was given, `path` the absolute path it means."""
        if "," in name and not path.exists():
            self._host_list(name)
        elif path.is_dir():
            self._directory(path)
        else:
            self._file(path)

    def _directory(self, path: Path) -> None:
        for entry in sorted(path.iterdir(), key=lambda entry: entry.name):
            if self._ignored(entry.name):
                continue
            if entry.is_dir():
                self._directory(entry)
            else:
                self._file(entry)

    def _file(self, path: Path) -> None:
        label = self.label(path)
        self.files.append(path)
        try:
            if script.is_script(path):
                script.read(path, label, self.tree)
                return
            self._text(read_text(path, label), path, label)
        except InvalidInput as error:
            self.problems += error.problems

    def _text(self, content: str, path: Path, label: str) -> None:
        """Read an inventory that is text. Where the name of its file does not say, YAML is what is a map."""
        suffix = path.suffix
        if content.startswith(HEADER):
            hint = "encrypt files of variables instead, in group_vars/ and host_vars/"
            raise InvalidInput(Problem("is encrypted as a whole", label, (hint,), code=Code.INVENTORY_SHAPE))
        if suffix == ".toml":
            plugin.read(path, label, self.tree, "is TOML", label)
            return
        if suffix not in YAML:
            self.problems += ini.read(content, label, self.tree, self._add_hosts)
            return
        likely = ini.probable(content, bare=not suffix)
        try:
            document = text.parse(content, label)
        except InvalidInput:
            if not likely:
                raise
            document = None
        if document is not None and document.kind == "map":
            if any(key == "plugin" and item.kind == "text" for key, _, item in document.pairs()):
                plugin.read(path, label, self.tree, "configures an inventory plugin", document.where)
            else:
                self._document(document)
        elif likely:
            self.problems += ini.read(content, label, self.tree, self._add_hosts)
        elif document is not None:
            self._document(document)
        else:
            hint = "all: {hosts: {gpu1: {}}}"
            raise InvalidInput(Problem("is empty, expected an inventory", label, (hint,), code=Code.INVENTORY_SHAPE))

    def _host_list(self, name: str) -> None:
        for part in name.split(","):
            if part.strip():
                host, port = ranges.address(part.strip()) or (part.strip(), None)
                self._add_hosts([host], port, {}, "ungrouped")

    def _document(self, document: Item) -> None:
        if document.kind != "map":
            found = _NAMES[document.kind]
            hint = "it starts with a group: all: {hosts: {gpu1: {}}}"
            raise InvalidInput(
                Problem(
                    f"an inventory must be a map of groups, got {found}",
                    document.where,
                    (hint,),
                    code=Code.INVENTORY_SHAPE,
                )
            )
        for name, where, item in document.pairs():
            self._group(name, where, item)

    def _group(self, name: Any, where: Position, item: Item) -> None:
        if not isinstance(name, str) or not name:
            self.problems.append(
                Problem(
                    f"the name of a group must be text, got {name!r}", where, ("quote it",), code=Code.INVENTORY_SHAPE
                )
            )
            return
        self.tree.add_group(name)
        if item.kind == "nothing":
            return
        if item.kind != "map":
            hint = f"{name}: {{hosts: {{gpu1: {{}}}}}}"
            self.problems.append(
                Problem(
                    f"group `{name}` must be a map, got {_NAMES[item.kind]}",
                    item.where,
                    (hint,),
                    code=Code.INVENTORY_SHAPE,
                )
            )
            return
        for key, position, section in item.pairs():
            if key not in ("hosts", "vars", "children"):
                near = "".join(f" ({hint.strip()})" for hint in nearest(str(key), ("hosts", "vars", "children"))[:1])
                self.warnings.append(
                    f"{position}: group `{name}`: `{key}` is ignored, only hosts, vars and children count{near}"
                )
                continue
            for entry in self._entries(name, key, section):
                getattr(self, f"_{key}")(name, *entry)

    def _entries(self, group: str, key: str, section: Item) -> list[tuple[Any, Position, Item]]:
        if section.kind == "map":
            return section.pairs()
        if section.kind == "text":
            return [(section.value, section.where, Item(section.where))]
        if section.kind != "nothing":
            hints = ("write each as a key of its own, like `gpu1:`, without `-`",) if section.kind == "list" else ()
            found = _NAMES[section.kind]
            self.problems.append(
                Problem(
                    f"`{key}` of group `{group}` must be a map, got {found}",
                    section.where,
                    hints,
                    code=Code.INVENTORY_SHAPE,
                )
            )
        return []

    def _hosts(self, group: str, name: Any, where: Position, item: Item) -> None:
        if not isinstance(name, str):
            self.problems.append(
                Problem(
                    f"the name of a host must be text, got {name!r}", where, ("quote it",), code=Code.INVENTORY_SHAPE
                )
            )
            return
        if item.kind not in ("map", "nothing"):
            self.problems.append(
                Problem(
                    f"variables of host `{name}` must be a map, got {_NAMES[item.kind]}",
                    item.where,
                    code=Code.INVENTORY_SHAPE,
                )
            )
            return
        try:
            hosts, port = ranges.expand(name)
        except ValueError as error:
            self.problems.append(Problem(str(error), where, code=Code.HOST_NAME))
            return
        entries = item.pairs() if item.kind == "map" else []
        values = {str(key): value.value for key, _, value in entries}
        try:
            self._add_hosts(hosts, port, values, group)
        except InvalidInput as error:
            raise InvalidInput(Problem(error.problems[0].message, where, code=error.problems[0].code)) from None

    def _add_hosts(self, names: list[str], port: int | None, values: dict[str, Any], group: str) -> None:
        if len(self.tree.hosts) + len(names) > HOSTS and any(name not in self.tree.hosts for name in names):
            raise InvalidInput(
                Problem(f"with `{names[0]}` the inventory has more than {HOSTS} hosts", code=Code.INVENTORY_LIMIT)
            )
        for name in names:
            # A port counts where a host is named first.
            if port is not None and name not in self.tree.hosts:
                values = {"ansible_port": port, **values}
            self.tree.add_host(name, group)
            self.tree.hosts[name].update(values)

    def _vars(self, group: str, name: Any, where: Position, item: Item) -> None:
        try:
            self.tree.set(group, str(name), item.value)
        except (ValueError, TypeError):
            self.problems.append(Problem(f"`{name}` must be a whole number", item.where, code=Code.INVENTORY_SHAPE))

    def _children(self, group: str, name: Any, where: Position, item: Item) -> None:
        self._group(name, where, item)
        if isinstance(name, str):
            try:
                self.tree.add_child(group, name)
            except Loop as error:
                self.problems.append(Problem(str(error), where, code=Code.INVENTORY_SHAPE))


def absolute(name: str, directory: Path) -> Path:
    """The path that a name on the command line means; symbolic links are not resolved. Raises InvalidInput."""
    if "\0" in name:
        raise InvalidInput(
            Problem("a path cannot hold a NUL byte", name.split("\0")[0], code=Code.INVENTORY_UNREADABLE)
        )
    return Path(os.path.abspath(directory / Path(name).expanduser()))
