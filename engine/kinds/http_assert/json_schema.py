"""JSON Schema over what a host answers: no time without a bound, and nothing fetched. Imported when one is judged.

Patterns are searched for by `engine.matching`; every keyword that is applied looks at the time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend, validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from engine import bounds, matching

Keyword: TypeAlias = Callable[[Any, Any, Any, Any], Iterator[ValidationError]]
"""How jsonschema applies a keyword: the validator, the keyword's value, what is judged, the schema it stands in."""

_NAMES = {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}
"""Keywords whose keys are names, and no keywords."""
_DATA = {"enum", "const", "default", "examples"}


def check_schema(schema: Any) -> None:
    """Raises ValueError, with a sentence for the user, for what is no schema, or cannot be judged in bounded time."""
    try:
        bounds.check_json(schema)
    except bounds.Exceeded as error:
        raise ValueError(f"the schema {error}") from None
    for name, value in _keywords(schema):
        if name in ("unevaluatedProperties", "unevaluatedItems"):
            raise ValueError(f"the schema has `{name}`, which is not supported; use `additionalProperties`, `items`")
        if name in ("$ref", "$dynamicRef") and isinstance(value, str) and not value.startswith("#"):
            raise ValueError(f"the schema refers to `{value}`, but nothing is fetched; write it into `$defs`")
        patterns = [value] if name == "pattern" else value if name == "patternProperties" else ()
        for pattern in patterns if isinstance(patterns, list | Mapping) else ():
            if isinstance(pattern, str):
                matching.expression(pattern)
    try:
        validator_for(schema).check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"the schema is not a JSON Schema: {error.message}") from None


def complaint(schema: Any, found: Any) -> tuple[str, str]:
    """Where a value is not as its schema says, and what is wrong there; two empty texts where nothing is."""
    kind = _bounded(validator_for(schema), time.monotonic() + bounds.EVALUATION)
    try:
        error = next(iter(kind(schema, registry=Registry()).iter_errors(found)), None)
    except bounds.Exceeded as slow:
        return "", f"not known: {slow}"
    except RecursionError:
        return "", "not known: the schema refers to itself without end"
    except Unresolvable as missing:
        return "", f"not known: the schema has no `{missing.ref}`"
    return ("", "") if error is None else (error.json_path.removeprefix("$").lstrip("."), error.message)


def _keywords(schema: Any) -> Iterator[tuple[str, Any]]:
    """Every keyword of a schema and of those in it, with its value."""
    todo = [(schema, True)]
    while todo:
        value, is_schema = todo.pop()
        if isinstance(value, list):
            todo += [(part, is_schema) for part in value]
        elif isinstance(value, Mapping):
            for name, part in value.items():
                if is_schema:
                    yield name, part
                if not is_schema or name not in _DATA:
                    todo.append((part, not (is_schema and name in _NAMES)))


def _bounded(kind: Any, deadline: float) -> Any:
    """A validator class of jsonschema that ends by itself."""

    def timed(apply: Keyword) -> Keyword:
        def applied(validator: Any, value: Any, found: Any, schema: Any) -> Iterator[ValidationError]:
            if time.monotonic() > deadline:
                raise bounds.TooSlow(f"the schema was not done with it in {bounds.EVALUATION:g} s")
            yield from apply(validator, value, found, schema) or ()

        return applied

    own: dict[str, Keyword] = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional(kind.VALIDATORS.get("additionalProperties")),
        "uniqueItems": _unique,
    }
    keywords = {name: timed(own.get(name, apply)) for name, apply in kind.VALIDATORS.items()}
    return extend(kind, keywords)  # type: ignore[no-untyped-call]


def _pattern(validator: Any, value: Any, found: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(found, str) and not matching.expression(value).search(found):
        yield ValidationError(f"{found!r} does not match {value!r}")


def _pattern_properties(validator: Any, value: Any, found: Any, schema: Any) -> Iterator[ValidationError]:
    for pattern, inner in value.items() if isinstance(found, dict) else ():
        expression = matching.expression(pattern)
        for key in found:
            if expression.search(key):
                yield from validator.descend(found[key], inner, path=key, schema_path=pattern)


def _additional(plain: Any) -> Keyword:
    def apply(validator: Any, value: Any, found: Any, schema: Any) -> Iterator[ValidationError]:
        if "patternProperties" not in schema:
            yield from plain(validator, value, found, schema) or ()
        elif isinstance(found, dict):
            expressions = [matching.expression(pattern) for pattern in schema["patternProperties"]]
            known = schema.get("properties", {})
            more = [key for key in found if key not in known and not any(each.search(key) for each in expressions)]
            for key in more if value is not False else ():
                yield from validator.descend(found[key], value, path=key)
            if more and value is False:
                yield ValidationError(f"{', '.join(map(repr, sorted(more)))}: no such property is allowed")

    return apply


def _unique(validator: Any, value: Any, found: Any, schema: Any) -> Iterator[ValidationError]:
    if value and isinstance(found, list) and len({_spelled(item) for item in found}) < len(found):
        yield ValidationError(f"{found!r} has non-unique elements")


def _spelled(value: Any) -> str:
    """A text that is the same for values that JSON Schema takes to be equal: 1 and 1.0, but not 1 and true."""
    return json.dumps(_whole(value), sort_keys=True)


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
