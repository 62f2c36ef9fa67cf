"""JSON Schema over what a host answers: no time without a bound, and nothing fetched. Imported when one is judged.

Patterns are searched for by `engine.matching`; every keyword that is applied looks at the time.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend, validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from engine import bounds, matching

PATTERNS = {"patternProperties", "unevaluatedProperties", "unevaluatedItems"}
"""Keywords that cannot stand together: jsonschema searches for the patterns of the first itself then, or takes a time
that grows with the square of what it is given."""


def check_schema(schema: Any) -> None:
    """Raises ValueError, with a sentence for the user, for what is no schema, or cannot be judged in bounded time."""
    if isinstance(schema, Mapping) and bounds.deep(schema):
        raise ValueError(f"the schema is nested more than {bounds.DEPTH} levels deep")
    try:
        validator_for(schema).check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"the schema is no JSON Schema: {error.message}") from None
    for name, value in _keywords(schema):
        if name in ("unevaluatedProperties", "unevaluatedItems"):
            raise ValueError(f"the schema has `{name}`, which is not supported; `additionalProperties` and `items` are")
        if name in ("$ref", "$dynamicRef") and isinstance(value, str) and not value.startswith("#"):
            raise ValueError(f"the schema refers to `{value}`; only what stands in it can be referred to, as in `#/$defs/x`")
        if name == "pattern" and isinstance(value, str):
            matching.expression(value)
        if name == "patternProperties" and isinstance(value, Mapping):
            for pattern in value:
                matching.expression(pattern)


def complaint(schema: Any, found: Any) -> tuple[str, str]:
    """Where a value is not as its schema says, and what is wrong there; two empty texts where nothing is."""
    deadline = time.monotonic() + bounds.JUDGING
    judge = _bounded(validator_for(schema))(schema, registry=Registry())
    judge.deadline.append(deadline)
    try:
        error = next(iter(judge.iter_errors(found)), None)
    except bounds.Exceeded as slow:
        return "", f"not known: {slow}"
    except RecursionError:
        return "", "not known: the schema refers to itself without end"
    except Unresolvable as error_:
        return "", f"not known: the schema has no `{error_.ref}`"
    finally:
        judge.deadline.clear()
    return ("", "") if error is None else (error.json_path.removeprefix("$").lstrip("."), error.message)
