"""Whether two resources of one host would fight over a path: what one of them writes, the other would undo."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from engine.codes import Code
from engine.errors import Problem, code_of, of_kind
from engine.model import DeclaredResource, Place

Key: TypeAlias = tuple[str, str]
Claim: TypeAlias = tuple[int, DeclaredResource, Place]
_KINDS = {"file": "a file", "directory": "a directory", "nothing": "nothing"}


def collisions(resources: Iterable[DeclaredResource]) -> list[Problem]:
    """A problem for each two resources that cannot both have their way, at the later one in the order of the list."""
    claims: dict[Key, list[Claim]] = {}
    broken: list[Problem] = []
    for number, declared in enumerate(resources):
        try:
            places = tuple(declared.resource.places() or ())
        except Exception as error:
            broken.append(
                Problem(of_kind(declared.name, declared.resource.kind, error), declared.position, code=code_of(error))
            )
            continue
        for place in places:
            claims.setdefault(_key(declared, place), []).append((number, declared, place))
    found: dict[tuple[int, int], Problem] = {}
    for key, same in claims.items():
        for claim in same:
            for other, reason in _reasons(claim, key, claims):
                first, second = sorted((claim, other), key=lambda each: each[0])
                if reason and first[0] != second[0]:
                    found.setdefault((first[0], second[0]), _problem(first[1], second[1], claim[2].path, reason))
    return [*broken, *found.values()]


def _key(declared: DeclaredResource, place: Place) -> Key:
    """A path, and whose home directory it begins in."""
    return (declared.become or "" if place.path.startswith("~") else "", place.path)


def _reasons(claim: Claim, key: Key, claims: Mapping[Key, list[Claim]]) -> Iterator[tuple[Claim, str]]:
    """All that others claim at the same place or above it, and why not both can be; empty: they can."""
    number, _, place = claim
    for other in claims[key]:
        if other[0] > number:
            yield other, _at_one(place, other[2])
    whose, path = key
    while (above := posixpath.dirname(path)) not in (path, ""):
        path = above
        for other in claims.get((whose, path), ()):
            yield other, _below(place, other[2])


def _at_one(place: Place, other: Place) -> str:
    if place.kind and other.kind and place.kind != other.kind:
        return f"one needs {_KINDS[place.kind]} there, the other {_KINDS[other.kind]}"
    if place.kind == other.kind == "nothing":
        return "both remove it"
    if shared := sorted(place.parts & other.parts):
        return f"both set {', '.join(shared)}"
    if (place.whole and (other.whole or other.parts)) or (other.whole and place.parts):
        return "both set its content"
    differ = [name for name, value in place.marks.items() if other.marks.get(name, value) != value]
    return f"they set a different {' and '.join(differ)}" if differ else ""


def _below(place: Place, above: Place) -> str:
    if place.kind == "nothing":
        return ""
    if above.kind == "nothing":
        return f"{above.path}, with everything in it, will be removed"
    if above.kind == "file":
        return f"{above.path} will be a file"
    if above.alone is not None and place.kind and above.alone(place.path[len(above.path.rstrip("/")) + 1 :]):
        return f"it removes everything from {above.path} that is not in its source"
    return ""


def _problem(first: DeclaredResource, second: DeclaredResource, path: str, reason: str) -> Problem:
    message = f"`{first.name}` and `{second.name}` cannot both manage {path}: {reason}"
    return Problem(message, second.position, (f"the other is at {first.position}",), code=Code.SAME_PLACE)
