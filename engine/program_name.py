"""The one name that messages and help give the command: the one it was called by."""

from __future__ import annotations

import sys
from pathlib import PurePath

DEFAULT = "onetrip"
_NAMES = frozenset({DEFAULT, "engine"})


def program_name() -> str:
    """`engine` where it was called so, else `onetrip`: also for `plan` and `apply`, which have no subcommands."""
    called = PurePath(sys.argv[0] if sys.argv else "").name.removesuffix(".exe")
    return called if called in _NAMES else DEFAULT
