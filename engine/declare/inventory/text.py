"""YAML and JSON of inventories, read as Ansible reads them (YAML 1.1, with types), but with positions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from engine.bounds import DEPTH, ENTRIES, LONG, TOO_DEEP, Exceeded, check_json
from engine.codes import Code
from engine.declare.inventory.vault import Encrypted
from engine.errors import InvalidInput, Position, Problem

_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_BASE):  # type: ignore[misc]
    """Reads the tags that Ansible adds. `label` is the file's name."""

    label = ""

    def encrypted(self, node: Any) -> Encrypted:
        """What Ansible Vault has encrypted."""
        return Encrypted(self.construct_scalar(node), _position(self.label, node))


_Loader.add_constructor("!vault", _Loader.encrypted)
_Loader.add_constructor("!vault-encrypted", _Loader.encrypted)
_Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


@dataclass(frozen=True)
class Item:
    """A value of a file and its position."""

    where: Position
    _node: Any = None
    _loader: Any = None
    _plain: Any = None

    @property
    def value(self) -> Any:
        """The value, as plain data."""
        if self._loader is None:
            return self._plain
        try:
            return self._loader.construct_object(self._node, deep=True)
        except (yaml.YAMLError, ValueError) as error:
            message = getattr(error, "problem", None) or str(error)
            raise InvalidInput(Problem(f"cannot be read: {message}", self.where, code=Code.INVENTORY_YAML)) from None
        except (LookupError, AttributeError, TypeError, OverflowError):
            # How PyYAML fails on a value that is not what its tag says, like `!!int ""`.
            tag = str(self._node.tag).replace("tag:yaml.org,2002:", "!!")
            raise InvalidInput(
                Problem(f"cannot be read: it is not a `{tag}`", self.where, code=Code.INVENTORY_YAML)
            ) from None

    @property
    def kind(self) -> str:
        """`map`, `list`, `nothing`, `text` or `value`."""
        if self._loader is not None and not isinstance(self._node, yaml.ScalarNode):
            return "map" if isinstance(self._node, yaml.MappingNode) else "list"
        value = self.value
        names: dict[type, str] = {dict: "map", list: "list", str: "text", type(None): "nothing"}
        return next((name for kind, name in names.items() if isinstance(value, kind)), "value")

    def pairs(self) -> list[tuple[Any, Position, Item]]:
        """Key, position of the key and value of each entry of a map."""
        if self._loader is None:
            return [(key, self.where, Item(self.where, _plain=value)) for key, value in self._plain.items()]
        try:
            self._loader.flatten_mapping(self._node)
        except yaml.YAMLError:
            raise InvalidInput(
                Problem("`<<` needs a map, or a list of maps", self.where, code=Code.INVENTORY_YAML)
            ) from None
        last: dict[Any, tuple[Any, Position, Item]] = {}
        for key_node, value_node in self._node.value:
            key = Item(_position(self.where.file, key_node), key_node, self._loader)
            value = Item(_position(self.where.file, value_node), value_node, self._loader)
            # Entries merged in by `<<` come first, and yield to the map's own.
            last[key.value] = (key.value, key.where, value)
        return list(last.values())


def parse(text: str, label: str) -> Item | None:
    """The document in a text; None where it is empty. Raises InvalidInput with every duplicate key, or with what
    makes the text no YAML."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            data = json.loads(text)
            check_json(data)
        except (RecursionError, Exceeded):
            raise InvalidInput(Problem(TOO_DEEP, label, code=Code.INVENTORY_LIMIT)) from None
        except ValueError:
            pass
        else:
            return Item(Position(label), _plain=data)
    loader = _Loader(text)
    loader.label = label
    try:
        _measure(text, label)
        node = loader.get_single_node()
    except yaml.YAMLError as error:
        from engine.declare.yaml.syntax import explain

        raise InvalidInput(explain(error, text, label)) from None
    if node is None:
        return None
    problems = list(_wrong_keys(node, label, text.splitlines(), set()))
    if problems:
        raise InvalidInput(problems)
    return Item(_position(label, node), node, loader)


def _measure(text: str, label: str) -> None:
    """Look at the events of a YAML text before anything is made of them. Raises InvalidInput where it is nested too
    deeply, where an alias stands inside what it refers to, and where aliases stand for too much."""
    sizes: dict[str, int] = {}
    open_: list[tuple[str | None, int]] = []
    total = 0
    events: Iterator[Any] = yaml.parse(text, Loader=_BASE)
    for event in events:
        anchor, size = getattr(event, "anchor", None), 0
        where = Position(label, event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, yaml.CollectionStartEvent):
            open_.append((anchor, total))
            size = 1
        elif isinstance(event, yaml.CollectionEndEvent):
            name, before = open_.pop()
            sizes |= {name: total - before} if name else {}
        elif isinstance(event, yaml.AliasEvent):
            if any(anchor == name for name, _ in open_):
                raise InvalidInput(
                    Problem(f"`*{anchor}` is inside what it refers to", where, code=Code.INVENTORY_YAML)
                )
            size = sizes.get(anchor or "", 1)
        elif isinstance(event, yaml.ScalarEvent):
            size = 1 + len(event.value) // LONG
            sizes |= {anchor: size} if anchor else {}
        total += size
        if len(open_) > DEPTH:
            raise InvalidInput(Problem(TOO_DEEP, where, code=Code.INVENTORY_LIMIT))
        if total > ENTRIES:
            what = f"with this it holds more than {ENTRIES} values, aliases written out"
            raise InvalidInput(Problem(what, where, code=Code.INVENTORY_LIMIT))


def _position(label: str, node: Any) -> Position:
    return Position(label, node.start_mark.line + 1, node.start_mark.column + 1)


def _wrong_keys(node: Any, label: str, lines: list[str], visited: set[int]) -> Iterator[Problem]:
    """Keys that stand in a map twice, and keys that are no text."""
    if id(node) in visited or isinstance(node, yaml.ScalarNode):
        return
    visited.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _wrong_keys(item, label, lines, visited)
        return
    keys: dict[tuple[str, str], Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            yield _no_key(node, key, label, lines)
        elif key.tag != "tag:yaml.org,2002:merge":
            first = keys.setdefault((key.tag, key.value), key)
            if first is not key:
                hint = f"the first one is in line {first.start_mark.line + 1}"
                yield Problem(f"duplicate key `{key.value}`", _position(label, key), (hint,), code=Code.DUPLICATE_KEY)
        yield from _wrong_keys(value, label, lines, visited)


def _no_key(node: Any, key: Any, label: str, lines: list[str]) -> Problem:
    if isinstance(key, yaml.MappingNode) and node.flow_style and key.flow_style:
        from engine.declare.yaml.syntax import unquoted

        return unquoted(_position(label, node), lines[node.start_mark.line])
    return Problem("a key must be text, not a list or a map", _position(label, key), code=Code.INVENTORY_YAML)
