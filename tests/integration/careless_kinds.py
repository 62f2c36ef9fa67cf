"""Kinds as a third party may write them, carelessly: they show what they were given, or break over it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from engine.errors import Refused
from engine.model import Action, Change, Facts, Params, Resource, Script, Secret, State

PARAMS: Params = {
    "value": {"type": "string", "secret": True, "required": True, "description": "What is shown."},
    "path": {"type": "string", "default": "", "description": "A file that says whether it was done."},
}


@dataclass(frozen=True)
class Shout(Resource):
    """Its probe and its action print the value in many forms; the action fails."""

    value: str | Secret
    path: str = ""

    kind: ClassVar[str] = "shout"
    summary: ClassVar[str] = "Shows what it was given."
    example: ClassVar[str] = "shout:\n  shout: { value: x }\n"
    params: ClassVar[Params] = PARAMS

    def probe(self) -> Script:
        return Script('printf "looking with %s\\n" "$value"; fact said "$value"', {"value": self.value})

    def actual(self, facts: Facts) -> State:
        return {"said": facts["said"], "done": False}

    def desired(self, facts: Facts) -> State:
        return {"said": facts["said"], "done": True}

    def actions(self, change: Change) -> Iterator[Action]:
        yield Action(
            "shout",
            Script(
                """
printf 'raw %s\\n' "$value"
printf 'base64 '; printf '%s' "$value" | base64 | tr -d '\\n'; echo
printf 'wrapped '; printf 'user:%s' "$value" | base64
printf 'hex '; printf '%s' "$value" | od -An -tx1 | tr -d ' \\n'; echo
printf 'quoted %s\\n' "$(printf '%s' "$value" | sed "s/'/'\\\\\\\\''/g")"
printf 'digest '; printf '%s' "$value" | sha256
printf 'lines:\\n%s\\n' "$value" | sed 's/^/> /'
set -x
: "$value"
set +x
fail "cannot log in with $value: giving up"
""",
                {"value": self.value},
            ),
        )


@dataclass(frozen=True)
class Burst(Shout):
    """Breaks, with the value in the exception."""

    kind: ClassVar[str] = "burst"

    def actions(self, change: Change) -> Iterator[Action]:
        value = self.value.reveal() if isinstance(self.value, Secret) else self.value
        raise RuntimeError(f"no way to use {value!r} ({value})")


@dataclass(frozen=True)
class Refuse(Shout):
    """Refuses, with the value in the reason."""

    kind: ClassVar[str] = "refuse"

    def actual(self, facts: Facts) -> State:
        raise Refused(f"what was found, {facts['said']}, must not be touched")


@dataclass(frozen=True)
class Brittle(Shout):
    """Breaks while it is made."""

    kind: ClassVar[str] = "brittle"

    def __post_init__(self) -> None:
        int(str(self.value))


def install(directory: Path) -> Path:
    """Make a directory that has these kinds, as an installed package would, when it stands in PYTHONPATH."""
    meta = directory / "careless_kinds-1.0.dist-info"
    meta.mkdir(parents=True)
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: careless-kinds\nVersion: 1.0\n")
    entries = [f"{kind.kind} = careless_kinds:{kind.__name__}" for kind in (Shout, Burst, Refuse, Brittle)]
    (meta / "entry_points.txt").write_text("\n".join(["[engine.plugins]", *entries, ""]))
    (directory / "careless_kinds.py").write_bytes(Path(__file__).read_bytes())
    return directory
