"""The filters that Ansible adds to Jinja2 and that its users write every day; each gives what Ansible's gives.

They get plain data, never an object of ours: `jinja` sees to that. What is wrong is a ValueError or a TypeError;
`jinja` hides its message where a secret takes part.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import posixpath
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, cast

import yaml
from jinja2 import Undefined
from jinja2.runtime import Context
from jinja2.utils import pass_context

from engine import bounds
from engine.declare.inventory.text import parse
from engine.declare.templates.sandbox import PlannedActions, work
from engine.declare.yaml.scalars import as_text
from engine.errors import InvalidInput
from engine.matching import expression

_TRUE, _FALSE = ("yes", "on", "true", "1"), ("no", "off", "false", "0")
_ENCODINGS = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "ascii", "latin-1", "cp1252")
_MERGES = ("replace", "keep", "append", "prepend", "append_rp", "prepend_rp")
_BASE: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

INSTEAD = {
    "checksum": "use `hash`",
    "comment": "write the comment signs into the template",
    "dict2items": "use `.items()`",
    "difference": "use `reject('in', other)`",
    "expanduser": "use `host.home`",
    "expandvars": "use variables of the state",
    "extract": "use `map[key]`",
    "fileglob": "use a directory as `source`",
    "flatten": "use `sum(start=[])`",
    "from_yaml_all": "use `from_yaml` for a single document",
    "intersect": "use `select('in', other)`",
    "items2dict": "declare a map instead of the list",
    "json_query": "use `selectattr` and `map(attribute=...)`",
    "md5": "use `hash('md5')`",
    "password_hash": "declare the hash under `secrets:` (`bcrypt`)",
    "path_join": "use `join('/')`",
    "quote": "pass the value as `env` or as an item of a list: no shell reads it",
    "random": "a plan must not change by itself: declare the value under `secrets:` or `vars:`",
    "realpath": "paths on the host are resolved there",
    "regex_escape": "write the expression with the signs escaped",
    "regex_findall": "use `regex_search` or `split`",
    "sha1": "use `hash`",
    "shuffle": "a plan must not change by itself: list the items in order",
    "split": "use `text.split(',')`",
    "splitext": r"use `regex_replace('\\.[^.]*$', '')`",
    "strftime": "a plan must not change by itself: no template knows the time",
    "symmetric_difference": "use `reject('in', other)` on both lists",
    "to_datetime": "a plan must not change by itself: no template knows the time",
    "type_debug": "use tests, like `is string` or `is mapping`",
    "union": "use `(one + other) | unique`",
    "unvault": "declare it under `secrets:`",
    "vault": "declare it under `secrets:`",
}
"""Filter of Ansible's that is not there → what to do instead."""


# --- JSON and YAML


@pass_context
def to_json(context: Context, value: Any, **options: Any) -> str:
    """JSON; `indent`, `sort_keys`, `ensure_ascii` and `separators` as Python's `json.dumps` takes them."""
    return _json(work(context), value, options)


@pass_context
def to_nice_json(context: Context, value: Any, indent: Any = 4, sort_keys: bool = True, **options: Any) -> str:
    """JSON over several lines, keys in order."""
    options.pop("separators", None)
    return _json(
        work(context), value, {"indent": indent, "sort_keys": sort_keys, "separators": (",", ": "), **options}
    )


def _json(done: PlannedActions, value: Any, options: dict[str, Any]) -> str:
    known = ("indent", "sort_keys", "ensure_ascii", "separators", "skipkeys", "allow_nan")
    if unknown := [name for name in options if name not in known]:
        raise ValueError(f"`{unknown[0]}` is not an option of it; there are {', '.join(known)}")
    indent = options.get("indent")
    # An indent is written once for each level.
    done.expect(bounds.DEPTH * (indent if isinstance(indent, int) else len(indent or "")))
    if isinstance(options.get("separators"), list):
        options["separators"] = tuple(options["separators"])
    target = _Target(done)
    for piece in json.JSONEncoder(**options).iterencode(value):
        target.write(piece)
    return target.text()


def from_json(value: Any) -> Any:
    """What JSON says."""
    try:
        data = json.loads(_words(value, "from_json"))
        bounds.check_json(data, bounds.VALUES)
    except RecursionError:
        raise ValueError(f"the JSON is {bounds.TOO_DEEP}") from None
    except bounds.Exceeded as error:
        raise ValueError(f"the JSON {error}") from None
    except ValueError as error:
        raise ValueError(f"it is not JSON: {error}") from None
    return data


@pass_context
def to_yaml(context: Context, value: Any, default_flow_style: bool | None = None, **options: Any) -> str:
    """YAML; lists and maps of plain values are written in a line."""
    return _yaml(work(context), value, {"default_flow_style": default_flow_style, **options})


