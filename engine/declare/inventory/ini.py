"""INI inventories, as Ansible reads them: `[group]`, `[group:children]`, `[group:vars]`, hosts with variables."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable
from typing import Any

from engine import bounds
from engine.codes import Code
from engine.declare.inventory import ranges
from engine.declare.inventory.tree import Loop, Tree
from engine.errors import InvalidInput, Position, Problem

_SECTION = re.compile(r"\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?")
_GROUP = re.compile(r"([^:\]\s]+)\s*(?:#.*)?")
_ANY_SECTION = re.compile(r"^[ \t]*\[[^:\]\s]+(:\w+)?\][ \t]*(#.*)?$", re.MULTILINE)
_YAML = re.compile(r"^(---|- |[^\s#;=\[][^\s=]*:(\s|$))", re.MULTILINE)
_PIECE = re.compile(
    r"""
    (?P<gap>[ \t\r\n]+|\#.*)
    | (?P<plain>[^ \t\r\n\#'"\\]+)
    | '(?P<single>[^']*)'
    | "(?P<double>(?:[^"\\]|\\.)*)"
    | \\(?P<escaped>.)
    """,
    re.VERBOSE | re.DOTALL,
)
"""Parts of a word, or what ends one, as `shlex.split(line, comments=True)` sees them, but in linear time."""
SECTIONS = ("hosts", "vars", "children")

AddHosts = Callable[[list[str], int | None, dict[str, Any], str], None]
"""Adds hosts with a port and variables to a group."""


def probable(text: str, bare: bool) -> bool:
    """Whether a text that is no YAML inventory is an INI inventory; `bare`: its file's name does not say YAML."""
    return bool(_ANY_SECTION.search(text)) or (bare and not _YAML.search(text))


def read(text: str, label: str, tree: Tree, add_hosts: AddHosts) -> list[Problem]:
    """Put the groups, hosts and variables of an INI inventory into the tree; gives what is wrong with it."""
    reader = _Reader(label, tree, add_hosts)
    for number, line in enumerate(text.splitlines(), 1):
        reader.line(number, line)
    return [*reader.problems, *reader.missing()]


