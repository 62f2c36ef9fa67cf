"""YAML text → nodes with positions. Raises InvalidInput, or collects every problem of a file at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from engine import bounds
from engine.bounds import DEPTH, LONG, VALUES
from engine.codes import Code
from engine.declare.yaml.nodes import Map, Node, Scalar, Seq
from engine.errors import InvalidInput, Position, Problem

_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = {None, "!", _TAG + "str"}
_PLAIN_TAGS = {_TAG + name for name in ("int", "float", "bool", "null")}


def read_text(path: Path, label: str) -> str:
    """The text of a file, without a byte order mark. Raises InvalidInput, saying which absolute path was tried."""
    try:
        data = bounds.read(path)
    except bounds.Exceeded as error:
        raise InvalidInput(
            Problem(f"cannot be read: it {error}", label, (f"tried {path.absolute()}",), code=Code.FILE_UNREADABLE)
        ) from None
    except OSError as error:
        what = "no such file" if isinstance(error, FileNotFoundError) else (error.strerror or str(error)).lower()
        raise InvalidInput(
            Problem(f"cannot be read: {what}", label, (f"tried {path.absolute()}",), code=Code.FILE_UNREADABLE)
        ) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        where = Position(label, line, error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1)
        raise InvalidInput(
            Problem("not UTF-8 text", where, ("save the file as UTF-8",), code=Code.FILE_TEXT)
        ) from None


def parse(text: str, label: str, problems: list[Problem]) -> Node | None:
    """Read YAML text; `label` is the file's name in positions.

    None for an empty document, and where the syntax is broken; problems are appended (for broken syntax, the first
    one only: what a parser says after that is noise).
    """
    found: list[Problem] = []
    builder = _Builder(text, label, found)
    try:
        for event in yaml.parse(text, Loader=_PARSER):
            builder.take(event)
    except yaml.YAMLError as error:
        from engine.declare.yaml.syntax import explain

        syntax = explain(error, text, label)
        problems += [*(problem for problem in found if problem.where != syntax.where), syntax]
        return None
    except _TooMuch as error:
        problems += [*found, error.problem]
        return None
    problems += found
    return builder.root


class _TooMuch(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem


@dataclass
class _Frame:
    """A list or map that is being read."""

    start: Any
    nodes: list[Node] = field(default_factory=list)


class _Builder:
    """Parser events → nodes, on a stack of its own: composing recursively crashes on deep nesting."""

    def __init__(self, text: str, label: str, problems: list[Problem]) -> None:
        self.text = text
        self.label = label
        self.problems = problems
        self.root: Node | None = None
        self.stack: list[_Frame] = []
        self.anchors: dict[str, Node] = {}
        self.sizes: dict[int, int] = {}
        self.count = 0
        self.documents = 0

    def take(self, event: Any) -> None:
        """Use one event of the parser."""
        if isinstance(event, yaml.ScalarEvent):
            self.add(self.scalar(event), event.anchor)
        elif isinstance(event, yaml.CollectionStartEvent):
            if len(self.stack) >= DEPTH:
                raise _TooMuch(
                    Problem(f"nested more than {DEPTH} levels deep", self.where(event), code=Code.FILE_LIMIT)
                )
            self.stack.append(_Frame(event))
        elif isinstance(event, yaml.CollectionEndEvent):
            frame = self.stack.pop()
            node = self.map(frame) if isinstance(event, yaml.MappingEndEvent) else self.seq(frame)
            self.add(node, frame.start.anchor)
        elif isinstance(event, yaml.AliasEvent):
            self.add(self.alias(event), None)
        elif isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents == 2:
                hint = "write each document to a file of its own"
                raise _TooMuch(
                    Problem(
                        "a second YAML document begins here", self.where(event), (hint,), code=Code.YAML_UNSUPPORTED
                    )
                )

    def where(self, event: Any) -> Position:
        mark = event.start_mark
        return Position(self.label, mark.line + 1, mark.column + 1)

    def add(self, node: Node, anchor: str | None) -> None:
        self.count += 1
        if self.count > VALUES:
            raise _TooMuch(Problem(f"the file contains more than {VALUES} values", node.where, code=Code.FILE_LIMIT))
        if anchor is not None:
            self.anchors[anchor] = node
        if self.stack:
            self.stack[-1].nodes.append(node)
        elif self.root is None:
            self.root = node

    def scalar(self, event: Any) -> Scalar:
        plain = event.implicit[0] or event.tag in _PLAIN_TAGS
        if not plain and event.tag not in _TEXT_TAGS:
            self.tag(event)
        return Scalar(event.value, plain, self.where(event), event.style == "|")

    def tag(self, event: Any) -> None:
        name = str(event.tag).replace(_TAG, "!!")
        hint = f"text that begins with `!` must be quoted: '{name}'"
        self.problems.append(
            Problem(f"the YAML tag `{name}` is not supported", self.where(event), (hint,), code=Code.YAML_UNSUPPORTED)
        )

    def alias(self, event: Any) -> Node:
        node, where = self.anchors.get(event.anchor), self.where(event)
        if node is None:
            open_anchors = {frame.start.anchor for frame in self.stack}
            if event.anchor in open_anchors:
                raise _TooMuch(
                    Problem(f"`*{event.anchor}` is inside what it refers to", where, code=Code.YAML_UNSUPPORTED)
                )
            hint = f"an anchor is written `&{event.anchor}`; text that begins with `*` must be quoted"
            self.problems.append(
                Problem(f"`*{event.anchor}` refers to no anchor", where, (hint,), code=Code.YAML_UNSUPPORTED)
            )
            return Scalar("", True, where)
        return node

    def sized(self, node: Node, parts: list[Node]) -> None:
        """Note how large the node is with aliases written out."""
        size = 1 + sum(self.size(part) for part in parts)
        if size > VALUES:
            raise _TooMuch(
                Problem(f"its aliases expand to more than {VALUES} values", node.where, code=Code.FILE_LIMIT)
            )
        self.sizes[id(node)] = size

    def size(self, node: Node) -> int:
        return 1 + len(node.text) // LONG if isinstance(node, Scalar) else self.sizes.get(id(node), 1)

    def seq(self, frame: _Frame) -> Seq:
        if not frame.start.implicit and frame.start.tag not in (None, "!", _TAG + "seq"):
            self.tag(frame.start)
        node = Seq(tuple(frame.nodes), self.where(frame.start))
        self.sized(node, frame.nodes)
        return node

    def map(self, frame: _Frame) -> Node:
        if not frame.start.implicit and frame.start.tag not in (None, "!", _TAG + "map"):
            self.tag(frame.start)
        if meant := self.braces(frame):
            return meant
        items: dict[str, Node] = {}
        keys: dict[str, Position] = {}
        merged: list[Map] = []
        nodes = iter(frame.nodes)
        for key, value in zip(nodes, nodes, strict=True):
            if not isinstance(key, Scalar):
                self.problems.append(
                    Problem("a key must be text, not a list or a map", key.where, code=Code.YAML_UNSUPPORTED)
                )
            elif key.plain and key.text == "<<":
                merged += self.merge(value)
            elif key.plain and not key.text:
                self.problems.append(Problem("a key is missing before this `:`", key.where, code=Code.YAML_SYNTAX))
            elif key.text in items:
                hint = f"the first one is in line {keys[key.text].line}"
                self.problems.append(
                    Problem(f"duplicate key `{key.text}`", key.where, (hint,), code=Code.DUPLICATE_KEY)
                )
            else:
                items[key.text], keys[key.text] = value, key.where
        for other in merged:
            items = {**items, **{name: node for name, node in other.items.items() if name not in items}}
            keys = {**other.keys, **keys}
        node = Map(items, keys, self.where(frame.start))
        self.sized(node, frame.nodes)
        return node

    def merge(self, value: Node) -> list[Map]:
        parts = value.items if isinstance(value, Seq) else (value,)
        for part in parts:
            if not isinstance(part, Map):
                self.problems.append(
                    Problem("`<<` needs a map, or a list of maps", part.where, code=Code.YAML_UNSUPPORTED)
                )
        return [part for part in parts if isinstance(part, Map)]

    def braces(self, frame: _Frame) -> Node | None:
        """The template that was meant where braces without quotes were read as a map whose key is a map."""
        where, key = self.where(frame.start), frame.nodes[0] if frame.nodes else None
        if not isinstance(key, Map) or key.where != Position(where.file, where.line, where.column + 1):
            return None
        from engine.declare.yaml.syntax import unquoted

        self.problems.append(unquoted(where, self.text.splitlines()[where.line - 1]))
        return Scalar("{{ " + ", ".join(key.items) + " }}", False, where)