@pass_context
def to_nice_yaml(
    context: Context, value: Any, indent: int = 4, default_flow_style: bool | None = False, **options: Any
) -> str:
    """YAML over several lines."""
    return _yaml(work(context), value, {"indent": indent, "default_flow_style": default_flow_style, **options})


def _yaml(done: PlannedActions, value: Any, options: dict[str, Any]) -> str:
    known = ("indent", "width", "sort_keys", "default_flow_style", "default_style", "allow_unicode", "canonical",
             "explicit_start", "explicit_end", "line_break")  # fmt: skip
    if unknown := [name for name in options if name not in known]:
        raise ValueError(f"`{unknown[0]}` is not an option of it; there are {', '.join(known)}")
    target = _Target(done)
    try:
        yaml.dump(value, target, _dumper(done), **{"allow_unicode": True, **options})
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None
    return target.text()


def _dumper(done: PlannedActions) -> Any:
    """A class of dumper that counts what it looks at."""

    class Dumper(_BASE):  # type: ignore[misc]
        def represent_data(self, data: Any) -> Any:
            done.step()
            return super().represent_data(data)

    return Dumper


class _Target:
    """Text that is written piece by piece, and never more of it than a template may give."""

    encoding: str | None = None
    """That it is there says that text is wanted, not bytes."""

    def __init__(self, done: PlannedActions) -> None:
        self._done = done
        self._pieces: list[str] = []
        self._size = 0

    def write(self, piece: str) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
        self._done.expect(self._size)

    def flush(self) -> None:
        """Nothing waits."""

    def text(self) -> str:
        return "".join(self._pieces)


def from_yaml(value: Any) -> Any:
    """What YAML says, read as inventories are: YAML 1.1, types included."""
    if value is None:
        return None
    try:
        item = parse(_words(value, "from_yaml"), "from_yaml")
        return None if item is None else _dates(item.value)
    except InvalidInput as error:
        raise ValueError(f"it is not YAML: {error.problems[0].message}") from None


def _dates(value: Any) -> Any:
    """The value with dates as text: a template has no dates."""
    if isinstance(value, dict):
        return {_dates(key): _dates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_dates(item) for item in value]
    return str(value) if isinstance(value, date) else value


def _words(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"`{name}` takes text")
    return value


# --- text


