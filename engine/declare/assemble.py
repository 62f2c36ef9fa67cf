"""A resource as declared → an object of its kind: templates rendered, types and formats checked, files read."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeAlias

from engine.codes import Code
from engine.declare.controller_files import Sources, label
from engine.declare.convert import Opaque, Schema, convert, of_item, of_key
from engine.declare.expand import Item, Names, Problems
from engine.declare.schema.validate import Subject, check, shown
from engine.declare.statefile import Body, Entry
from engine.declare.templates import budget
from engine.declare.templates.names import RenderError
from engine.declare.templates.template import render_text
from engine.declare.yaml.nodes import Map, Node, Scalar, find
from engine.declare.yaml.scalars import as_text
from engine.errors import InvalidParameter, Position, Problem, code_of, of_kind
from engine.model import HostPath, Resource, Secret, Watch
from engine.program_name import program_name

Path: TypeAlias = tuple[str | int, ...]

_FAILED = object()


def watching(body: Body, data: Mapping[str, Any]) -> dict[str, list[str]]:
    """The names of resources to watch that stand in a resource's parameters, by parameter."""
    return {name: data[name] for name, schema in body.cls.params.items() if schema.get("watches") and name in data}


class Assembler:
    """Makes the resources of one host. `shared`: resources without templates, which are the same on all hosts."""

    def __init__(self, problems: Problems, sources: Sources, shared: dict[Entry, Resource]) -> None:
        self.problems = problems
        self.sources = sources
        self.shared = shared
        self.secrets: dict[Secret, None] = {}

    def data(self, item: Item) -> dict[str, Any] | None:
        """The parameters of a resource, rendered and checked; None where something is wrong with them."""
        entry, body = item.entry, item.entry.body
        if body is None or entry in self.shared:
            return {}
        failed = False

        def evaluate(node: Scalar) -> Any:
            nonlocal failed
            value = self.problems.value(node, item.names)
            failed = failed or isinstance(value, Opaque)
            return value

        before = len(self.problems.found)
        params = self.with_keys(entry.params, body, evaluate)
        failed = failed or len(self.problems.found) > before
        data: dict[str, Any] = convert(params, body.marked, evaluate)
        subject = Subject(body.cls.kind, "parameter", f"See: {program_name()} kinds {body.cls.kind}")
        failed = self.problems.add(check(data, body.strict, params, subject, at=entry.where)) or failed
        return None if failed else data

    def with_keys(self, params: Map, body: Body, evaluate: Callable[[Scalar], Any]) -> Map:
        """The parameters with keys rendered, where the kind says that they may be templates."""
        made = dict(params.items)
        for name, schema in body.cls.params.items():
            node = params.items.get(name)
            if schema.get("template_keys") and isinstance(node, Map):
                items: dict[str, Node] = {}
                keys: dict[str, Position] = {}
                for key, item in node.items.items():
                    found = self.key(Scalar(key, False, node.keys[key]), f"{body.cls.kind} `{name}`", items, evaluate)
                    items[found], keys[found] = item, node.keys[key]
                made[name] = Map(items, keys, node.where)
        return Map(made, params.keys, params.where)

    def key(self, node: Scalar, what: str, known: Mapping[str, Node], evaluate: Callable[[Scalar], Any]) -> str:
        """A key, rendered; as it is written where it cannot be."""
        value = evaluate(node) if node.template else node.text
        if isinstance(value, int | float):
            value = as_text(value)
        problem = None
        if isinstance(value, Secret):
            hint = "plans show it"
            problem = Problem(f"a key of {what} cannot hold a secret", node.where, (hint,), code=Code.SECRET_EXPOSED)
        elif not isinstance(value, str | Opaque):
            problem = Problem(f"a key of {what} must be text, not {shown(value)}", node.where, code=Code.PARAMETER)
        elif value in known:
            problem = Problem(f"{what} has {shown(value)} twice", node.where, code=Code.PARAMETER)
        self.problems.add([problem] if problem else [])
        return value if isinstance(value, str) and not problem else node.text

    def resource(self, item: Item, data: dict[str, Any], watches: Mapping[str, tuple[Watch, ...]]) -> Resource | None:
        """The object, made of `data`; None where something is wrong."""
        entry, body = item.entry, item.entry.body
        if entry in self.shared:
            return self.shared[entry]
        assert body is not None
        finish = _Finish(self, item, body)
        values = finish.map(data, body.marked, (), False)
        if finish.failed:
            return None
        values |= watches
        try:
            names = _fields(body.cls)
            made = body.cls(**{names.get(name, name): value for name, value in values.items()})
        except InvalidParameter as error:
            self.problems.add([_refused(str(error), entry, body)])
            return None
        except Exception as error:
            self.problems.add([Problem(of_kind(item.name, body.cls.kind, error), entry.where, code=code_of(error))])
            return None
        if entry.static and not watches:
            self.shared[entry] = made
        return made


