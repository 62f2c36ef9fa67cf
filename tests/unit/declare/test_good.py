"""States that are right, as data: `good/*.yaml` hold files, what is given beside them, and what they declare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.model import DeclaredResource
from tests.unit.declare.conftest import Project, given

CASES = sorted((Path(__file__).parent / "good").glob("*.yaml"))
KEYWORDS = {"needs", "timeout", "retries", "become", "tags", "name", "kind", "params"}


def told(declared: DeclaredResource) -> dict[str, Any]:
    """What is declared, without what has its default."""
    found: dict[str, Any] = {
        "name": declared.name,
        "kind": declared.resource.kind,
        "needs": list(declared.needs),
        "tags": sorted(declared.tags),
        "timeout": declared.timeout,
        "retries": declared.retries,
        "become": declared.become,
    }
    usual = {"kind": "note", "needs": [], "tags": [], "timeout": None, "retries": 0, "become": None}
    params = given(declared.resource)
    if declared.resource.kind == "serve":
        found["params"] = {"name": params.pop("name")}
    return {key: value for key, value in found.items() if usual.get(key, "") != value} | params


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_declares(path: Path, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    case = yaml.safe_load(path.read_text())
    for name, text in case["files"].items():
        project.write(name, text)
    for name, text in case.get("environment", {}).items():
        monkeypatch.setenv(name, text)
    if "inventory" in case:
        project.write("inventory.yaml", case["inventory"])
    loaded = project.load(*case.get("load", ["state.yaml"]), extra=case.get("extra"))
    assert {each.host.name: [told(one) for one in each.resources] for each in loaded.hosts} == case["expect"]
    assert loaded.warnings == ()
    if "sources" in case:
        assert list(loaded.sources) == [project.root / name for name in case["sources"]]
    if "name" in case:
        assert loaded.name == case["name"]
    assert dict(loaded.rollout) == case.get("rollout", {})