def value(text: str) -> Any:
    """What a value written as `text` is to Ansible: a literal of Python, or else the text itself."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            found = _plain(ast.literal_eval(text))
            bounds.check_json(found)
            return found
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return text


def _plain(found: Any) -> Any:
    """Values as an inventory can have them: lists for tuples and sets, text for what it has no type for."""
    if isinstance(found, list | tuple | set):
        return [_plain(item) for item in found]
    if isinstance(found, dict):
        return {_plain(key): _plain(item) for key, item in found.items()}
    if isinstance(found, bytes):
        return found.decode("utf-8", "surrogateescape")
    if found is ...:
        return "..."
    return str(found) if isinstance(found, complex) else found


class _Reader:
    """Reads line after line. `group` and `section` are those of the last header."""

    def __init__(self, label: str, tree: Tree, add_hosts: AddHosts) -> None:
        self.label, self.tree, self.add_hosts = label, tree, add_hosts
        self.group, self.section = "ungrouped", "hosts"
        self.problems: list[Problem] = []
        self._without: dict[str, Position] = {}
        """Groups of which only variables were met so far, and where."""
        self._awaited: dict[str, dict[str, Position]] = {}
        """Groups that were named as children, but not met so far: in which groups, and where."""

    def line(self, number: int, line: str) -> None:
        """Take one line of the file."""
        text = line.strip()
        if not text or text[0] in ";#":
            return
        where = Position(self.label, number, len(line) - len(line.lstrip()) + 1)
        try:
            if len(text) > bounds.LINE:
                message = f"a line may have {bounds.LINE:,} characters, and this has {len(text):,}"
                raise InvalidInput(Problem(message, where, code=Code.INVENTORY_LIMIT))
            if match := _SECTION.fullmatch(text):
                self._header(match[1], match[2] or "hosts", where)
            elif text.startswith("[") and text.endswith("]"):
                hint = "a header is like [web], [web:vars] or [web:children], without spaces in the brackets"
                raise _wrong(f"`{text}` is not the header of a section", where, hint)
            elif self.section:
                {"hosts": self._host, "vars": self._variable, "children": self._child}[self.section](text, where)
        except InvalidInput as error:
            self.problems += error.problems

    def missing(self) -> list[Problem]:
        """The problem of each group that was referred to, and is nowhere."""
        found = [
            _wrong(f"`[{group}:vars]`: there is no group `{group}`", where, f"add the header [{group}]").problems[0]
            for group, where in self._without.items()
        ]
        for child, parents in self._awaited.items():
            parent, where = list(parents.items())[-1]
            message = f"`[{parent}:children]` names `{child}`, which is not a group"
            found.append(_wrong(message, where, f"add the header [{child}]").problems[0])
        return found

    def _header(self, group: str, section: str, where: Position) -> None:
        if section not in SECTIONS:
            # What follows belongs to the section that is not known.
            self.section = ""
            raise _wrong(f"`[{group}:{section}]`: a section is one of {', '.join(SECTIONS)}", where)
        self.group, self.section = group, section
        known = group in self.tree.groups
        if not known and section == "vars" and group not in self._awaited:
            self._without[group] = where
        self.tree.add_group(group)
        if section != "vars":
            self._without.pop(group, None)
            self._found(group)

    def _found(self, group: str) -> None:
        """Make a group the child of those that named it before it was met."""
        for parent, where in self._awaited.pop(group, {}).items():
            self._add_child(parent, group, where)

    def _host(self, line: str, where: Position) -> None:
        (name, place), *words = _words(line, where)
        if name.strip() == "---":
            raise _wrong("`---` begins a YAML file, and this is read as INI", place, "name the file *.yaml")
        try:
            hosts, port = ranges.expand(name)
        except ValueError as error:
            raise InvalidInput(Problem(str(error), place, code=Code.HOST_NAME)) from None
        if name.strip().endswith(":") and port is None:
            message = f"the name of a host must not end with `:`, got `{name}`"
            raise InvalidInput(Problem(message, place, ("a port follows it: web1:2222",), code=Code.HOST_NAME))
        values: dict[str, Any] = {}
        for word, at in words:
            key, equals, text = word.partition("=")
            if not equals:
                hint = "a host is followed by variables: web1 http_port=80; quote what holds spaces"
                raise _wrong(f"expected NAME=VALUE, got `{word}`", at, hint)
            values[key] = value(text)
        try:
            self.add_hosts(hosts, port, values, self.group)
        except InvalidInput as error:
            raise InvalidInput(Problem(error.problems[0].message, place, code=error.problems[0].code)) from None

    def _variable(self, line: str, where: Position) -> None:
        name, equals, text = line.partition("=")
        if not equals:
            raise _wrong(f"expected NAME=VALUE, got `{line}`", where, f"this is the section [{self.group}:vars]")
        try:
            self.tree.set(self.group, name.strip(), value(text.strip()))
        except (ValueError, TypeError):
            raise _wrong(f"`{name.strip()}` must be a whole number", where) from None

    def _child(self, line: str, where: Position) -> None:
        match = _GROUP.fullmatch(line)
        if match is None:
            hint = f"[{self.group}:children] holds one name of a group a line"
            raise _wrong(f"expected the name of a group, got `{line}`", where, hint)
        if match[1] not in self.tree.groups:
            self._awaited.setdefault(match[1], {})[self.group] = where
        else:
            self._add_child(self.group, match[1], where)

    def _add_child(self, parent: str, child: str, where: Position) -> None:
        try:
            self.tree.add_child(parent, child)
        except Loop as error:
            raise _wrong(str(error), where) from None


def _words(line: str, where: Position) -> list[tuple[str, Position]]:
    """The words of a line, as a shell would split it without a comment at its end, each with its place."""
    found: list[tuple[str, Position]] = []
    at, word, start = 0, "", -1
    while at < len(line):
        match = _PIECE.match(line, at)
        if match is None:
            place = Position(where.file, where.line, where.column + at)
            what = "nothing follows the backslash" if line[at] == "\\" else "a quote is not closed"
            raise _wrong(what, place, "to use one as it is, write it in quotes of the other kind")
        if match["gap"] is not None:
            if start >= 0:
                found.append((word, Position(where.file, where.line, where.column + start)))
            word, start = "", -1
            if match["gap"].startswith("#"):
                break
        else:
            start = at if start < 0 else start
            word += _unquoted(match)
        at = match.end()
    if start >= 0:
        found.append((word, Position(where.file, where.line, where.column + start)))
    return found


def _unquoted(match: re.Match[str]) -> str:
    if match["double"] is not None:
        return re.sub(r'\\([\\"])', r"\1", match["double"])
    return next(text for text in (match["plain"], match["single"], match["escaped"]) if text is not None)


def _wrong(message: str, where: Position, *hints: str) -> InvalidInput:
    return InvalidInput(Problem(message, where, hints, code=Code.INVENTORY_INI))
