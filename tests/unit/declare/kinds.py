"""Kinds that have every sort of parameter, to test the state language without what the real ones do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from engine.declare.registry import Kinds
from engine.errors import InvalidParameter
from engine.model import (
    Action,
    Change,
    Facts,
    HostPath,
    Params,
    Resource,
    Script,
    Secret,
    Source,
    State,
    Watch,
)


class Base(Resource):
    """What the kinds share: nothing is looked at, nothing is done."""

    def probe(self) -> Script:
        return Script("true")

    def actual(self, facts: Facts) -> State | None:
        return None

    def desired(self, facts: Facts) -> State | None:
        return None

    def actions(self, change: Change) -> Iterator[Action]:
        return iter(())


@dataclass(frozen=True)
class Note(Base):
    kind: ClassVar[str] = "note"
    summary: ClassVar[str] = "A note on a host."
    example: ClassVar[str] = "hello:\n  note: { path: /tmp/hello, text: hello }\n"
    params: ClassVar[Params] = {
        "path": {"type": "string", "host_path": True, "required": True, "description": "Where it is. Always."},
        "text": {"type": "string", "secret": True, "description": "What it says."},
        "public": {"type": "string", "description": "What everybody may read."},
        "mode": {"mode": True, "description": "Its permission bits."},
        "count": {"type": "integer", "minimum": 1, "description": "How many."},
        "ratio": {"type": "number", "description": "How much."},
        "loud": {"type": "boolean", "description": "Whether it is loud."},
        "state": {"enum": ["present", "absent"], "description": "Whether it is there."},
        "lines": {"type": "array", "items": {"type": "string"}, "description": "Its lines."},
        "env": {"type": "object", "additionalProperties": {"type": "string"}, "secret": True},
        "free": {"description": "Anything."},
        "scalar": {"type": ["string", "number", "boolean", "null"], "description": "Any scalar."},
        "status": {
            "anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}, "minItems": 1}],
            "description": "A status, or several.",
        },
        "revision": {"type": "string", "pattern": "^[0-9a-f.]+$", "description": "A revision."},
        "place": {
            "type": "object",
            "properties": {
                "dir": {"type": "string", "host_path": True, "required": True},
                "deep": {"type": "boolean"},
                "key": {"type": "string", "secret": True},
            },
            "additionalProperties": False,
            "description": "A place.",
        },
        "pin": {"type": "integer", "secret": True, "description": "Its number."},
        "from": {"type": "string", "description": "Who wrote it."},
    }

    path: HostPath
    text: str | Secret = ""
    public: str = ""
    mode: str = "0644"
    count: int = 1
    ratio: float = 1.0
    loud: bool = False
    state: str = "present"
    lines: tuple[str, ...] = ()
    env: Mapping[str, Any] = field(default_factory=dict)
    free: Any = None
    scalar: Any = None
    status: Any = None
    revision: str = ""
    place: Mapping[str, Any] = field(default_factory=dict)
    pin: int | Secret = 0
    from_: str = ""

    def __post_init__(self) -> None:
        if self.public == "forbidden":
            raise InvalidParameter("public", "nobody may say that\nsay something else")
        if self.public == "odd":
            raise InvalidParameter("", "that is an odd note")
        if self.public == "unlike":
            raise InvalidParameter("", "public does nothing here")
        if self.public == "deep":
            raise InvalidParameter("place.dir", "not there")

    def watched(self) -> Script | None:
        return Script("fact fingerprint 1", {"path": self.path})


@dataclass(frozen=True)
class Copy(Base):
    kind: ClassVar[str] = "copy"
    summary: ClassVar[str] = "A file of the controller."
    example: ClassVar[str] = "motd:\n  copy: { source: files/motd }\n"
    params: ClassVar[Params] = {
        "source": {"type": "string", "source": "content", "description": "What to copy."},
        "template": {"type": "string", "source": "template", "secret": True, "description": "What to render."},
        "open": {"type": "string", "source": "template", "description": "What to render for everybody."},
    }

    source: Source | None = None
    template: str | Secret = ""
    open: str = ""


@dataclass(frozen=True)
class Serve(Base):
    kind: ClassVar[str] = "serve"
    summary: ClassVar[str] = "A service."
    example: ClassVar[str] = "web:\n  serve: { name: web, restart_on: [hello] }\n"
    params: ClassVar[Params] = {
        "name": {"type": "string", "required": True, "minLength": 1, "description": "What it is called."},
        "restart_on": {
            "type": "array",
            "items": {"type": "string"},
            "watches": True,
            "description": "What it is started with.",
        },
    }

    name: str
    restart_on: tuple[Watch, ...] = ()


KINDS = Kinds.of(Note, Copy, Serve)
