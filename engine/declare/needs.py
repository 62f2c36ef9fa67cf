"""What each resource of a host needs: names → resources, and the order that follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.codes import Code
from engine.declare.expand import Item, Unroller
from engine.declare.schema.validate import near
from engine.declare.yaml.nodes import find
from engine.errors import Position, Problem
from engine.plan import graph


@dataclass(frozen=True)
class Needs:
    """What one resource needs and watches: names of active resources."""

    needs: tuple[str, ...]
    watches: Mapping[str, tuple[str, ...]]
    """Parameter → the resources that it names."""


class Resolver:
    """Resolves the names that the resources of one host use for each other."""

    def __init__(self, items: Sequence[Item], unroller: Unroller) -> None:
        self.items = {item.name: item for item in items}
        self.groups = unroller.groups
        self.unlisted = tuple(unroller.unlisted)
        self.problems = unroller.problems
        # Where it is not known yet which resources there are, neither is which one comes before another.
        self.undecided = unroller.problems.later

    def ordered(self, watched: Mapping[str, Mapping[str, Any]]) -> list[tuple[Item, Needs]]:
        """Active items with what they need, each after what it needs.

        `watched`: of each item, parameter → the names that it watches. A circle is a problem, and what lies on it
        or behind it is left out.
        """
        nodes: list[graph.Node] = []
        found: dict[str, Needs] = {}
        before: dict[int, list[str]] = {}
        current: dict[int, tuple[int, list[str]]] = {}
        for item in self.items.values():
            number, names = current.get(item.chain, (0, []))
            if number != item.number:
                if names:
                    before[item.chain] = names
                current[item.chain] = (item.number, [])
            if not item.active:
                continue
            current[item.chain][1].append(item.name)
            stands_alone = "needs" in item.words or self.undecided
            implied = () if stands_alone else tuple(before.get(item.chain, ()))
            stated = self.resolve(item, item.words.get("needs", ()), ("needs",))
            watches = {
                param: self.resolve(item, names_, (param,)) for param, names_ in watched.get(item.name, {}).items()
            }
            needs = tuple(dict.fromkeys([*implied, *stated, *(name for part in watches.values() for name in part)]))
            found[item.name] = Needs(needs, watches)
            written = {*stated, *(name for part in watches.values() for name in part)}
            nodes.append(graph.Node(item.name, needs, frozenset(implied) - written, item.entry.where))
        names_in_order, circles = graph.order(nodes)
        self.problems.add(circles)
        return [(self.items[name], found[name]) for name in names_in_order]

    def resolve(self, item: Item, names: Sequence[str], path: tuple[str, ...]) -> tuple[str, ...]:
        """The active resources that names mean, as they are written in the file of `item`."""
        resolved: list[str] = []
        for index, name in enumerate(names):
            full = item.prefix + name
            members = self.groups.get(full, [full] if full in self.items else None)
            if members is None and full.startswith(self.unlisted):
                continue
            if members is None:
                self.problems.add([self.unknown(item, name, _place(item, (*path, index)))])
            else:
                resolved += [member for member in members if self.items[member].active]
        return tuple(dict.fromkeys(resolved))

    def unknown(self, item: Item, name: str, where: Position) -> Problem:
        """The problem of a name that no resource has."""
        full = [*self.groups, *self.items]
        known = [other.removeprefix(item.prefix) for other in full if other.startswith(item.prefix)]
        own = item.name.removeprefix(item.prefix)
        hints = near(name, [other for other in known if other != own])
        if name in full and name not in known:
            hints = ("an included file can only name its own resources",)
        return Problem(
            f"`{own}` needs `{name}`, but no resource has that name", where, hints, code=Code.UNKNOWN_RESOURCE
        )


def _place(item: Item, path: tuple[str | int, ...]) -> Position:
    node = item.entry.keywords.get(str(path[0]), item.entry.params.items.get(str(path[0])))
    return find(node, path[1:]) if node is not None else item.entry.where
