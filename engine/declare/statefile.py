"""State files as they are written: read, their shape checked, includes followed. The same for every host."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.bounds import INCLUDES
from engine.codes import Code
from engine.declare.controller_files import label, locate, real
from engine.declare.convert import OPAQUE, Schema, convert
from engine.declare.registry import Kinds
from engine.declare.schema.document import closed, document, secret_schema
from engine.declare.schema.language import KEYWORDS
from engine.declare.schema.validate import Subject, check, nearest
from engine.declare.yaml.loader import parse, read_text
from engine.declare.yaml.nodes import Map, Node, Scalar, Seq, static
from engine.errors import InvalidInput, Position, Problem
from engine.model import Resource
from engine.program_name import program_name

_DOCUMENT = document()
_INCLUDED = {**_DOCUMENT, "required": []}
_BESIDE = closed(KEYWORDS)
_SECTIONS = Subject("a state", named=False)


@dataclass(eq=False)
class Body:
    """A kind as the loader needs it: its class, and its schema with the plugin's marks and without."""

    cls: type[Resource]
    marked: Schema
    strict: Schema


@dataclass(eq=False)
class Entry:
    """One entry of `resources`.

    `sound`: its shape is right, so that it can be rendered; of what is not, only the name counts. `static`: there is
    no template in its parameters.
    """

    name: str
    body: Body | None
    params: Map
    keywords: Mapping[str, Node]
    where: Position
    sound: bool
    static: bool


@dataclass(eq=False)
class Include:
    """One entry of `include`, with the file it names."""

    state: State
    prefix: str
    vars: Map | None
    for_each: Node | None
    where: Position


@dataclass(eq=False)
class State:
    """One state file."""

    path: Path
    label: str
    name: str
    root: Map
    hosts: Scalar | None = None
    vars: Map | None = None
    secrets: Map | None = None
    rollout: dict[str, Any] = field(default_factory=dict)
    includes: list[Include] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    def tree(self) -> list[State]:
        """This state and all that it includes, each once."""
        found: dict[int, State] = {}
        todo = [self]
        while todo:
            state = todo.pop()
            if id(state) not in found:
                found[id(state)] = state
                todo += [include.state for include in reversed(state.includes)]
        return list(found.values())


def unknown(node: Scalar) -> Any:
    """What a template gives as long as only shapes are looked at."""
    return OPAQUE