class _Finish:
    """The last conversions of one resource: tuples, host paths, files; and where a secret may stand."""

    def __init__(self, assembler: Assembler, item: Item, body: Body) -> None:
        self.assembler = assembler
        self.names: Names = item.names
        self.entry = item.entry
        self.body = body
        self.failed = False

    def wrong(self, path: Path, message: str, *hints: str, code: Code = Code.PARAMETER) -> Any:
        name = ".".join(str(part) for part in path)
        where = find(self.entry.params, path)
        self.assembler.problems.add([Problem(f"{self.body.cls.kind} `{name}`{message}", where, hints, code=code)])
        self.failed = True
        return _FAILED

    def map(self, data: Mapping[str, Any], schema: Schema, path: Path, secret: bool) -> dict[str, Any]:
        return {key: self.value(value, of_key(schema, key), (*path, key), secret) for key, value in data.items()}

    def value(self, value: Any, schema: Schema, path: Path, secret: bool) -> Any:
        secret = secret or bool(schema.get("secret"))
        if isinstance(value, Secret):
            if not secret:
                hint = f"plans show it; parameters that accept secrets: {program_name()} kinds {self.body.cls.kind}"
                return self.wrong(path, " cannot hold a secret", hint, code=Code.SECRET_EXPOSED)
            self.assembler.secrets[value] = None
            return value
        if schema.get("watches"):
            return ()
        if isinstance(value, str) and schema.get("source"):
            return self.file(value, schema, path)
        if isinstance(value, str) and schema.get("host_path"):
            if "\0" in value:
                return self.wrong(path, " holds a NUL byte, which no path can hold")
            return HostPath(value)
        if isinstance(value, dict):
            return self.map(value, schema, path, secret)
        if isinstance(value, list):
            inner = of_item(schema)
            return tuple(self.value(item, inner, (*path, index), secret) for index, item in enumerate(value))
        return value

    def file(self, text: str, schema: Schema, path: Path) -> Any:
        sources, problems = self.assembler.sources, self.assembler.problems
        try:
            if schema["source"] == "content":
                return sources.source(text)
            file, template = sources.text(text)
        except ValueError as error:
            relative = not text.startswith(("/", "~"))
            hints = (f"relative paths start at {sources.project.absolute()}",) if relative else ()
            return self.wrong(path, f": {error}", *hints, code=Code.SOURCE_FILE)
        shown = label(file)

        def render() -> Any:
            try:
                made = render_text(template, self.names, shown)
                budget.add(len(made) if isinstance(made, str) else 1, Position(shown))
                return made
            except RenderError as fault:
                fault.where = fault.where or Position(shown, max(fault.line, 1), 1)
                raise

        rendered = problems.attempt(render, self.entry.where)
        if isinstance(rendered, Secret):
            return self.value(rendered, schema, path, False)
        self.failed = self.failed or isinstance(rendered, Opaque)
        return rendered


@functools.cache
def _fields(cls: type[Resource]) -> dict[str, str]:
    """Parameters whose field is called otherwise: a name that Python or the protocol uses ends in `_` there."""
    from engine.kit.kind import Kind

    if issubclass(cls, Kind):
        return {name: field.field for name, field in cls.fields().items() if field.field != name}
    names = {field.name for field in fields(cls)}  # type: ignore[arg-type]
    return {name: f"{name}_" for name in cls.params if name not in names and f"{name}_" in names}


def _refused(text: str, entry: Entry, body: Body) -> Problem:
    """What a plugin says of its parameters; text that begins with a parameter is about that one."""
    first, _, rest = text.partition("\n")
    hints = tuple(line.strip() for line in rest.splitlines())
    found = re.match(r"`?([A-Za-z_]\w*)((?:\.\w+)*)`?(:?) ", first)
    if not found or found[1] not in body.cls.params:
        return Problem(f"{body.cls.kind}: {first}", entry.where, hints, code=Code.PARAMETER)
    path = f"{found[1]}{found[2]}"
    where = find(entry.params, path.split(".")) if found[1] in entry.params.items else entry.where
    message = f" `{path}`: {first[found.end() :]}" if found[3] else f": {first}"
    return Problem(body.cls.kind + message, where, hints, code=Code.PARAMETER)
