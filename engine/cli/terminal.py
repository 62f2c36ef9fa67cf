"""What is asked for without echo: a process that is left in the middle of that puts the echo back."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

_before: list[Any] | None = None


def ask(text: str) -> str:
    """What somebody types, without showing it."""
    global _before
    import getpass

    if sys.platform != "win32":
        import termios

        with suppress(OSError, ValueError):
            _before = termios.tcgetattr(sys.stdin.fileno())
    try:
        return getpass.getpass(text)
    finally:
        _before = None


def restore() -> None:
    """The terminal as it was before what is being asked now, if anything is."""
    before = _before
    if sys.platform != "win32" and before is not None:
        import termios

        with suppress(OSError, ValueError, termios.error):
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, before)
