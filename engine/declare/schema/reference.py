"""The reference of a kind, from the kind itself: what `onetrip kinds KIND` prints and `docs/kinds/` holds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from textwrap import dedent, fill
from typing import Any

from engine.model import Resource
from engine.program_name import program_name

_NAMES = {"array": "list", "object": "map", "string": "text", "integer": "whole number", "boolean": "true or false"}
_BOUNDS = {"minimum": "from {}", "maximum": "to {}", "exclusiveMinimum": "above {}", "exclusiveMaximum": "below {}"}


def reference(kind: type[Resource]) -> str:
    """Markdown that reads well as plain text: summary, abilities, every parameter with its type, an example."""
    lines = [f"# {kind.kind}", "", fill(kind.summary, 100)]
    if abilities := list(_abilities(kind)):
        lines += ["", fill(" ".join(abilities), 100)]
    lines += ["", "## Parameters", ""]
    printed: set[tuple[str, str]] = set()
    for name, schema in sorted(kind.params.items(), key=lambda item: item[1].get("required") is not True):
        lines += _entry(name, schema, "", printed)
    lines += ["", "## Example", "", "```yaml", dedent(kind.example).strip("\n"), "```"]
    return "\n".join(lines)


def _abilities(kind: type[Resource]) -> Iterator[str]:
    if kind.check:
        yield "It is a check: it changes nothing, and fails where what it finds is not as declared."
    if kind.watched is not Resource.watched:
        yield "A service can name it in `restart_on`."
    if kind.restored is not Resource.restored:
        yield f"`{program_name()} rollback` can put back what it changed."


def _entry(name: str, schema: Mapping[str, Any], indent: str, printed: set[tuple[str, str]]) -> Iterator[str]:
    """A parameter or a key of one, and the keys below it that are described and were not `told` of before."""
    description = str(schema.get("description", "")).strip()
    about = [_type(schema)]
    about += ["required"] if schema.get("required") is True else []
    about += [f"default `{_spelled(schema['default'])}`"] if "default" in schema else []
    about += ["may be a secret"] if schema.get("secret") else ["may hold secrets"] if _holds_secrets(schema) else []
    yield f"{indent}- `{name}` ({'; '.join(about)})"
    if description:
        yield fill(description, 100, initial_indent=f"{indent}  ", subsequent_indent=f"{indent}  ")
    for key, inner in _keys(schema):
        known = (key, str(inner.get("description", "")))
        if known[1] and known not in printed:
            printed.add(known)
            yield from _entry(key, inner, f"{indent}  ", printed)


def _keys(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The keys that a map may have, or the maps in it."""
    needed = schema.get("required")
    for key, inner in schema.get("properties", {}).items():
        yield key, {**inner, "required": True} if isinstance(needed, list) and key in needed else inner
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *_inner(schema)):
        yield from _keys(part)


def _inner(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The schemas of what a list or a map holds."""
    parts = (schema.get("items"), schema.get("additionalProperties"))
    return [part for part in parts if isinstance(part, Mapping)]


def _holds_secrets(schema: Mapping[str, Any]) -> bool:
    return any(part.get("secret") for part in _inner(schema))


def _type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(f"`{_spelled(value)}`" for value in schema["enum"])
    if schema.get("mode"):
        return "permission bits"
    if schema.get("watches"):
        return "list of resources"
    if schema.get("host_path"):
        return "path on the host"
    if schema.get("source"):
        return "path on the controller"
    for word in ("anyOf", "oneOf"):
        if options := [option for option in schema.get(word, ()) if set(option) != {"required"}]:
            return " or ".join(dict.fromkeys(_type(option) for option in options))
    kinds = schema.get("type", "any")
    bounds = " ".join(text.format(schema[key]) for key, text in _BOUNDS.items() if key in schema)
    names = ((name, bounds if name in ("integer", "number") else "") for name in _listed(kinds))
    return " or ".join(f"{_NAMES.get(name, name)} {limits}".strip() for name, limits in names)


def _listed(kinds: str | list[str]) -> list[str]:
    return [kinds] if isinstance(kinds, str) else kinds


def _spelled(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