def b64encode(value: Any, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    """Base64 of a text."""
    data = as_text(value).encode(_encoding(encoding), "surrogateescape")
    return (base64.urlsafe_b64encode if urlsafe else base64.b64encode)(data).decode()


def b64decode(value: Any, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    """The text that base64 stands for."""
    try:
        data = (base64.urlsafe_b64decode if urlsafe else base64.b64decode)(as_text(value).encode())
        return data.decode(_encoding(encoding))
    except binascii.Error as error:
        raise ValueError(f"it is not base64: {error}") from None
    except UnicodeDecodeError:
        raise ValueError(f"what the base64 stands for is not {encoding} text") from None


def _encoding(name: str) -> str:
    if name.lower().replace("_", "-") not in _ENCODINGS:
        raise ValueError(f"there is no encoding `{name}`; available: {', '.join(_ENCODINGS)}")
    return name


def hashed(value: Any, hashtype: str = "sha1") -> str:
    """The digest of a text, in hex."""
    known = sorted(name for name in hashlib.algorithms_guaranteed if not name.startswith("shake_"))
    if hashtype not in known:
        raise ValueError(f"there is no hash `{hashtype}`; available: {', '.join(known)}")
    return hashlib.new(hashtype, as_text(value).encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()


def basename(value: Any) -> str:
    """The last part of a path."""
    return posixpath.basename(as_text(value))


def dirname(value: Any) -> str:
    """A path without its last part."""
    return posixpath.dirname(as_text(value))


@pass_context
def regex_replace(
    context: Context,
    value: Any = "",
    pattern: str = "",
    replacement: str = "",
    ignorecase: bool = False,
    multiline: bool = False,
    count: int = 0,
    mandatory_count: int = 0,
) -> str:
    r"""The text with what a regular expression matches replaced; `\1` and `\g<name>` stand for groups."""
    done, text, target = work(context), as_text(value), _Target(work(context))
    end, found, replacement = 0, 0, _unescaped(replacement)
    for match in expression(_unescaped(pattern), ignorecase=ignorecase, multiline=multiline).matches(text):
        done.step()
        longest = max(len(group or "") for group in (match[0], *match.groups()))
        done.expect(len(replacement) + replacement.count("\\") * longest)
        target.write(text[end : match.start()] + _expanded(match, replacement))
        end, found = match.end(), found + 1
        if found == count:
            break
    if mandatory_count and found != mandatory_count:
        raise ValueError(f"`{pattern}` matches {found} times, not {mandatory_count}")
    target.write(text[end:])
    return target.text()


def _expanded(match: Any, replacement: str) -> str:
    try:
        return cast(str, match.expand(replacement))
    except (LookupError, ValueError) as error:
        raise ValueError(f"the replacement `{replacement}` cannot be used: {error}") from None


def regex_search(value: Any, pattern: str, *groups: str, ignorecase: bool = False, multiline: bool = False) -> Any:
    r"""What a regular expression matches first, None where nothing; with `\\1` or `\\g<name>` a list of groups."""
    wanted = [_group(_unescaped(group)) for group in groups]
    compiled = expression(_unescaped(pattern), ignorecase=ignorecase, multiline=multiline)
    match = next(compiled.matches(as_text(value)), None)
    if match is None:
        return None
    try:
        return [match[group] for group in wanted] if wanted else match[0]
    except LookupError:
        raise ValueError(f"`{pattern}` has no such group: {', '.join(groups)}") from None


def _group(text: str) -> int | str:
    if text.startswith("\\g<") and text.endswith(">"):
        return int(text[3:-1]) if text[3:-1].isdecimal() else text[3:-1]
    if text.startswith("\\") and text[1:].isdecimal():
        return int(text[1:])
    raise ValueError(f"`{text}` does not name a group; write `\\\\1` or `\\\\g<name>`")


def _unescaped(text: str) -> str:
    r"""`\1` and `\b` as they are written in a playbook, where a backslash is one: Jinja2 makes characters of them
    that nobody means."""
    return text.translate(_CONTROLS)


_CONTROLS = {**{number: f"\\{number}" for number in range(1, 8)}, 8: r"\b"}


# --- values


def boolean(value: Any) -> bool:
    """True for yes, on, true, 1; false for no, off, false, 0."""
    word = str(value).lower() if isinstance(value, int) else value.lower() if isinstance(value, str) else value
    if word in _TRUE or word == 1:
        return True
    if word in _FALSE or word == 0:
        return False
    raise ValueError(f"`bool` takes one of {', '.join((*_TRUE, *_FALSE))}")


def ternary(value: Any, true_val: Any, false_val: Any, none_val: Any = None) -> Any:
    """One of two values; a third where the value is None."""
    if value is None and none_val is not None:
        return none_val
    return true_val if value else false_val


def mandatory(value: Any, msg: str | None = None) -> Any:
    """The value; an error where it is not defined."""
    if isinstance(value, Undefined):
        if msg is not None:
            raise ValueError(msg)
        str(value)
    return value


def combine(*terms: Any, recursive: bool = False, list_merge: str = "replace") -> Any:
    """Maps in one, later ones over earlier; a list of maps stands for all of them."""
    if list_merge not in _MERGES:
        raise ValueError(f"`list_merge` is one of {', '.join(_MERGES)}")
    maps = [item for term in terms for item in (term if isinstance(term, list | tuple) else [term])]
    maps = [item for item in maps if item is not None]
    if any(not isinstance(item, Mapping) for item in maps):
        raise TypeError("`combine` takes maps")
    merged: dict[Any, Any] = {}
    # From the last one on, as Ansible does: with lists that are put together it is not the same from the first one.
    for number, item in enumerate(reversed(maps)):
        merged = dict(item) if not number else _merged(item, merged, recursive, list_merge)
    return merged


def _merged(low: Mapping[Any, Any], high: Mapping[Any, Any], recursive: bool, list_merge: str) -> dict[Any, Any]:
    """`high` over `low`."""
    if low == high:
        return dict(high)
    made = dict(low)
    for key, over in high.items():
        under = made.get(key)
        if recursive and isinstance(under, Mapping) and isinstance(over, Mapping):
            over = _merged(under, over, recursive, list_merge)
        elif isinstance(under, list) and isinstance(over, list):
            over = _LISTS[list_merge](under, over)
        made[key] = over
    return made


_LISTS: Mapping[str, Callable[[list[Any], list[Any]], Sequence[Any]]] = {
    "replace": lambda low, high: high,
    "keep": lambda low, high: low,
    "append": lambda low, high: low + high,
    "prepend": lambda low, high: high + low,
    "append_rp": lambda low, high: [item for item in low if item not in high] + high,
    "prepend_rp": lambda low, high: high + [item for item in low if item not in high],
}

OF_PLAIN_DATA: Mapping[str, Callable[..., Any]] = {
    "to_json": to_json,
    "to_nice_json": to_nice_json,
    "to_yaml": to_yaml,
    "to_nice_yaml": to_nice_yaml,
    "from_json": from_json,
    "from_yaml": from_yaml,
    "b64encode": b64encode,
    "b64decode": b64decode,
    "regex_replace": regex_replace,
    "regex_search": regex_search,
    "bool": boolean,
    "hash": hashed,
    "basename": basename,
    "dirname": dirname,
}
"""Filters that look into what they get."""
OF_ANYTHING: Mapping[str, Callable[..., Any]] = {"ternary": ternary, "mandatory": mandatory}
"""Filters that hand on what they get, even if it is not defined."""
