"""What a Docker engine knows of a Compose project, in a form in which two looks at it can be compared."""

from __future__ import annotations

import json
from typing import Any

from tests.engine_images import docker


def project(name: str) -> dict[str, Any]:
    """Containers of the project as `docker inspect` and `docker diff` show them, its networks and volumes."""
    label = f"label=com.docker.compose.project={name}"
    containers = docker("ps", "-aq", "--no-trunc", "--filter", label).split()
    found: dict[str, Any] = {}
    if containers:
        for one in json.loads(docker("inspect", *containers)):
            # A command that was run in it to look is forgotten by and by.
            found |= _flat(one["Id"], one | {"ExecIDs": None})
        found |= {f"changes in {one}": sorted(docker("diff", one).splitlines()) for one in containers}
    for kind in ("network", "volume"):
        found[kind] = docker(kind, "ls", "-q", "--filter", label)
    return found


def differing(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What is not the same in two looks: key → before, after."""
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return {key: (before.get(key), after.get(key)) for key in keys}


def _flat(name: str, value: Any) -> dict[str, Any]:
    """Everything in a piece of JSON by its place; lists, which Docker gives in any order, in one order."""
    if isinstance(value, dict):
        return {at: part for key in value for at, part in _flat(f"{name}.{key}", value[key]).items()}
    return {name: sorted(value, key=json.dumps) if isinstance(value, list) else value}
