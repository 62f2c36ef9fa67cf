"""Fingerprints for reading: the first of their digits. Plans are saved, compared and given to programs with all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

_LONG = re.compile(r"\b(secret:[0-9a-f]{6})[0-9a-f]{10}\b")
_AS_IT_IS = frozenset({"texts"})
"""Content of files, in which there is no fingerprint."""


def short(text: str) -> str:
    """Text with the fingerprints in it shortened: `secret:7c93bd`."""
    return _LONG.sub(r"\1", text) if "secret:" in text else text


def shortened(value: Any) -> Any:
    """The same plan or report with fingerprints shortened; the same object where there is none in it."""
    if isinstance(value, str):
        return short(value)
    if isinstance(value, tuple):
        items = tuple(map(shortened, value))
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    if isinstance(value, Mapping):
        held = {key: shortened(item) for key, item in value.items()}
        return value if all(held[key] is item for key, item in value.items()) else held
    if is_dataclass(value) and not isinstance(value, type):
        found = ((each.name, getattr(value, each.name)) for each in fields(value) if each.name not in _AS_IT_IS)
        changed = {name: new for name, old in found if old and (new := shortened(old)) is not old}
        return replace(value, **changed) if changed else value
    return value
