"""paramiko, imported without what it imports and is not needed here: that would take as long as all the rest."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


@contextmanager
def _instead(name: str, module: ModuleType | None) -> Iterator[None]:
    """While this holds, importing `name` finds `module`, or nothing where that is None."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = module  # type: ignore[assignment]
    try:
        yield
    finally:
        if sys.modules.get(name) is module:
            del sys.modules[name]


def _version(distribution: str) -> str:
    """The version of an installed distribution, by the name of its directory."""
    prefix = f"{distribution}-"
    for place in sys.path:
        try:
            names = os.listdir(place or ".")
        except OSError:
            continue
        for name in names:
            if name.startswith(prefix) and name.endswith(".dist-info"):
                return name[len(prefix) : -len(".dist-info")]
    sys.modules.pop("importlib.metadata", None)
    return str(importlib.import_module("importlib.metadata").version(distribution))


def load() -> Any:
    """The module paramiko. invoke is there for `Match exec` in its own parser of ssh_config, importlib.metadata
    for its version."""
    metadata = ModuleType("importlib.metadata")
    vars(metadata)["version"] = _version
    with _instead("invoke", None), _instead("importlib.metadata", metadata):
        return importlib.import_module("paramiko")
