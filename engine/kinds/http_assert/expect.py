"""What an expectation says of a value: a scalar means equal, else one operator. Pure.

Used for JSON values, headers and text. `check` finds a mistake in an expectation before anything runs, `is_met`
judges a value found, `wanted` and `verdict` put either side in words for a plan or a failure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from engine import bounds, matching
from engine.model import Plain

LONGEST = 120
"""Characters of a found value that are shown."""

_COUNT = {"type": "integer", "minimum": 0}
_NUMBER = {"type": "number"}

OPERATORS: Mapping[str, Mapping[str, Any]] = {
    "equals": {"description": "The same value; for lists and maps, which cannot stand alone."},
    "ne": {"description": "Any other value."},
    "version": {"type": "string", "description": "A version within these bounds, as in `>=0.3,<1`."},
    "gte": {**_NUMBER, "description": "A number, this or more."},
    "lte": {**_NUMBER, "description": "A number, this or less."},
    "gt": {**_NUMBER, "description": "A number, more than this."},
    "lt": {**_NUMBER, "description": "A number, less than this."},
    "matches": {"type": "string", "description": "Text in which this regular expression (Python's) is found."},
    "contains": {"description": "Text with this in it, a list with this item, or a map with this key."},
    "one_of": {"type": "array", "minItems": 1, "description": "One of these values."},
    "length": {**_COUNT, "description": "Text, a list or a map of this length."},
    "min_length": {**_COUNT, "description": "Text, a list or a map of this length or longer."},
    "exists": {"type": "boolean", "description": "true: there, and not null; false: missing, or null."},
    "schema": {"type": ["object", "boolean"], "description": "A value that this JSON Schema accepts."},
}
"""Operator → JSON Schema of its operand."""

_WORD = {"type": "string"}
_ON_TEXT: Mapping[str, Mapping[str, Any]] = {
    "equals": _WORD,
    "ne": _WORD,
    "contains": _WORD,
    "one_of": {**OPERATORS["one_of"], "items": _WORD},
}


def _schema(types: list[str], operators: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    one = {"type": "object", "properties": operators, "minProperties": 1, "maxProperties": 1}
    return {"anyOf": [{"type": types}, {**one, "additionalProperties": False}]}


EXPECTATION = _schema(["string", "number", "boolean", "null"], OPERATORS)
"""JSON Schema of what is expected of a JSON value."""

TEXT_EXPECTATION = _schema(
    ["string"],
    {
        name: {**OPERATORS[name], **_ON_TEXT.get(name, {})}
        for name in ("equals", "ne", "matches", "contains", "one_of", "version", "length", "min_length", "exists")
    },
)
"""JSON Schema of what is expected of text: numbers and such stand for their spelling."""

_TYPES = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list"}
_SIGNS = {"gte": ">=", "lte": "<=", "gt": ">", "lt": "<", "version": ""}


def check(expectation: Any) -> None:
    """Raises ValueError, with a sentence for the user, where an expectation could never be judged: a regular
    expression, version bounds or a schema that is none."""
    operator, operand = _split(expectation)
    if operator == "matches":
        matching.expression(operand)
    elif operator == "version":
        _bounds(operand)
    elif operator == "schema":
        from engine.kinds.http_assert.json_schema import check_schema

        check_schema(operand)


def is_met(expectation: Any, found: Any) -> bool:
    """Whether a value found (None: missing) is as expected; not where that takes too long to tell."""
    operator, operand = _split(expectation)
    try:
        return _JUDGES[operator](operand, found)
    except bounds.Exceeded:
        return False


def wanted(expectation: Any) -> Plain:
    """An expectation in words: the scalar itself, or the operator with its operand."""
    operator, operand = _split(expectation)
    if operator == "equals" and not isinstance(operand, list | dict):
        return operand if isinstance(operand, str | int | bool) else _short(operand)
    if operator == "exists":
        return "present" if operand else "missing"
    if operator == "one_of":
        return "one of " + ", ".join(_short(item) for item in operand)
    if operator == "schema":
        return "as its schema says"
    sign = _SIGNS.get(operator, operator.replace("_", " ") + " ")
    return f"{sign}{operand}" if isinstance(operand, str) else f"{sign}{_short(operand)}"


def verdict(expectation: Any, found: Any) -> Plain:
    """A value found: in the words of `wanted` where it is as expected, else in its own."""
    operator, operand = _split(expectation)
    if operator == "schema":
        return _complaint(operand, found) or wanted(expectation)
    return wanted(expectation) if is_met(expectation, found) else spell(expectation, found)


def spell(expectation: Any, found: Any) -> Plain:
    """A value that is not as expected, in words that never equal those of the expectation."""
    operator, operand = _split(expectation)
    if operator == "schema":
        return _complaint(operand, found)
    if found is None:
        return "missing"
    if operator == "matches" and isinstance(found, str):
        try:
            matching.expression(operand).search(found)
        except bounds.Exceeded as error:
            return f"not known: {error}"
    words: Plain = found if isinstance(found, bool | int) else _short(found)
    words = printable(found) or "empty" if isinstance(found, str) else words
    # 1 and true, or 1 and "1", differ in JSON although they look or compare equal here.
    return (
        f"{words} ({_TYPES.get(type(found), 'a map')})"
        if str(words) == str(wanted(expectation)) or words == operand
        else words
    )


def printable(text: str, longest: int = LONGEST) -> str:
    """Text from a server, fit for one line of a report: no control characters, at most `longest` characters."""
    clean = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * longest]).split())
    return clean if len(clean) <= longest else clean[:longest] + "…"


def _split(expectation: Any) -> tuple[str, Any]:
    if isinstance(expectation, Mapping):
        ((operator, operand),) = expectation.items()
        return str(operator), _thawed(operand)
    return "equals", expectation


def _thawed(value: Any) -> Any:
    """Lists arrive from the loader as tuples; JSON, and JSON Schema, know lists alone."""
    if isinstance(value, Mapping):
        return {key: _thawed(item) for key, item in value.items()}
    return [_thawed(item) for item in value] if isinstance(value, list | tuple) else value


def _same(wanted: Any, found: Any) -> bool:
    """Equal as JSON: true is not 1, but 1 is 1.0."""
    if isinstance(wanted, bool) or isinstance(found, bool):
        return wanted is found
    if isinstance(wanted, list) and isinstance(found, list):
        return len(wanted) == len(found) and all(map(_same, wanted, found))
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        return wanted.keys() == found.keys() and all(_same(wanted[key], found[key]) for key in wanted)
    return bool(wanted == found)


def _number(found: Any) -> Any:
    """A number as it is; else one that compares as less, more or equal to none."""
    return found if isinstance(found, int | float) and not isinstance(found, bool) else float("nan")


def _size(found: Any) -> int:
    return len(found) if isinstance(found, str | list | Mapping) else -1


def _contains(operand: Any, found: Any) -> bool:
    if isinstance(found, str):
        return isinstance(operand, str) and operand in found
    if isinstance(found, list):
        return any(_same(operand, item) for item in found)
    return isinstance(found, Mapping) and operand in found


def _bounds(operand: str) -> Any:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(operand)
    except InvalidSpecifier:
        raise ValueError(f"`{operand}` gives no bounds of a version; write for example `>=0.3,<1`") from None


def _within(operand: str, found: Any) -> bool:
    """Versions that are not Python's (`v0.3.64-12-gabc`) count by their leading numbers."""
    from packaging.version import InvalidVersion, Version

    if len(str(found)) > LONGEST:
        return False
    try:
        version = Version(str(found))
    except InvalidVersion:
        numbers = re.match(r"v?(\d+(?:\.\d+)*)", str(found))
        if numbers is None:
            return False
        version = Version(numbers[1])
    return bool(_bounds(operand).contains(version, prereleases=True))


def _complaint(schema: Any, found: Any) -> str:
    from engine.kinds.http_assert.json_schema import complaint

    place, message = complaint(schema, found)
    return f"{place}: {message[:LONGEST]}" if place else message[:LONGEST]


_JUDGES: Mapping[str, Callable[[Any, Any], bool]] = {
    "equals": _same,
    "ne": lambda operand, found: not _same(operand, found),
    "version": lambda operand, found: isinstance(found, str | int | float) and _within(operand, found),
    "gte": lambda bound, found: _number(found) >= bound,
    "lte": lambda bound, found: _number(found) <= bound,
    "gt": lambda bound, found: _number(found) > bound,
    "lt": lambda bound, found: _number(found) < bound,
    "matches": lambda operand, found: isinstance(found, str) and matching.expression(operand).search(found),
    "contains": _contains,
    "one_of": lambda operand, found: any(_same(item, found) for item in operand),
    "length": lambda bound, found: _size(found) == bound,
    "min_length": lambda bound, found: _size(found) >= bound,
    "exists": lambda operand, found: (found is not None) is operand,
    "schema": lambda operand, found: not _complaint(operand, found),
}


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"
