"""Is data valid? An exact answer for the common part of JSON Schema, without the time jsonschema takes to import.

jsonschema stays the judge: it writes every message, and decides wherever a schema uses more than this knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from engine.declare.convert import NAMES, json_type


class NotSure(Exception):
    """The schema uses something this does not know."""


def valid(data: Any, schema: Mapping[str, Any] | bool) -> bool:
    """True where data is valid; what is no JSON (a Secret, a template not yet rendered) is valid everywhere.

    Raises NotSure for a keyword that is not known here.
    """
    kind = NAMES.get(type(data)) or json_type(data)
    if kind == "opaque" or isinstance(schema, bool):
        return kind == "opaque" or bool(schema)
    for keyword, wanted in schema.items():
        if keyword in _SILENT:
            continue
        check = _CHECKS.get(keyword)
        if check is None:
            if keyword.startswith("x-"):
                continue
            raise NotSure(keyword)
        if not check(data, wanted, schema, kind):
            return False
    return True


def _type(data: Any, wanted: Any, schema: Any, kind: str) -> bool:
    types = (wanted,) if isinstance(wanted, str) else wanted
    whole = kind == "number" and float(data).is_integer()
    return kind in types or (kind == "integer" and "number" in types) or (whole and "integer" in types)


def _same(one: Any, other: Any) -> bool:
    if json_type(one) not in ("string", "integer", "boolean", "null") or json_type(other) in ("number", "opaque"):
        raise NotSure
    return json_type(one) == json_type(other) and bool(one == other)


def _additional(data: Any, wanted: Any, schema: Any, kind: str) -> bool:
    if kind != "object":
        return True
    if "patternProperties" in schema:
        raise NotSure
    known = schema.get("properties", {})
    return all(wanted is not False and valid(value, wanted) for key, value in data.items() if key not in known)


def _unique(data: Any, wanted: Any, schema: Any, kind: str) -> bool:
    if kind != "array" or not wanted:
        return True
    if not all(isinstance(item, str) for item in data):
        raise NotSure
    return len(set(data)) == len(data)


_NUMBERS = ("integer", "number")
_CHECKS: dict[str, Callable[[Any, Any, Any, str], bool]] = {
    "type": _type,
    "enum": lambda data, wanted, schema, kind: any(_same(data, item) for item in wanted),
    "const": lambda data, wanted, schema, kind: _same(data, wanted),
    "properties": lambda data, wanted, schema, kind: (
        kind != "object" or all(valid(data[key], sub) for key, sub in wanted.items() if key in data)
    ),
    "additionalProperties": _additional,
    "propertyNames": lambda data, wanted, schema, kind: kind != "object" or all(valid(k, wanted) for k in data),
    "required": lambda data, wanted, schema, kind: kind != "object" or all(key in data for key in wanted),
    "items": lambda data, wanted, schema, kind: kind != "array" or all(valid(item, wanted) for item in data),
    "pattern": lambda data, wanted, schema, kind: kind != "string" or re.search(wanted, data) is not None,
    "minLength": lambda data, wanted, schema, kind: kind != "string" or len(data) >= wanted,
    "maxLength": lambda data, wanted, schema, kind: kind != "string" or len(data) <= wanted,
    "uniqueItems": _unique,
    "minItems": lambda data, wanted, schema, kind: kind != "array" or len(data) >= wanted,
    "maxItems": lambda data, wanted, schema, kind: kind != "array" or len(data) <= wanted,
    "minProperties": lambda data, wanted, schema, kind: kind != "object" or len(data) >= wanted,
    "maxProperties": lambda data, wanted, schema, kind: kind != "object" or len(data) <= wanted,
    "minimum": lambda data, wanted, schema, kind: kind not in _NUMBERS or data >= wanted,
    "maximum": lambda data, wanted, schema, kind: kind not in _NUMBERS or data <= wanted,
    "exclusiveMinimum": lambda data, wanted, schema, kind: kind not in _NUMBERS or data > wanted,
    "exclusiveMaximum": lambda data, wanted, schema, kind: kind not in _NUMBERS or data < wanted,
    "anyOf": lambda data, wanted, schema, kind: any(valid(data, part) for part in wanted),
    "oneOf": lambda data, wanted, schema, kind: sum([valid(data, part) for part in wanted]) == 1,
    "allOf": lambda data, wanted, schema, kind: all(valid(data, part) for part in wanted),
    "not": lambda data, wanted, schema, kind: not valid(data, wanted),
}
_SILENT = {"$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated", "readOnly"}
