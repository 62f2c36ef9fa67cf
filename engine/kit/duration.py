"""Durations as a state or a command line gives them: `90`, `90s`, `2m`, `1h`, `1.5 h`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

PATTERN = r"^\s*[0-9]+(\.[0-9]+)?(\s*[smh])?\s*$"
"""As JSON Schema has it."""
EXPECTED = "a duration such as 90, 90s, 2m or 1h"
DURATION: Mapping[str, Any] = {"type": ["integer", "string"], "pattern": "^[1-9][0-9]*[smh]?$", "minimum": 1}
"""The schema of a parameter that is one."""
_FACTORS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(value: str | int | float) -> float:
    """A duration in seconds. Raises ValueError, which names what was expected."""
    text = str(value).strip()
    if not re.match(PATTERN, text):
        raise ValueError(f"`{text}` is not a duration; expected {EXPECTED}")
    return float(text.rstrip("smh ")) * _FACTORS[text[-1] if text[-1] in _FACTORS else ""]
