"""Durations, as states write them: `90`, `90s`, `2m`, `1h`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DURATION: Mapping[str, Any] = {"type": ["integer", "string"], "pattern": "^[1-9][0-9]*[smh]?$", "minimum": 1}
"""The schema of one."""
_FACTORS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """A duration in seconds."""
    return float(text.rstrip("smh ")) * _FACTORS.get(text[-1], 1.0)
