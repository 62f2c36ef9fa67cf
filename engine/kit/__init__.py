"""For whoever writes a kind: everything it takes, from one place. See docs/kinds/writing.md.

A kind says what its parameters are, how to look and how to change. It performs no I/O, compares nothing and never
sees a transport: the engine gives it diff, plan, proof, drift, reference and schema. `engine.kit.testing` tests it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.errors import InvalidParameter, Refused
    from engine.kit.fields import Mode, Template
    from engine.kit.kind import Check, Kind, Reversible, Variables, Watchable
    from engine.kit.services import Restarts
    from engine.model import Action, Change, Facts, HostPath, Script, Secret, Source, State, Unknown, Upload, Watch

__all__ = [
    "Action", "Change", "Check", "Facts", "HostPath", "InvalidParameter", "Kind", "Mode", "Refused", "Restarts",
    "Reversible", "Script", "Secret", "Source", "State", "Template", "Unknown", "Upload", "Variables", "Watch",
    "Watchable",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """What is exported is imported when it is first asked for: parts of the kit are used where no kind is."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for module in ("engine.kit.kind", "engine.kit.fields", "engine.model", "engine.kit.services"):
        found = vars(import_module(module))
        if name in found:
            globals().update((each, found[each]) for each in __all__ if each in found)
            break
    return globals()[name]
