"""Groups, hosts, and how they hang together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


class Loop(ValueError):
    """A group would become its own descendant."""


@dataclass
class Group:
    """A group as the sources give it; `hosts` are those named in it, `children` names of groups, in order."""

    name: str
    hosts: dict[str, None] = field(default_factory=dict)
    children: dict[str, None] = field(default_factory=dict)
    parents: dict[str, None] = field(default_factory=dict)
    vars: dict[str, Any] = field(default_factory=dict)
    priority: int = 1


class Tree:
    """All groups and hosts. Every group descends from `all`; hosts in no other group are in `ungrouped`."""

    def __init__(self) -> None:
        self.groups: dict[str, Group] = {}
        self.hosts: dict[str, dict[str, Any]] = {}
        self.add_child("all", "ungrouped")

    def add_group(self, name: str) -> Group:
        """The group of that name, made where it is not there yet."""
        return self.groups.setdefault(name, Group(name))

    def add_host(self, name: str, group: str) -> None:
        """Put a host into a group; both are made where they are not there yet."""
        self.hosts.setdefault(name, {})
        self.add_group(group).hosts[name] = None

    def add_child(self, parent: str, child: str) -> None:
        """Put a group into a group. Raises Loop where that would close a circle."""
        if parent == child or parent in self.below(self.add_group(child).name):
            raise Loop(f"group `{child}` cannot be in `{parent}`, which is in `{child}`")
        self.add_group(parent).children[child] = None
        self.add_group(child).parents[parent] = None

    def set(self, group: str, name: str, value: Any) -> None:
        """Set a variable of a group. Raises ValueError for a priority that is no whole number."""
        if name == "ansible_group_priority":
            self.groups[group].priority = int(value)
        else:
            self.groups[group].vars[name] = value

    def close(self) -> None:
        """Finish the tree after the last source: no group and no host stays outside."""
        for name, group in list(self.groups.items()):
            if name != "all" and not group.parents:
                self.add_child("all", name)
        grouped = {
            host for name, group in self.groups.items() if name not in ("all", "ungrouped") for host in group.hosts
        }
        loose = self.groups["ungrouped"].hosts
        for host in self.hosts:
            if host in grouped:
                loose.pop(host, None)
            else:
                loose[host] = None

    def below(self, name: str) -> list[str]:
        """A group and all groups under it, level by level."""
        return list(self._walk([name], "children"))

    def hosts_of(self, name: str) -> list[str]:
        """The hosts of a group and of all groups under it, each once."""
        return list(dict.fromkeys(host for group in self.below(name) for host in self.groups[group].hosts))

    def groups_of(self, host: str) -> list[str]:
        """The groups a host is in, `all` left out, in the order in which their variables are merged."""
        above = self._walk(self._direct.get(host, ()), "parents")
        return sorted(
            (name for name in above if name != "all"),
            key=lambda name: (self._depths[name], self.groups[name].priority, name),
        )

    def _walk(self, names: Iterable[str], way: str) -> Iterator[str]:
        level, seen = list(names), set()
        while level:
            following: list[str] = []
            for name in level:
                if name not in seen:
                    seen.add(name)
                    yield name
                    following += getattr(self.groups[name], way)
            level = following

    @cached_property
    def _direct(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, group in self.groups.items():
            for host in group.hosts:
                found.setdefault(host, []).append(name)
        return found

    @cached_property
    def _depths(self) -> dict[str, int]:
        """The longest way from `all` to each group."""
        depths = dict.fromkeys(self.groups, 0)
        level = ["all"]
        while level:
            following: dict[str, None] = {}
            for name in level:
                for child in self.groups[name].children:
                    if depths[child] <= depths[name]:
                        depths[child] = depths[name] + 1
                        following[child] = None
            level = list(following)
        return depths
