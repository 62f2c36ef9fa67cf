"""A project to load states in, and what came of it as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from engine.declare.build import Declarations, load
from engine.declare.inventory import Inventory
from engine.model import Secret, Source, Watch
from tests.unit.declare.kinds import KINDS

INVENTORY = """\
all:
  children:
    web:
      hosts:
        one:
        two:
"""


class Project:
    """A project root; the working directory is there, too."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("inventory.yaml", INVENTORY)

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
        return path

    def load(self, *files: str, extra: Mapping[str, Any] | None = None, **more: Any) -> Declarations:
        """Load states with the kinds of these tests."""
        inventory = Inventory.load([self.root / "inventory.yaml"], self.root)
        paths = [Path(file) for file in files or ("state.yaml",)]
        more = {"limit": None, "kinds": KINDS, **more}
        return load(paths, project=self.root, inventory=inventory, extra=extra or {}, **more)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty project with the hosts `one` and `two` in the group `web`."""
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


@pytest.fixture
def one(project: Project) -> Callable[..., Any]:
    """Loads one resource on host `one`: its parameters as text of a flow map → the resource."""

    def load(params: str, head: str = "", kind: str = "note", **more: Any) -> Any:
        project.write("state.yaml", f"hosts: one\n{head}\nresources:\n  it:\n    {kind}: {{ {params} }}\n")
        return project.load(**more).hosts[0].resources[0].resource

    return load


def plain(value: Any) -> Any:
    """What a resource holds as data that YAML can hold, too; a secret as `secret: VALUE`."""
    if isinstance(value, Secret):
        return {"secret": value.reveal()}
    if isinstance(value, Watch):
        return value.name
    if isinstance(value, Source):
        return {file.name: file.path.read_text() for file in value.files}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def given(resource: Any) -> dict[str, Any]:
    """The parameters of a resource that do not have their default."""
    usual = type(resource)(**{name: getattr(resource, name) for name in ("path", "name") if hasattr(resource, name)})
    found = {field.name: getattr(resource, field.name) for field in fields(resource)}
    return {
        name.rstrip("_"): plain(value)
        for name, value in found.items()
        if name in ("path", "name") or value != getattr(usual, name)
    }
