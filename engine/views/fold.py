"""Many hosts in few words: ranges of names, and hosts for which the same is to be said."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from engine.views.escape import cells, middle, visible

Item = TypeVar("Item")

_NUMBERED = re.compile(r"(.*?)([0-9]+)([^0-9.]*(?:\..*)?)$", re.DOTALL)
_ADDRESS = re.compile(r"[0-9.]+$")


def names(hosts: Iterable[str]) -> str:
    """Host names with ranges folded: `gpu[02:03], web1.lan`. Order is that of first appearance."""
    return ", ".join(folded(hosts))


def folded(hosts: Iterable[str]) -> tuple[str, ...]:
    """The same, range by range."""
    groups: dict[tuple[str, str], list[str]] = {}
    for host in hosts:
        head, number, tail = _split(host)
        groups.setdefault((head, tail), []).append(number)
    parts: list[str] = []
    for (head, tail), numbers in groups.items():
        parts += [visible(f"{head}{part}{tail}") for part in _ranges(numbers)]
    return tuple(parts)


def few(hosts: Sequence[str], width: int) -> str:
    """What `folded` gave, within so many columns: as many of the names as there is room for, and `…`."""
    whole = ", ".join(hosts)
    if cells(whole) <= width:
        return whole
    first, *rest = hosts
    if cells(first) > width - 3:
        return middle(first, width) if not rest else f"{middle(first, width - 3)}, …"
    for part in rest:
        if cells(first) + cells(part) + 2 > width - 3:
            break
        first = f"{first}, {part}"
    return f"{first}, …"


def alike(items: Iterable[Item], key: Callable[[Item], Hashable]) -> list[list[Item]]:
    """Items grouped by equal `key`, in order of first appearance."""
    groups: dict[Hashable, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.values())


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def _split(host: str) -> tuple[str, str, str]:
    """The number that tells a host from its siblings: the last one before the first dot, else (in an address) the
    last one of all."""
    if _ADDRESS.match(host):
        head, _, number = host.rpartition(".")
        return (f"{head}." if head else "", number, "")
    found = _NUMBERED.match(host)
    return (found[1], found[2], found[3]) if found else (host, "", "")


def _ranges(numbers: list[str]) -> list[str]:
    ordered = sorted(set(numbers), key=lambda text: (int(text or 0), len(text)))
    runs: list[list[str]] = []
    for number in ordered:
        if runs and _follows(runs[-1][-1], number):
            runs[-1].append(number)
        else:
            runs.append([number])
    return [run[0] if len(run) == 1 else f"[{run[0]}:{run[-1]}]" for run in runs]


def _follows(first: str, second: str) -> bool:
    if not first or int(second) != int(first) + 1:
        return False
    padded = (first.startswith("0") and first != "0") or second.startswith("0")
    return len(first) == len(second) or not padded
