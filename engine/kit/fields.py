"""Annotated fields of a kind → the JSON Schema of its parameters. Read when it is first asked for."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from engine.model import HostPath, Secret, Source, Watch


class Schema(dict[str, Any]):
    """Further JSON Schema of an annotation that is a part of a union: those are compared, so they need a hash."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self))


Mode: TypeAlias = Annotated[str, Schema(mode=True)]
"""Permission bits: `0600`, `"0600"` and `600` all arrive as the text `0600`."""
Template: TypeAlias = Annotated[str | Secret, Schema(source="template")]
"""A file on the controller that is rendered; the field receives the text, a Secret where it was made of one."""

_MISSING: Any = object()
_PLAIN: Mapping[Any, Mapping[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    HostPath: {"type": "string", "host_path": True},
    Source: {"type": "string", "source": "content"},
    Any: {},
}
_RESERVED = frozenset({"phase", "timeout", "staging"})
"""Variables that every script has, which no parameter can be called."""


@dataclass(frozen=True)
class Field:
    """One parameter: the `name` in YAML, the `field` of the class (a name that Python uses ends in `_` there), its
    `hint` and `schema`, and whether it must be given."""

    name: str
    field: str
    hint: Any
    schema: Mapping[str, Any]
    required: bool

    def read(self, fact: str) -> str | int | bool:
        """A fact as a value of the field's type. Raises ValueError for a number that is none."""
        kinds = _types(self.hint)
        if bool in kinds:
            return fact in ("1", "yes", "true")
        return int(fact) if int in kinds and str not in kinds else fact


@cache
def fields(cls: type) -> dict[str, Field]:
    """The parameters of a kind, in the order in which they are declared; parameter → field.

    Raises TypeError, naming class and field, for an annotation that says nothing of a parameter.
    """
    hints = get_type_hints(cls, include_extras=True)
    found: dict[str, Field] = {}
    for base in reversed(cls.__mro__):
        for field in vars(base).get("__annotations__", {}):
            if field.startswith("_") or get_origin(hints[field]) is ClassVar or hints[field] is ClassVar:
                continue
            name = field.rstrip("_")
            if name in _RESERVED:
                raise TypeError(f"{cls.__name__}.{field}: scripts have a variable of that name; call it otherwise")
            try:
                schema = schema_of(hints[field])
            except KeyError as error:
                raise TypeError(f"{cls.__name__}.{field}: {error.args[0]} is not a type of a parameter") from None
            schema |= _given(getattr(cls, field, _MISSING))
            # A list is one of JSON Schema, about the keys of a map.
            found[name] = Field(name, field, hints[field], schema, schema.get("required") is True)
    return found


def schema_of(hint: Any) -> dict[str, Any]:
    """The schema of one annotation. Raises KeyError for a type that no parameter can have."""
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *about = get_args(hint)
        schema = schema_of(inner)
        for each in about:
            schema |= {"description": each} if isinstance(each, str) else each
        return schema
    if origin is Literal:
        return {"enum": list(get_args(hint))}
    if origin in (Union, types.UnionType):
        return _union([part for part in get_args(hint) if part is not type(None)])
    if hint is Secret:
        return {"type": "string", "secret": True}
    if origin in (tuple, Sequence):
        item = get_args(hint)[0]
        return {"type": "array", "watches": True} if item is Watch else {"type": "array", "items": schema_of(item)}
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": schema_of(get_args(hint)[1])}
    if hint in (tuple, list):
        return {"type": "array"}
    if hint in (dict, Mapping):
        return {"type": "object"}
    return dict(_PLAIN[hint])


def _union(parts: Sequence[Any]) -> dict[str, Any]:
    secret = {"secret": True} if Secret in parts else {}
    schemas = [schema_of(part) for part in parts if part is not Secret] or [{"type": "string"}]
    if len(schemas) == 1:
        return schemas[0] | secret
    if all(set(schema) == {"type"} for schema in schemas):
        return {"type": [schema["type"] for schema in schemas]} | secret
    return {"anyOf": schemas} | secret


def _given(default: Any) -> dict[str, Any]:
    """What a field's default says: that it may be left out, and what then holds, where that is worth a word."""
    if default is _MISSING:
        return {"required": True}
    return {"default": default} if isinstance(default, str | int | float) and default != "" else {}


def _types(hint: Any) -> tuple[Any, ...]:
    """The types a field's value can have."""
    origin = get_origin(hint)
    if origin is Annotated:
        return _types(get_args(hint)[0])
    if origin is Literal:
        return tuple(type(value) for value in get_args(hint))
    if origin in (Union, types.UnionType):
        return tuple(kind for part in get_args(hint) for kind in _types(part))
    return (hint,)
