"""For whoever writes a kind: everything it takes, from one place. See docs/kinds/writing.md.

A kind says what its parameters are, how to look and how to change. It performs no I/O, compares nothing and never
sees a transport: the engine gives it diff, plan, proof, drift, reference and schema. `engine.kit.testing` tests it.
"""

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
