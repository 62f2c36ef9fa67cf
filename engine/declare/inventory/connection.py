"""Templates in connection variables, as in `ansible_host: "{{ inventory_hostname }}.lan"`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from engine.declare.template import MISSING, Fault, render
from engine.errors import InvalidInput, Problem


def rendered(host: str, values: Mapping[str, Any], magic: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of a host, those beginning with `ansible_` rendered where they hold templates.

    Others stay as they are: they are rendered where a state uses them. `magic` are names that a template can use
    besides: `inventory_hostname`, `groups` and the like. Raises InvalidInput where a connection variable cannot be
    rendered; an interpreter's path is left as it is then, for the engine uses none.
    """
    names = Names(values, magic)
    found = dict(values)
    for name, value in values.items():
        if name.startswith("ansible_") and isinstance(value, str) and ("{{" in value or "{%" in value):
            try:
                found[name] = names.lookup(name)
            except RecursionError:
                raise InvalidInput(f"{host}: {name} refers to itself by way of other hosts") from None
            except Fault as fault:
                if name.endswith("_interpreter"):
                    continue
                problem = Problem(f"{host}: {name} cannot be rendered: {fault.message}", hints=fault.hints)
                raise InvalidInput(problem) from None
    return found


class Names:
    """What a template in the inventory can refer to."""

    def __init__(self, values: Mapping[str, Any], magic: Mapping[str, Any]) -> None:
        self.values = values
        self.magic = magic
        self._open: list[str] = []

    def known(self) -> Iterable[str]:
        """Every name there is."""
        return [*self.magic, *self.values]

    def lookup(self, name: str) -> Any:
        """See `template.Names`."""
        if name in self.magic:
            return self.magic[name]
        if name not in self.values:
            return MISSING
        value = self.values[name]
        if not isinstance(value, str) or ("{{" not in value and "{%" not in value):
            return value
        if name in self._open:
            way = " → ".join([*self._open[self._open.index(name) :], name])
            raise Fault(f"variables refer to each other in a circle: {way}")
        self._open.append(name)
        try:
            return render(value, self)
        finally:
            self._open.pop()


class Lazy(Mapping[str, Any]):
    """A map whose values are made when they are asked for, like `hostvars` and `groups`."""

    def __init__(self, keys: Iterable[str], value: Callable[[str], Any]) -> None:
        self._keys = dict.fromkeys(keys)
        self._value = value

    def __getitem__(self, key: str) -> Any:
        if key not in self._keys:
            raise KeyError(key)
        return self._value(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