class Reader:
    """Reads state files, each once; collects `problems`, and in `files` all that was read."""

    def __init__(self, kinds: Kinds) -> None:
        self.kinds = kinds
        self.problems: list[Problem] = []
        self.files: dict[Path, None] = {}
        self._states: dict[tuple[Path, bool], State | None] = {}
        self._bodies: dict[str, Body] = {}

    def read(self, path: Path, shown: str, stack: tuple[Path, ...] = ()) -> State | None:
        """The state in a file, which is called `shown` in messages; None where it has no usable shape.

        `stack`: the files that include it.
        """
        path = path.absolute()
        key = (real(path), bool(stack))
        if key not in self._states:
            self._states[key] = self._read(path, shown, stack)
        return self._states[key]

    def _read(self, path: Path, shown: str, stack: tuple[Path, ...]) -> State | None:
        try:
            text = read_text(path, shown)
        except InvalidInput as error:
            self.problems += error.problems
            return None
        self.files[path] = None
        broken = len(self.problems)
        root = parse(text, shown, self.problems)
        if not isinstance(root, Map):
            if len(self.problems) == broken:
                what = {Seq: "a list", Scalar: "text"}.get(type(root), "an empty file")
                hint = "a state file starts with keys such as `name:`, `hosts:` and `resources:`"
                where = root.where if root else Position(shown, 1, 1)
                self.problems.append(Problem(f"expected a map, got {what}", where, (hint,), code=Code.WRONG_VALUE))
            return None
        state = State(path, shown, path.stem, root)
        wrong = self.shape(state, included=bool(stack))
        self.fill(state, wrong, (*stack, real(path)))
        return state

    def shape(self, state: State, *, included: bool) -> set[str]:
        """Check the sections of a state; the keys of those that cannot be used."""
        root = state.root
        sections = {key: node for key, node in root.items.items() if key not in ("resources", "secrets")}
        data = convert(Map(sections, root.keys, root.where), _DOCUMENT, unknown)
        for key in ("resources", "secrets"):
            node = root.items.get(key)
            if isinstance(node, Map):
                data[key] = {
                    name: {} if isinstance(item, Map) else convert(item, {}, unknown)
                    for name, item in node.items.items()
                }
            elif node is not None and not (isinstance(node, Scalar) and node.plain and not node.text):
                data[key] = convert(node, {}, unknown)
            elif node is not None:
                data[key] = {}
        schema = _INCLUDED if included else _DOCUMENT
        found = check(data, schema, root, _SECTIONS, at=Position(state.label))
        self.problems += found
        for key in ("name", "hosts"):
            node = root.items.get(key)
            if isinstance(node, Scalar) and node.template and not included:
                found.append(
                    Problem(
                        f"`{key}` cannot be a template",
                        node.where,
                        ("it is read before hosts are known",),
                        code=Code.WRONG_VALUE,
                    )
                )
                self.problems.append(found[-1])
        places = {problem.where for problem in found}
        if not places:
            return set()
        return {key for key, node in root.items.items() if any(place in places for place in _places(node))}

    def fill(self, state: State, wrong: set[str], stack: tuple[Path, ...]) -> None:
        """Take over the sections that can be used."""
        root = state.root
        name, hosts = root.items.get("name"), root.items.get("hosts")
        if isinstance(name, Scalar) and "name" not in wrong:
            state.name = name.text
        if isinstance(hosts, Scalar) and "hosts" not in wrong:
            state.hosts = hosts
        variables, secrets = root.items.get("vars"), root.items.get("secrets")
        state.vars = variables if isinstance(variables, Map) else None
        state.secrets = secrets if isinstance(secrets, Map) else None
        for name_, node in state.secrets.items.items() if state.secrets else ():
            if not isinstance(node, Map):
                continue
            data = convert(node, secret_schema(), unknown)
            more = Subject(f"secret {name_}", "key")
            self.problems += check(data, secret_schema(), node, more, at=secrets.at(name_))  # type: ignore[union-attr]
        rollout = root.items.get("rollout")
        if isinstance(rollout, Map) and "rollout" not in wrong:
            state.rollout = convert(rollout, _DOCUMENT["properties"]["rollout"], unknown)
        includes, resources = root.items.get("include"), root.items.get("resources")
        for item in includes.items if isinstance(includes, Seq) else ():
            made = self.include(item, state, stack) if isinstance(item, Map) else None
            state.includes += [made] if made else []
        for key, item in resources.items.items() if isinstance(resources, Map) else ():
            state.entries.append(self.entry(key, item, resources.at(key)))  # type: ignore[union-attr]
        names = {entry.name for entry in state.entries}
        for include in state.includes:
            if include.prefix.rstrip("/") in names:
                what = f"`{include.prefix.rstrip('/')}` is also the name of a resource"
                self.problems.append(Problem(what, include.where, ("choose another `as`",), code=Code.INCLUDE))

    def include(self, node: Map, state: State, stack: tuple[Path, ...]) -> Include | None:
        """One entry of `include`; None where its file cannot be read."""
        file, prefix, variables = node.items.get("file"), node.items.get("as"), node.items.get("vars")
        if not isinstance(file, Scalar) or not file.text:
            return None
        if len(stack) > INCLUDES:
            hint = f"it is included from: {label(stack[-1])}"
            self.problems.append(
                Problem(
                    f"includes are nested more than {INCLUDES} levels deep", file.where, (hint,), code=Code.INCLUDE
                )
            )
            return None
        if file.template or (isinstance(prefix, Scalar) and prefix.template):
            hint = "every host includes the same files; only `vars` may differ"
            self.problems.append(
                Problem("`file` and `as` of an include cannot be templates", node.where, (hint,), code=Code.INCLUDE)
            )
            return None
        try:
            path = locate(file.text, state.path.parent)
        except ValueError as error:
            self.problems.append(Problem(str(error), file.where, code=Code.INCLUDE))
            return None
        if real(path) in stack:
            names = [label(each) for each in [*stack[stack.index(real(path)) :], path]]
            self.problems.append(Problem(f"circular include: {' → '.join(names)}", file.where, code=Code.INCLUDE))
            return None
        if not os.path.isfile(path):
            what = "is not a file" if os.path.exists(path) else "does not exist"
            self.problems.append(Problem(f"included file {what}", file.where, (f"tried {path}",), code=Code.INCLUDE))
            return None
        included = self.read(path, label(path), stack)
        name = prefix.text + "/" if isinstance(prefix, Scalar) else ""
        variables = variables if isinstance(variables, Map) else None
        return Include(included, name, variables, node.items.get("for_each"), node.where) if included else None

    def entry(self, name: str, node: Node, where: Position) -> Entry:
        """One entry of `resources`."""
        if not isinstance(node, Map):
            return self.unusable(name, where)
        others = [key for key in node.items if key not in KEYWORDS]
        found = [key for key in others if key in self.kinds]
        before = len(self.problems)
        for key in others:
            if key not in found:
                self.problems.append(self.misplaced(key, node, only=len(others) == 1))
        if len(found) != 1:
            if not others or found:
                self.problems.append(_kindless(name, found, where, self.kinds))
            return self.unusable(name, where)
        keywords = {key: item for key, item in node.items.items() if key in KEYWORDS}
        words = Map(keywords, node.keys, node.where)
        self.problems += check(
            convert(words, _BESIDE, unknown), _BESIDE, words, Subject("a resource", "keyword", named=False)
        )
        body, params = self.body(found[0]), node.items[found[0]]
        if isinstance(params, Scalar) and params.plain and not params.text:
            params = Map({}, {}, params.where)
        subject = Subject(found[0], "parameter", f"See: {program_name()} kinds {found[0]}")
        data = convert(params, body.marked, unknown)
        self.problems += check(data, body.strict, params, subject, at=node.at(found[0]))
        if not isinstance(params, Map):
            return self.unusable(name, where)
        sound = len(self.problems) == before
        return Entry(name, body, params, keywords, where, sound, static(params))

    @staticmethod
    def unusable(name: str, where: Position) -> Entry:
        """An entry of which no more than its name can be used."""
        return Entry(name, None, Map({}, {}, where), {}, where, sound=False, static=True)

    def body(self, kind: str) -> Body:
        """A kind, by its name."""
        if kind not in self._bodies:
            cls = self.kinds[kind]
            marked = {"type": "object", "properties": dict(cls.params)}
            self._bodies[kind] = Body(cls, marked, closed(cls.params))
        return self._bodies[kind]

    def misplaced(self, key: str, node: Map, *, only: bool) -> Problem:
        """A key of a resource that is neither a kind nor a keyword."""
        where = node.keys[key]
        if only and isinstance(node.items[key], Map):
            return Problem(f"unknown kind `{key}`", where, nearest(key, self.kinds.names()), code=Code.UNKNOWN_KIND)
        hints = nearest(key, [*KEYWORDS, *self.kinds.names()], f"Keywords: {', '.join(KEYWORDS)}")
        return Problem(f"`{key}` is neither a kind nor a keyword of a resource", where, hints, code=Code.UNKNOWN_KEY)


def _kindless(name: str, found: list[str], where: Position, kinds: Kinds) -> Problem:
    if found:
        both = ", ".join(f"`{kind}`" for kind in found)
        return Problem(
            f"resource `{name}` has {len(found)} kinds: {both}",
            where,
            ("write one resource for each",),
            code=Code.RESOURCE_KIND,
        )
    return Problem(
        f"resource `{name}` has no kind",
        where,
        (f"give it one of: {', '.join(kinds.names())}",),
        code=Code.RESOURCE_KIND,
    )


def _places(node: Node) -> Iterator[Position]:
    yield node.where
    if isinstance(node, Map):
        yield from node.keys.values()
    parts: Iterable[Node] = (
        () if isinstance(node, Scalar) else node.items.values() if isinstance(node, Map) else node.items
    )
    for part in parts:
        yield from _places(part)
