"""State files → the resources of one host: includes followed, `for_each` unrolled, `when` decided."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.bounds import RESOURCES
from engine.codes import Code
from engine.declare.convert import OPAQUE, Opaque, convert, free
from engine.declare.schema.document import closed
from engine.declare.schema.language import KEYWORDS
from engine.declare.schema.validate import Subject, check, shown
from engine.declare.statefile import Entry, Include, State
from engine.declare.templates.budget import Exhausted
from engine.declare.templates.names import FactPending, RenderError
from engine.declare.templates.scope import Each, Layer, Scope, evaluate, given
from engine.declare.templates.template import is_true
from engine.declare.yaml.nodes import Map, Node, Scalar
from engine.declare.yaml.scalars import as_text
from engine.errors import InvalidInput, Position, Problem
from engine.model import Secret

Names = Scope | Each

_BESIDE = closed({name: param for name, param in KEYWORDS.items() if name not in ("when", "for_each")})
_FOR_EACH = closed({"for_each": KEYWORDS["for_each"]})
_KEYWORD = Subject("a resource", "keyword", named=False)


class Problems:
    """What is wrong on one host. `later`: something was put off until facts of the host are known."""

    def __init__(self) -> None:
        self.found: dict[Problem, None] = {}
        self.later = False

    def add(self, problems: Iterable[Problem]) -> bool:
        """Take up problems; whether there were any."""
        problems = dict.fromkeys(problems)
        self.found.update(problems)
        return bool(problems)

    def value(self, node: Scalar, names: Names) -> Any:
        """The value of a template; OPAQUE where it has none, and the problem is noted."""
        return self.attempt(lambda: evaluate(node, names), node.where)

    def attempt(self, make: Callable[[], Any], where: Position) -> Any:
        """What `make` gives; OPAQUE where it fails for a reason that the user is to be told."""
        try:
            return make()
        except FactPending:
            self.later = True
        except Exhausted:
            raise
        except RenderError as fault:
            self.add([Problem(fault.message, fault.where or where, fault.hints, code=fault.code)])
        except InvalidInput as error:
            self.add(error.problems)
        return OPAQUE


@dataclass(eq=False)
class Item:
    """A resource of one host.

    name    unique on the host; `prefix` is what the files that include it put before it
    number  of the entry it comes from, counted over the host; items of one `for_each` share it
    chain   of the state file on the command line: what comes before a resource in another file, it does not need
    active  whether `when` holds; what is not active only has a name
    """

    name: str
    entry: Entry
    names: Names
    prefix: str
    number: int
    chain: int
    active: bool
    words: Mapping[str, Any]


class Unroller:
    """Collects the items of one host.

    groups    what a name that stands for several means
    unlisted  prefixes of names that may be there, but cannot be told: `for_each` of what is not declared, or of what
              depends on facts that are not known yet
    """

    def __init__(self, problems: Problems, scope: Callable[[State, Layer], Scope]) -> None:
        self.problems = problems
        self.scope = scope
        self.items: list[Item] = []
        self.groups: dict[str, list[str]] = {}
        self.unlisted: list[str] = []
        self.number = 0
        self.count = 0

    def more(self, where: Position) -> None:
        """One more resource, or one more turn of an include. Raises Exhausted."""
        self.count += 1
        if self.count > RESOURCES:
            what = f"with this, a host has more than {RESOURCES} resources and includes"
            hint = "each item of a `for_each` counts, and so does each include of a file"
            raise Exhausted(Problem(what, where, (hint,), code=Code.TOO_MANY))

    def state(self, state: State, chain: int, prefix: str = "", variables: Layer | None = None) -> None:
        """Take up a state and what it includes."""
        scope = self.scope(state, variables or {})
        for include in state.includes:
            self.include(include, scope, chain, prefix)
        for entry in state.entries:
            self.entry(entry, scope, chain, prefix)

    def include(self, include: Include, scope: Scope, chain: int, prefix: str) -> None:
        """Take up an included state, once for each turn of its `for_each`."""
        outer = prefix + include.prefix
        turns = self.turns(include.for_each, scope, "`for_each` of an include", outer)
        before = len(self.items)
        for key, names in turns:
            self.more(include.where)
            inner = outer if key is None else f"{outer}{key}/"
            first = len(self.items)
            self.state(include.state, chain, inner, given(include.vars, names))
            if inner not in (outer, prefix):
                self.group(inner, first)
        if outer != prefix:
            self.group(outer, before)

    def group(self, prefix: str, first: int) -> None:
        """Let a prefix stand for the items from number `first` on; two includes may have the same."""
        self.groups.setdefault(prefix.rstrip("/"), []).extend(item.name for item in self.items[first:])

    def entry(self, entry: Entry, scope: Scope, chain: int, prefix: str) -> None:
        """Take up one entry of `resources`."""
        self.number += 1
        self.more(entry.where)
        name = prefix + entry.name
        when, for_each = entry.keywords.get("when"), entry.keywords.get("for_each")
        if not entry.sound:
            self.faults(entry, scope)
            self.items.append(Item(name, entry, scope, prefix, self.number, chain, False, {}))
            return
        alone = for_each is None or not (isinstance(when, Scalar) and re.search(r"\beach\b", when.text))
        # A condition that is about the host also guards the expression of for_each.
        if alone and not self.is_active(when, scope):
            self.items.append(Item(name, entry, scope, prefix, self.number, chain, False, {}))
            self.unlisted += [f"{name}/"] if for_each is not None else []
            return
        turns = self.turns(for_each, scope, "`for_each`", f"{name}/")
        for key, names in turns:
            self.more(entry.where)
            active = alone or self.is_active(when, names)
            full = name if key is None else f"{name}/{key}"
            words = self.words(entry, names) if active else {}
            self.items.append(Item(full, entry, names, prefix, self.number, chain, active, words))
        if for_each is not None:
            self.groups[name] = [f"{name}/{key}" for key, _ in turns]

    def faults(self, entry: Entry, scope: Scope) -> None:
        """Find what is wrong with the templates of an entry that cannot be used for another reason."""
        if "for_each" not in entry.keywords:
            for node in [entry.params, *(node for key, node in entry.keywords.items() if key != "when")]:
                free(node, lambda scalar: self.problems.value(scalar, scope))

    def is_active(self, when: Node | None, names: Names) -> bool:
        """Whether a resource is declared; False, too, where that cannot be told."""
        if not isinstance(when, Scalar):
            return True
        found = self.problems.attempt(lambda: is_true(when.text, names), when.where)
        return found is True

    def turns(self, node: Node | None, names: Names, what: str, prefix: str) -> list[tuple[str | None, Names]]:
        """The turns of a `for_each`: key, and the names with `each`; one turn without a key where there is none.
        `prefix`: what comes before the key in the names."""
        if node is None:
            return [(None, names)]
        scope = names.scope if isinstance(names, Each) else names
        value = free(node, lambda scalar: self.problems.value(scalar, names))
        if isinstance(value, Opaque):
            self.unlisted.append(prefix)
            return []
        if isinstance(value, list):
            value = [_item(item) for item in value]
            keys: list[Any] = [item.get("key") if isinstance(item, Mapping) else item for item in value]
            if any(isinstance(key, Opaque) for key in keys):
                self.unlisted.append(prefix)
                return []
            if self.problems.add(_wrong_keys(keys, what, node.where)):
                return []
        elif isinstance(value, Mapping):
            value = {as_text(key): item for key, item in value.items()}
        at = Map({"for_each": node}, {"for_each": node.where}, node.where)
        if self.problems.add(check({"for_each": value}, _FOR_EACH, at, _KEYWORD)):
            return []
        pairs = value.items() if isinstance(value, Mapping) else zip(keys, value, strict=True)
        return [(key, Each(scope, key, item)) for key, item in pairs]

    def words(self, entry: Entry, names: Names) -> dict[str, Any]:
        """The keywords of a resource, rendered; without those that are wrong."""
        nodes = {key: node for key, node in entry.keywords.items() if key in _BESIDE["properties"]}
        if not nodes:
            return {}
        at = Map(nodes, {key: node.where for key, node in nodes.items()}, entry.where)
        data: dict[str, Any] = convert(at, _BESIDE, lambda scalar: self.problems.value(scalar, names))
        self.problems.add(check(data, _BESIDE, at, _KEYWORD))
        return {key: value for key, value in data.items() if not self.unusable(key, value, nodes[key].where)}

    def unusable(self, key: str, value: Any, where: Position) -> bool:
        """Whether a keyword has no value that can be used; a secret is told of."""
        parts = value if isinstance(value, list) else [value]
        if any(isinstance(part, Secret) for part in parts):
            self.problems.add(
                [Problem(f"`{key}` cannot hold a secret", where, ("plans show it",), code=Code.SECRET_EXPOSED)]
            )
        return any(isinstance(part, Secret | Opaque) for part in parts)


def _item(value: Any) -> Any:
    """An item of a list that `for_each` takes, its key as text."""
    if isinstance(value, Mapping) and "key" in value:
        return {**value, "key": _item(value["key"])}
    return as_text(value) if isinstance(value, int | float) else value


def _wrong_keys(keys: Sequence[Any], what: str, where: Position) -> Iterator[Problem]:
    """What is wrong with the keys of a list that `for_each` takes, beside what the schema says of each."""
    if any(isinstance(key, Secret) for key in keys):
        yield Problem(f"{what} cannot iterate over secrets", where, ("its keys are names",), code=Code.FOR_EACH)
        return
    for key, times in Counter(key for key in keys if isinstance(key, str)).items():
        if times > 1:
            yield Problem(f"{what} has {shown(key)} twice", where, code=Code.FOR_EACH)
