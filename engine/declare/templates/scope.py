"""Variables and what else a template can refer to, for one host: looked up, and rendered, when they are used."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine import bounds
from engine.codes import Code
from engine.declare.convert import free
from engine.declare.host_facts import HostNames
from engine.declare.schema.language import RESERVED
from engine.declare.templates import budget
from engine.declare.templates.names import MISSING, Deferred, Lazy, RenderError, SecretNames
from engine.declare.templates.template import render
from engine.declare.yaml.nodes import Map, Node, Scalar
from engine.declare.yaml.scalars import core, word
from engine.errors import Position
from engine.model import Host


@dataclass(frozen=True)
class Binding:
    """What a variable was given: a node of a file, or data (from the inventory, from -e) that may hold templates.

    `scope`: where its templates are rendered, None for the scope it is looked up in.
    """

    where: Position | str
    node: Node | None = None
    data: Any = None
    scope: Scope | Each | None = None


Layer = Mapping[str, Binding]


def given(variables: Map | None, scope: Scope | Each | None = None) -> Layer:
    """The variables that a map of a state file declares."""
    if variables is None:
        return {}
    return {name: Binding(variables.keys[name], node, scope=scope) for name, node in variables.items.items()}


def of_host(host: Host) -> Layer:
    """The variables of a host; connection variables (`ansible_*`) and reserved names are none. Those that Ansible
    adds are there, for variables of an existing inventory may be made with them."""
    added = {
        "inventory_hostname": host.name,
        "inventory_hostname_short": host.name.split(".")[0],
        "group_names": list(host.groups),
    }
    return {
        name: Binding(f"{host.name}: inventory variable `{name}`", data=value)
        for name, value in {**added, **host.vars}.items()
        if not name.startswith("ansible_") and name not in RESERVED
    }


def of_inventory(groups: Mapping[str, Sequence[str]], hostvars: Lazy) -> Layer:
    """What templates know of all hosts, as in Ansible; a variable of such a name hides it."""
    lists = Lazy(groups, functools.cache(lambda name: list(groups[name])))
    return {name: Binding("the inventory", data=data) for name, data in (("groups", lists), ("hostvars", hostvars))}


class Scope:
    """What the templates of one state file can refer to on one host. `layers`: the first that has a name wins.

    `secrets`: those that the file declares; their own templates are rendered here, too.
    """

    def __init__(self, host: HostNames, layers: Iterable[Layer]) -> None:
        self.host = host
        self.layers = tuple(layers)
        self.secrets = SecretNames()
        self.values: dict[str, Any] = {}
        self.faults: dict[str, RenderError] = {}
        self.open: dict[str, Binding] = {}
        self.weights = bounds.Weights()

    def known(self) -> list[str]:
        """Every name a template can use here."""
        return ["host", "secrets", *dict.fromkeys(name for layer in self.layers for name in layer)]

    def lookup(self, name: str) -> Any:
        """See `template.Names`."""
        if name in self.values:
            return self.values[name]
        if name in self.faults:
            raise self.faults[name]
        if name == "host":
            return self.host
        if name == "secrets":
            return self.secrets
        binding = next((layer[name] for layer in self.layers if name in layer), None)
        if binding is None:
            return MISSING
        if name in self.open:
            raise self.circle(name)
        self.open[name] = binding
        try:
            self.values[name] = self.value(binding)
            if self.weights.of(self.values[name]) > bounds.TEXT:
                del self.values[name]
                raise RenderError(
                    f"variable `{name}` holds more than {bounds.TEXT} characters or items", code=Code.TEMPLATE_LIMIT
                )
        except RenderError as fault:
            fault.where = fault.where or binding.where
            self.faults[name] = fault
            raise
        finally:
            del self.open[name]
        return self.values[name]

    def value(self, binding: Binding) -> Any:
        scope = binding.scope or self
        if binding.node is not None:
            return free(binding.node, lambda node: evaluate(node, scope))
        return _data(binding.data, self)

    def circle(self, name: str) -> RenderError:
        """The fault of a variable that is needed to render itself."""
        names = list(self.open)
        names = names[names.index(name) :]
        first = min(range(len(names)), key=lambda index: _order(self.open[names[index]].where))
        names = [*names[first:], *names[:first]]
        hints = tuple(f"{each}: {self.open[each].where}" for each in names)
        way = " → ".join([*names, names[0]])
        return RenderError(
            f"circular reference between variables: {way}",
            hints,
            where=self.open[names[0]].where,
            code=Code.CIRCULAR_REFERENCE,
        )


class Each:
    """A scope in which `each` is there: one turn of a `for_each`."""

    def __init__(self, scope: Scope, key: str, value: Any) -> None:
        self.scope = scope
        self.each = {"key": key, "value": value}

    def known(self) -> list[str]:
        """Every name a template can use here."""
        return [*self.scope.known(), "each"]

    def lookup(self, name: str) -> Any:
        """See `template.Names`."""
        return self.each if name == "each" else self.scope.lookup(name)


def evaluate(node: Scalar, names: Scope | Each) -> Any:
    """The value of a template in a state file. Raises Fault that knows its place."""
    try:
        value = render(node.text, names)
    except RenderError as fault:
        fault.where = fault.where or node.line(fault.line)
        raise
    budget.add(len(value) if isinstance(value, str) else 1, node.where)
    return value


def _data(value: Any, scope: Scope) -> Any:
    if isinstance(value, Lazy):
        return value
    if isinstance(value, Deferred):
        return value.value(lambda text: render(text, scope))
    if isinstance(value, str):
        return render(value, scope) if "{{" in value or "{%" in value else value
    if isinstance(value, Mapping):
        return {key: _data(item, scope) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_data(item, scope) for item in value]
    return value


def _order(where: Position | str) -> tuple[str, int, int]:
    return (where.file, where.line, where.column) if isinstance(where, Position) else (where, 0, 0)


def typed(name: str, value: Any, default: Node | None) -> Any:
    """What `-e NAME=VALUE` gives, with the type of the variable's default. Raises Fault where it has none such.

    Values that are no text (from `-e @file.yaml`) stay as they are, as do templates.
    """
    if not isinstance(value, str) or "{{" in value or "{%" in value:
        return value
    if isinstance(default, Scalar):
        if not default.plain or default.template:
            return core(value) if default.text.startswith("{{") and default.text.endswith("}}") else value
        return _like(value, core(default.text), default)
    return core(value) if default is None else _structure(name, value, default)


def _like(value: str, default: Any, node: Scalar) -> Any:
    if isinstance(default, str):
        return value
    found = word(value) if isinstance(default, bool) else core(value)
    kinds: tuple[type, ...] = (bool,) if isinstance(default, bool) else (int,)
    kinds = (int, float) if isinstance(default, float) else kinds
    if default is None or (isinstance(found, kinds) and isinstance(found, bool) == isinstance(default, bool)):
        return found
    what = {bool: "true or false", int: "a whole number", float: "a number"}[kinds[-1]]
    raise RenderError(
        f"expected {what}, got `{value}`",
        (f"its default is `{node.text}`, at {node.where}",),
        code=Code.EXTRA_VARIABLE,
    )


def _structure(name: str, value: str, default: Node) -> Any:
    from engine.declare.yaml.loader import parse

    node = parse(value, f"-e {name}", [])
    if type(node) is not type(default):
        what = "a map, like {key: value}" if isinstance(default, Map) else "a list, like [one, two]"
        raise RenderError(
            f"expected {what}, got `{value}`", (f"as its default, at {default.where}",), code=Code.EXTRA_VARIABLE
        )
    return free(node, lambda scalar: scalar.text)
