"""Resources in an order in which each comes after what it needs. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from engine.codes import Code
from engine.errors import Position, Problem


@dataclass(frozen=True)
class Node:
    """A resource in the graph. `needs`: names of resources that are all in the graph.

    `implied`: those of them that no one wrote, needed only because they come before it in the file.
    """

    name: str
    needs: tuple[str, ...]
    implied: frozenset[str] = frozenset()
    position: Position | None = None


def order(nodes: Sequence[Node]) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """Names in the order of `nodes`, but for those that must wait for what they need; a problem for each circle.

    Of several resources that could come next it is always the first of the file. What lies on a circle, or behind
    one, is left out.
    """
    index = {node.name: number for number, node in enumerate(nodes)}
    waiting = {node.name: len(set(node.needs)) for node in nodes}
    wanted: dict[str, list[str]] = {node.name: [] for node in nodes}
    for node in nodes:
        for name in set(node.needs):
            wanted[name].append(node.name)
    ready = [index[name] for name, count in waiting.items() if not count]
    heapq.heapify(ready)
    done: list[str] = []
    while ready:
        name = nodes[heapq.heappop(ready)].name
        done.append(name)
        for other in wanted[name]:
            waiting[other] -= 1
            if not waiting[other]:
                heapq.heappush(ready, index[other])
    if len(done) == len(nodes):
        return tuple(done), ()
    left = {node.name: node for node in nodes if waiting[node.name]}
    return tuple(done), tuple(_told(circle, left) for circle in _circles(left))


def _circles(left: dict[str, Node]) -> list[list[str]]:
    """A circle of each part of what is left that has one; none shares a resource with another."""
    circles: list[list[str]] = []
    state: dict[str, str] = {}
    for start in left:
        if start in state:
            continue
        state[start] = "open"
        # A stack of its own: a chain of resources may be longer than the recursion limit.
        path = [(start, iter(left[start].needs))]
        while path:
            name, needs = path[-1]
            other = next((need for need in needs if need in left and state.get(need) != "done"), None)
            if other is None:
                state[name] = "done"
                path.pop()
            elif state.get(other) == "open":
                names = [each for each, _ in path]
                circles.append(names[names.index(other) :])
                state.update(dict.fromkeys(names, "done"))
                path = []
            else:
                state[other] = "open"
                path.append((other, iter(left[other].needs)))
    return circles


def _told(circle: list[str], nodes: dict[str, Node]) -> Problem:
    first = min(range(len(circle)), key=lambda at: list(nodes).index(circle[at]))
    circle = [*circle[first:], *circle[:first]]
    hints = []
    for name, need in zip(circle, [*circle[1:], circle[0]], strict=True):
        why = "because it comes after it in the file; `needs:` says otherwise" if need in nodes[name].implied else ""
        place = f"{nodes[name].position}: " if nodes[name].position else ""
        hints.append(f"{place}{name} needs {need}{', ' + why if why else ''}")
    way = " → ".join([*circle, circle[0]])
    return Problem(
        f"circular needs: {way}",
        nodes[circle[0]].position,
        tuple(hints),
        code=Code.CIRCULAR_NEEDS,
    )
