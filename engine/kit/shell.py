"""Shell texts: files beside the module that uses them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

_PINS = re.compile(
    r"(?m)(?:^|[;&|{(]|then|else|do)\s*(?:(?:pin|pin_shared|trust)\s+[\"$'/]|look_at_path|look_inside)"
)


@cache
def pins(text: str) -> bool:
    """Whether a script goes through the door, and so may go on as another user: it calls `pin` or the like."""
    return bool(_PINS.search(text))


def texts(module: str) -> Callable[..., str]:
    """A function that joins shell files to one text, without comments and indentation: given their paths, relative to
    the file of a `module`, in order. Each is read once; it raises FileNotFoundError for one that is not there."""
    place = Path(module).parent
    return cache(lambda *names: "".join(_text(place / name) for name in names))


@cache
def _text(path: Path) -> str:
    # It is sent with every program, and a section's text is read again by each section.
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    # A text is joined to others, so it begins on a line of its own.
    return "\n".join(["", *(line for line in lines if line and not line.startswith("#")), ""])
