"""What YAML is read into: text, lists and maps, each with its position. No type is guessed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.errors import Position


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """One value as it is spelled.

    `plain`: written without quotes, so that it may be read as a number. `literal`: written below a `|`, line by line.
    `template`: the text is to be rendered.
    """

    text: str
    plain: bool
    where: Position
    literal: bool = False
    template: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "template", "{{" in self.text or "{%" in self.text)

    def line(self, number: int) -> Position:
        """The place of line `number` (from 1; 0: not known) of the text."""
        if not self.literal or not number:
            return self.where
        return Position(self.where.file, self.where.line + number, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Seq:
    """A list."""

    items: tuple[Node, ...]
    where: Position


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    """A map; `keys` says where each key stands."""

    items: Mapping[str, Node]
    keys: Mapping[str, Position]
    where: Position = field(default=Position(""))

    def at(self, key: str) -> Position:
        """Where a key stands; the map itself where it has no such key."""
        return self.keys.get(key, self.where)


Node: TypeAlias = Scalar | Seq | Map


def find(node: Node, path: Sequence[str | int], *, key: bool = False) -> Position:
    """The position of the value at `path` below `node`, or of the nearest value above it that was written.

    `key`: where the last part of the path is a key, the position of that key rather than of its value.
    """
    where = node.where
    for depth, part in enumerate(path):
        if isinstance(node, Map) and isinstance(part, str) and part in node.items:
            at_key = key and depth == len(path) - 1
            where = node.keys[part] if at_key else node.items[part].where
            node = node.items[part]
        elif isinstance(node, Seq) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            where = node.where
        else:
            break
    return where


def static(node: Node) -> bool:
    """True where nothing in the node is a template."""
    if isinstance(node, Scalar):
        return not node.template
    if isinstance(node, Seq):
        return all(map(static, node.items))
    return all(map(static, node.items.values())) and not any("{{" in key or "{%" in key for key in node.items)
