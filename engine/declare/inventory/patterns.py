"""Patterns that name hosts, as Ansible reads them: `web:&staging:!db1`, `gpu*`, `~gpu\\d+`, `web[0:2]`, `@file`."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from engine import bounds
from engine.bounds import LOOKUPS, PATTERN
from engine.codes import Code
from engine.declare.inventory import ranges
from engine.declare.inventory.tree import Tree
from engine.declare.schema.validate import nearest
from engine.errors import InvalidInput, Problem
from engine.model.counting import count

LOCAL = ("localhost", "127.0.0.1", "::1")
_SUBSCRIPT = re.compile(r"(.+)\[(?:(-?[0-9]+)|([0-9]+)[:-]([0-9]*))\]")
_SPECIAL = re.compile(r"[*?\[.]|^~")
"""What a part holds that may mean more than the one group of that name."""
_PART = re.compile(r"(?:[^\s:\[\]]|\[[^\]]*\])+")


def split(pattern: str) -> list[str]:
    """The parts of a pattern: by commas, or else by colons that belong to no range and no IPv6 address.

    Raises InvalidInput for a bracket that is not closed, or was not opened.
    """
    if len(pattern) > PATTERN:
        raise InvalidInput(
            Problem(f"a host pattern has {len(pattern)} characters; the limit is {PATTERN}", code=Code.HOST_PATTERN)
        )
    if "," in pattern:
        parts = pattern.split(",")
    elif ":" in pattern and ranges.address(pattern):
        parts = [pattern]
    else:
        parts = _PART.findall(pattern)
        if _PART.sub("", pattern).strip(": \t\n"):
            raise InvalidInput(
                Problem(
                    f"the host pattern `{short(pattern)}` is invalid: unbalanced brackets", code=Code.HOST_PATTERN
                )
            )
    return [part.strip() for part in parts if part.strip()]


def limit_parts(limit: str, directory: Path) -> tuple[list[str], bool]:
    """The parts of a `--limit`, `@FILE` replaced by the lines of that file; whether there was such a file."""
    found: list[str] = []
    from_file = False
    for part in split(limit):
        if not part.startswith("@"):
            found.append(part)
            continue
        from_file = True
        path = directory / Path(part[1:]).expanduser()
        try:
            text = bounds.read(path).decode("utf-8")
            found += [line.strip() for line in text.splitlines() if line.strip()]
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            reason = f"it {error}" if isinstance(error, bounds.Exceeded) else reason
            raise InvalidInput(
                Problem(f"--limit {short(part)}: {short(str(path))} cannot be read: {reason}", code=Code.HOST_PATTERN)
            ) from None
    return found, from_file


def select(tree: Tree, parts: Iterable[str], *, strict: bool = True) -> list[str]:
    """The hosts that the parts of a pattern name together, in order: what has no mark is added up, then `&` keeps
    what is in both, then `!` takes away. With marked parts only, they apply to all hosts.

    Raises InvalidInput for a name that is neither group nor host (unless not `strict`), and for a broken part.
    """
    marked: Mapping[str, list[str]] = {"": [], "&": [], "!": []}
    parts = dict.fromkeys(parts)
    names = len(tree.hosts) + len(tree.groups)
    if sum(names for part in parts if part not in tree.hosts) > LOOKUPS:
        raise InvalidInput(
            Problem(f"a host pattern of {len(parts)} parts is too large for {names} names", code=Code.HOST_PATTERN)
        )
    for part in parts:
        marked[part[0] if part[0] in "&!" else ""].append(part)
    hosts: dict[str, None] = {}
    for part in marked[""] or ["all"]:
        hosts.update(dict.fromkeys(_match(tree, part, strict)))
    for part in marked["&"]:
        kept = set(_match(tree, part[1:], strict))
        hosts = {host: None for host in hosts if host in kept}
    for part in marked["!"]:
        for host in _match(tree, part[1:], strict):
            hosts.pop(host, None)
    return list(hosts)


def _match(tree: Tree, part: str, strict: bool) -> list[str]:
    """The hosts that one part names, its mark taken off."""
    if part in tree.hosts:
        return [part]
    if part in tree.groups and not _SPECIAL.search(part) and (found := tree.hosts_of(part)):
        return found
    if part in ("", "~"):
        raise InvalidInput(
            Problem("a host pattern has a `&`, `!` or `~` with nothing after it", code=Code.HOST_PATTERN)
        )
    expression, first, last = _subscripted(part)
    hosts = _named(tree, expression, part, strict)
    if first is None or not hosts:
        return hosts
    try:
        return hosts[first : len(hosts) if last == "" else int(last) + 1] if last is not None else [hosts[first]]
    except IndexError:
        raise InvalidInput(
            Problem(
                f"there is no `{short(part)}`: `{short(expression)}` has {count(len(hosts), 'host')}, counted from 0",
                code=Code.HOST_PATTERN,
            )
        ) from None


def _subscripted(part: str) -> tuple[str, int | None, str | None]:
    """The part without `[N]`, `[N:M]` or `[N:]` after it, and N and M."""
    match = None if part.startswith("~") else _SUBSCRIPT.fullmatch(part)
    if match is None:
        return part, None, None
    expression, single, first, last = match.groups()
    return (expression, int(single), None) if single is not None else (expression, int(first), last)


def _named(tree: Tree, expression: str, part: str, strict: bool) -> list[str]:
    special = expression.startswith("~") or any(char in expression for char in "*?[")
    matches = _matcher(expression, part)
    groups = [name for name in tree.groups if matches(name)]
    hosts = dict.fromkeys(host for group in groups for host in tree.hosts_of(group))
    if not groups or special or "." in expression:
        hosts.update(dict.fromkeys(host for host in tree.hosts if matches(host)))
    if not hosts and expression in LOCAL:
        return [local(tree, expression)]
    if strict and not hosts and not groups and not special:
        raise unknown(tree, part)
    return list(hosts)


def _matcher(expression: str, part: str) -> Callable[[str], bool]:
    """Whether a name is one that a part of a pattern means: `~` and a regular expression, or `*`, `?` and `[...]`."""
    if not expression.startswith("~"):
        try:
            wanted = re.compile(fnmatch.translate(expression))
        except (re.error, RecursionError, OverflowError) as error:
            raise InvalidInput(
                Problem(f"the host pattern `{short(part)}` is invalid: {error}", code=Code.HOST_PATTERN)
            ) from None
        return lambda name: wanted.match(name) is not None
    from engine import matching

    try:
        bounded = matching.expression(expression[1:])
    except ValueError as error:
        raise InvalidInput(
            Problem(f"the host pattern `{short(part)}` is invalid: {error}", code=Code.HOST_PATTERN)
        ) from None

    def matches(name: str) -> bool:
        try:
            return bounded.match(name)
        except bounds.Exceeded as error:
            raise InvalidInput(
                Problem(f"the host pattern `{short(part)}` cannot be used: {error}", code=Code.HOST_PATTERN)
            ) from None

    return matches


def short(pattern: str) -> str:
    """A pattern for messages: one line, and not a long one."""
    line = " ".join(pattern.split())
    return line if len(line) <= 200 else f"{line[:200]}..."


def local(tree: Tree, name: str) -> str:
    """The host that `localhost` or a name like it means: one of these in the inventory, else that name itself."""
    return next((host for host in tree.hosts if host in LOCAL), name)


def unknown(tree: Tree, name: str) -> InvalidInput:
    """The error of a name that is neither a group nor a host."""
    hints = nearest(name, [*tree.groups, *tree.hosts], " ")
    groups = [group for group in tree.groups if group not in ("all", "ungrouped")]
    known = f"groups: {', '.join(sorted(groups)[:20])}" if groups else ""
    hosts = (
        f"hosts: {', '.join(list(tree.hosts)[:10])}{', ...' if len(tree.hosts) > 10 else ''}" if tree.hosts else ""
    )
    lines = (*(hint.strip() for hint in hints if hint.strip()), *(line for line in (known, hosts) if line))
    if not tree.hosts:
        lines = ("no inventory found, so only `localhost` is known; create inventory.yaml or use -i",)
    return InvalidInput(
        Problem(
            f"`{short(name)}` is neither a group nor a host of the inventory", hints=lines, code=Code.UNKNOWN_HOST
        )
    )
