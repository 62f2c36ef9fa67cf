"""jsonschema, with values in the data that are not known yet or must not be looked at. Loaded only when needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.validators import extend

from engine.declare.convert import json_type


def _seeing(check: Callable[..., Iterable[Any] | None]) -> Callable[..., Iterator[Any]]:
    """A keyword that holds for what is no JSON: a Secret, a template not yet rendered."""

    def checked(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if json_type(instance) != "opaque":
            yield from check(validator, wanted, instance, schema) or ()

    return checked


_Judge: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {name: _seeing(check) for name, check in Draft202012Validator.VALIDATORS.items()}
)


def errors(data: Any, schema: Mapping[str, Any]) -> list[Any]:
    """Every error of `data`, in the order of the data."""
    found = _Judge(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).iter_errors(data)
    return sorted(found, key=lambda error: [str(part) for part in error.absolute_path])
