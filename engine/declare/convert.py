"""Types come from the schema: a value as it is spelled or rendered → the type its schema wants.

Nothing here refuses a value: what cannot be converted stays as it is, for `validate` to explain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from engine.declare.yaml.nodes import Map, Node, Scalar
from engine.declare.yaml.scalars import Float, Int, as_text, bare, core, permission, word
from engine.model import Secret

Schema: TypeAlias = Mapping[str, Any]

_ALTERNATIVES = ("anyOf", "oneOf", "allOf")
NAMES = {bool: "boolean", type(None): "null", str: "string", dict: "object", list: "array", tuple: "array"}
"""The JSON Schema types of what most values are."""
_known: dict[int, tuple[Schema, frozenset[str] | None]] = {}


class Opaque:
    """Stands for a value that is not known yet: a template before it is rendered."""

    def __repr__(self) -> str:
        return "a template"


OPAQUE = Opaque()


def json_type(value: Any) -> str:
    """The JSON Schema type of a value: `integer` for a whole number; `opaque` for what is no JSON."""
    if name := NAMES.get(type(value)):
        return name
    return "integer" if isinstance(value, int) else "number" if isinstance(value, float) else "opaque"


def wanted(schema: Schema) -> frozenset[str] | None:
    """The JSON types a schema allows; None where it allows any."""
    known = _known.get(id(schema))
    if known is None:
        # Keeping the schema keeps its id from being given to another object.
        known = _known[id(schema)] = (schema, _wanted(schema))
    return known[1]


def _wanted(schema: Schema) -> frozenset[str] | None:
    if schema.get("mode") or schema.get("host_path") or schema.get("source"):
        return frozenset({"string"})
    if "type" in schema:
        types = schema["type"]
        return frozenset({types} if isinstance(types, str) else types)
    if "enum" in schema:
        return frozenset(json_type(value) for value in schema["enum"])
    if "const" in schema:
        return frozenset({json_type(schema["const"])})
    for word_ in ("anyOf", "oneOf"):
        if word_ in schema:
            parts = [wanted(part) for part in schema[word_]]
            known = [part for part in parts if part is not None]
            return frozenset().union(*known) if len(known) == len(parts) else None
    if "properties" in schema or "additionalProperties" in schema:
        return frozenset({"object"})
    return None


def of_key(schema: Schema, key: str) -> Schema:
    """The schema of a key's value; `{}` where any value may stand."""
    if key in schema.get("properties", {}):
        return _dict(schema["properties"][key])
    for alternative in _alternatives(schema, "object"):
        if found := of_key(alternative, key):
            return found
    return _dict(schema.get("additionalProperties"))


def of_item(schema: Schema) -> Schema:
    """The schema of the items of a list; `{}` where any may stand."""
    if "items" in schema:
        return _dict(schema["items"])
    for alternative in _alternatives(schema, "array"):
        if found := of_item(alternative):
            return found
    return {}


def _alternatives(schema: Schema, name: str) -> list[Schema]:
    parts = [part for word_ in _ALTERNATIVES for part in schema.get(word_, ())]
    return [part for part in parts if isinstance(part, Mapping) and name in (wanted(part) or {name})]


def _dict(schema: Any) -> Schema:
    return schema if isinstance(schema, Mapping) else {}


def spelled(node: Scalar, schema: Schema) -> Any:
    """A scalar without a template, as its schema wants it."""
    if schema.get("mode"):
        return permission(node.text)
    return _plain(node.text, schema) if node.plain else node.text


def _plain(text: str, schema: Schema) -> Any:
    types = wanted(schema)
    if types is not None and "string" in types and types <= {"string", "array", "object", "null"}:
        nothing = not text or ("null" in types and core(text) is None)
        return None if nothing else text
    value = core(text)
    if types is None or json_type(value) in types or (json_type(value) == "integer" and "number" in types):
        return bare(value)
    if "boolean" in types and isinstance(word(text), bool):
        return word(text)
    return text if "string" in types and value is not None else bare(value)


def rendered(value: Any, schema: Schema) -> Any:
    """What a template gave, as its schema wants it: text becomes a number only where no text may stand."""
    if isinstance(value, Secret | Opaque):
        return value
    if schema.get("mode"):
        return permission(value)
    types = wanted(schema)
    if isinstance(value, str):
        keeps = types is None or "string" in types
        return str(value) if keeps or not value else _plain(value, schema)
    if isinstance(value, Mapping):
        return {as_text(key): rendered(item, of_key(schema, as_text(key))) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rendered(item, of_item(schema)) for item in value]
    if types is None or value is None or json_type(value) in types:
        return bare(value)
    if isinstance(value, int) and "number" in types and not isinstance(value, bool):
        return bare(value)
    return as_text(value) if "string" in types else bare(value)


def convert(node: Node, schema: Schema, evaluate: Callable[[Scalar], Any]) -> Any:
    """A node as data: dict, list, text, numbers; `evaluate` gives the value of each template in it."""
    if isinstance(node, Scalar):
        return rendered(evaluate(node), schema) if node.template else spelled(node, schema)
    if isinstance(node, Map):
        return {key: convert(item, of_key(schema, key), evaluate) for key, item in node.items.items()}
    return [convert(item, of_item(schema), evaluate) for item in node.items]


def free(node: Node, evaluate: Callable[[Scalar], Any]) -> Any:
    """A node as a variable's value: plain scalars typed by YAML's core rules, their spelling remembered."""
    if isinstance(node, Scalar):
        if node.template:
            return evaluate(node)
        return core(node.text) if node.plain else node.text
    if isinstance(node, Map):
        return {key: free(item, evaluate) for key, item in node.items.items()}
    return [free(item, evaluate) for item in node.items]


__all__ = ["OPAQUE", "Float", "Int", "Opaque", "Schema", "convert", "free", "json_type", "of_item", "of_key",
           "rendered", "spelled", "wanted"]  # fmt: skip
