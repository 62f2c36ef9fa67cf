"""Data against its schema → problems, each with a position, what was expected and the nearest valid name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.codes import Code
from engine.declare.convert import json_type, of_item, of_key
from engine.declare.schema.fast import NotSure, valid
from engine.declare.schema.language import KEY, KEY_RULE, VARIABLE
from engine.declare.yaml.nodes import Map, Node, Scalar, find
from engine.declare.yaml.scalars import core, word
from engine.errors import Position, Problem
from engine.model.counting import count

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a map",
    "null": "nothing",
}
_BOUNDS = {"minimum": "from {}", "maximum": "to {}", "exclusiveMinimum": "above {}", "exclusiveMaximum": "below {}"}
_UNQUOTE = ("write it without quotes",)
_COUNTS = {
    "minItems": ("must have at least {}", "item"),
    "maxItems": ("must have at most {}", "item"),
    "minProperties": ("must have at least {}", "key"),
    "maxProperties": ("must have at most {}", "key"),
}


@dataclass(frozen=True)
class Subject:
    """What a schema describes, for messages: `file-sync` with its `parameter`s.

    `more` says where all of them are listed. `named`: messages about what stands in it name it, too.
    """

    what: str
    item: str = "key"
    more: str = ""
    named: bool = True


def near(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """The hint for a name that is not known: the nearest one that is, if any is near."""
    import difflib

    lowered = {other.lower().replace("_", "-"): other for other in reversed(list(known))}
    close = difflib.get_close_matches(name.lower().replace("_", "-"), lowered, n=1, cutoff=0.6)
    return (f"did you mean `{lowered[close[0]]}`?",) if close else ()


def nearest(name: str, known: Iterable[str], more: str = "") -> tuple[str, ...]:
    """The hint for a name that is not known: the nearest one that is, then `more`, or all of them."""
    known = list(dict.fromkeys(known))
    listed = more or (f"Available: {', '.join(known)}" if known else "")
    hint = " ".join(part for part in (*near(name, known), listed) if part)
    return (hint,) if hint else ()


def shown(value: Any) -> str:
    """A value in a message: short, on one line; a list or map only by its type."""
    kind = json_type(value)
    if kind == "string":
        text = value if len(value) <= 60 else value[:57] + "..."
        return (
            f"`{text.encode('unicode_escape').decode() if not text.isprintable() else text}`"
            if text
            else "empty text"
        )
    if kind == "boolean":
        return "`true`" if value else "`false`"
    if kind in ("integer", "number"):
        return f"`{value}`"
    return _TYPES.get(kind, "a secret")


def expected(schema: Mapping[str, Any]) -> str:
    """What a schema wants, in words."""
    if "x-expected" in schema:
        return str(schema["x-expected"])
    if "enum" in schema:
        return "one of " + ", ".join(_literal(value) for value in schema["enum"])
    if "const" in schema:
        return _literal(schema["const"])
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema and "type" not in schema:
            return _or(list(dict.fromkeys(expected(part) for part in schema[keyword])))
    types = schema.get("type", ())
    names = [_TYPES[name] for name in ((types,) if isinstance(types, str) else types)]
    bounds = [text.format(schema[key]) for key, text in _BOUNDS.items() if key in schema]
    if names and "pattern" in schema:
        names[0] += f" that matches {schema['pattern']}"
    return " ".join([_or(names) or "another value", *bounds])


def _or(names: list[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 2 else names)


def _literal(value: Any) -> str:
    return value if isinstance(value, str) and value else shown(value).strip("`")


def check(
    data: Any, schema: Mapping[str, Any], node: Node, subject: Subject, *, at: Position | None = None
) -> list[Problem]:
    """Every problem of `data`, which stands at `node`. A Secret or a template not rendered is valid anywhere.

    `at`: where to say that something is missing from the whole; the node itself unless given.
    """
    try:
        if valid(data, schema):
            return []
    except NotSure:
        pass
    from engine.declare.schema.full import errors

    writer = _Writer(schema, node, subject, at or node.where)
    return list(dict.fromkeys(problem for error in errors(data, schema) for problem in writer.problems(error)))


class _Writer:
    """Errors of jsonschema → problems."""

    def __init__(self, schema: Mapping[str, Any], node: Node, subject: Subject, at: Position) -> None:
        self.schema = schema
        self.node = node
        self.subject = subject
        self.at = at

    def problems(self, error: Any) -> Iterator[Problem]:
        """One error of jsonschema, which may be about several keys."""
        path = list(error.absolute_path)
        if error.validator == "additionalProperties" and error.validator_value is False:
            yield from self.extra(error, path)
        elif error.validator == "minProperties" and "oneOf" in error.schema and not error.instance:
            return  # what it needs is told by the alternatives
        elif error.validator == "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            yield self.missing(next(name for name in missing if error.message.startswith(repr(name))), path)
        elif error.validator in ("propertyNames", "pattern", "not", "enum") and _named(error):
            yield self.misnamed(error, path)
        elif error.validator in ("anyOf", "oneOf") and (part := _best(error)):
            for inner in part:
                yield from self.problems(inner)
        else:
            yield self.wrong(error, path)

    def title(self, path: Sequence[str | int]) -> str:
        """What stands at `path`, in words: `file-sync `mode``."""
        if not path:
            return self.subject.what
        text = ""
        for part in path:
            text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
        return f"{self.subject.what} `{text}`" if self.subject.named else f"`{text}`"

    def extra(self, error: Any, path: list[str | int]) -> Iterator[Problem]:
        known = list(error.schema.get("properties", {}))
        item, more = (self.subject.item, self.subject.more) if not path else ("key", "")
        for name in error.instance:
            if name not in known:
                where = find(self.node, [*path, name], key=True)
                yield Problem(
                    f"{self.title(path)} has no {item} `{name}`",
                    where,
                    nearest(name, known, more),
                    code=Code.UNKNOWN_KEY,
                )

    def missing(self, name: str, path: list[str | int]) -> Problem:
        item = self.subject.item if not path else "key"
        about = error_text(of_path(self.schema, [*path, name]))
        hints = (f"`{name}`: {about}",) if about else ()
        return Problem(
            f"{self.title(path)} needs the {item} `{name}`",
            find(self.node, path, key=True) if path else self.at,
            hints,
            code=Code.MISSING_KEY,
        )

    def misnamed(self, error: Any, path: list[str | int]) -> Problem:
        name = error.instance
        where = find(self.node, [*path, name], key=True)
        if error.validator == "not":
            return Problem(
                f"`{name}` is a reserved name",
                where,
                ("choose another name: templates define it already",),
                code=Code.BAD_NAME,
            )
        hint = "names contain letters, digits, `_`, `-` and `.`"
        if error.validator_value == VARIABLE:
            hint = "names contain letters, digits and `_`, and do not start with a digit"
        elif error.validator_value == KEY:
            hint = f"it becomes part of an address: {KEY_RULE}"
        return Problem(
            f"`{shown(name).strip('`')}` cannot be a name in {self.title(path)}", where, (hint,), code=Code.BAD_NAME
        )

    def wrong(self, error: Any, path: list[str | int]) -> Problem:
        where, value, title = find(self.node, path), error.instance, self.title(path)
        if error.validator in _COUNTS:
            must, noun = _COUNTS[error.validator]
            what = must.format(count(error.validator_value, noun))
            return Problem(f"{title} {what}", where, code=Code.WRONG_VALUE)
        if names := _required_ones(error):
            given = [name for name in names if name in value]
            what = (
                f"must have only one of {', '.join(given)}" if given else f"needs one of the keys {', '.join(names)}"
            )
            return Problem(f"{title} {what}", where if path else self.at, code=Code.WRONG_VALUE)
        if error.validator == "uniqueItems":
            double = next((item for item in value if value.count(item) > 1), "")
            return Problem(f"{title} has {shown(double)} twice", where, code=Code.WRONG_VALUE)
        wants = expected(error.schema)
        if error.validator == "minLength" and not value and "x-expected" not in error.schema:
            wants += " that is not empty"
        if self.secret(path) and value is not None and not isinstance(value, list | dict):
            return Problem(
                f"{title}: expected {wants}, got something else (not shown: it may be secret)",
                where,
                code=Code.WRONG_VALUE,
            )
        got = shown(value)
        hints: tuple[str, ...] = ()
        if isinstance(value, str) and error.validator == "enum":
            hints = near(value, [str(each) for each in error.validator_value])
        elif isinstance(value, str) and not self.plain(path) and _fits_unquoted(value, error.schema):
            got, hints = f"the text {got}", _UNQUOTE
        return Problem(f"{title}: expected {wants}, got {got}", where, hints, code=Code.WRONG_VALUE)

    def secret(self, path: Sequence[str | int]) -> bool:
        return any(of_path(self.schema, path[:end]).get("x-secret") for end in range(len(path) + 1))

    def plain(self, path: Sequence[str | int]) -> bool:
        node = self.node
        for part in path:
            if isinstance(node, Map) and part in node.items:
                node = node.items[str(part)]
            elif not isinstance(node, Scalar | Map) and isinstance(part, int) and part < len(node.items):
                node = node.items[part]
            else:
                return True
        return not isinstance(node, Scalar) or node.plain or node.template


def of_path(schema: Mapping[str, Any], path: Sequence[str | int]) -> Mapping[str, Any]:
    """The schema of what stands at `path`; `{}` where there is none."""
    for part in path:
        schema = of_item(schema) if isinstance(part, int) else of_key(schema, part)
    return schema


def error_text(schema: Mapping[str, Any]) -> str:
    """The first sentence of a schema's description."""
    return str(schema.get("description", "")).split(". ")[0].rstrip(".")


def _fits_unquoted(text: str, schema: Mapping[str, Any]) -> bool:
    """Whether text would be right if it were not in quotes."""
    try:
        return any(not isinstance(read, str) and valid(read, schema) for read in (core(text), word(text)))
    except NotSure:
        return False


def _required_ones(error: Any) -> list[str]:
    """The names of which one must be there, where alternatives say no more than that."""
    if error.validator not in ("anyOf", "oneOf") or not isinstance(error.instance, dict):
        return []
    if any(set(part) != {"required"} for part in error.validator_value):
        return []
    return [name for part in error.validator_value for name in part["required"]]


def _named(error: Any) -> bool:
    return "propertyNames" in error.absolute_schema_path


def _best(error: Any) -> list[Any]:
    """Of several alternatives, the errors of the one that was meant: it wants the type that the value has."""
    parts: dict[int, list[Any]] = {}
    for inner in error.context or ():
        parts.setdefault(inner.schema_path[0], []).append(inner)
    meant = [part for part in parts.values() if not any(e.validator == "type" and not e.path for e in part)]
    return meant[0] if len(meant) == 1 else []
