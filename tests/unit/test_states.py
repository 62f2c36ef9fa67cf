"""The states that come with the project are valid, with the inventory that comes with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.declare.build import load
from engine.declare.inventory import Inventory
from engine.model import HostDeclaration

TOP = Path(__file__).resolve().parents[2]


def declared(name: str, **extra: object) -> HostDeclaration:
    inventory = Inventory.load(None, TOP)
    state = TOP / "states" / name
    found = load([state], project=TOP, inventory=inventory, extra=extra, limit=None, read_secrets=False)
    (host,) = found.hosts
    return host


@pytest.mark.parametrize("name", sorted(path.name for path in (TOP / "states").glob("*.yaml")))
def test_states_are_valid(name: str) -> None:
    assert declared(name).resources


def test_the_workspace_moves_all_that_lies_in_it() -> None:
    resources = {each.name: each.resource for each in declared("qwen.yaml", workspace="/srv/other").resources}
    assert len(resources) == 9
    assert "/home/" not in repr(resources)
    assert repr(resources).count("/srv/other") >= 4


def test_a_restart_for_each_node_and_what_it_requires() -> None:
    nodes = {name: {"repo": f"/srv/{name}.git", "revision": "main", "offers": name} for name in ("A", "B", "C")}
    host = declared("custom-nodes.yaml", nodes=nodes)
    (service,) = [each.resource for each in host.resources if each.name == "comfyui"]
    watched = [watch.name for watch in service.watches()]
    assert watched == ["node/A", "node/B", "node/C", "requirements/A", "requirements/B", "requirements/C"]
