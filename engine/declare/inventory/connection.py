"""Templates in connection variables, as in `ansible_host: "{{ inventory_hostname }}.lan"`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from engine.codes import Code
from engine.declare.inventory.problems import HostProblem
from engine.declare.templates.names import MISSING, Deferred, RenderError
from engine.declare.templates.template import render
from engine.errors import Problem
from engine.model import Host, Secret

_PASSWORD = re.compile(r"ansible_\w*(pass|password|passphrase|_token)")


def rendered(names: Names) -> dict[str, Any]:
    """The variables of a host, those beginning with `ansible_` rendered where they hold templates.

    Others stay as they are: they are rendered where a state uses them. Raises HostProblem where a connection
    variable cannot be rendered; an interpreter's path is left as it is then, for the engine uses none.
    """
    found = dict(names.values)
    for name, value in names.values.items():
        if name.startswith("ansible_") and is_rendered(value):
            try:
                found[name] = _connecting(name, names.lookup(name))
            except RenderError as fault:
                if name.endswith("_interpreter"):
                    continue
                problem = Problem(
                    f"{names.host}: {name} cannot be rendered: {fault.message}", hints=fault.hints, code=fault.code
                )
                raise HostProblem(problem) from None
    return found


def passwords(hosts: Iterable[Host]) -> tuple[Secret, ...]:
    """What stands in the connection variables that hold passwords, so that no output shows it."""
    found = [
        value if isinstance(value, Secret) else Secret(str(value), name)
        for host in hosts
        for name, value in host.vars.items()
        if _PASSWORD.fullmatch(name)
        and isinstance(value, str | int | Secret)
        and not isinstance(value, bool)
        and value != ""
    ]
    return tuple(dict.fromkeys(found))


def _connecting(name: str, value: Any) -> Any:
    """A value as transports take it: only passwords are secrets to them. What is not one is redacted all the same."""
    return value.reveal() if isinstance(value, Secret) and not _PASSWORD.fullmatch(name) else value


def is_rendered(value: Any) -> bool:
    """Whether a variable is to be rendered or decrypted."""
    return is_template(value) or isinstance(value, Deferred)


def is_template(value: Any) -> bool:
    """Whether a variable is to be rendered."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)


class Names:
    """What a template in the inventory can refer to: the variables of a host, and `magic`, names like
    `inventory_hostname`. `opened` is shared by the hosts of an inventory: what is being rendered."""

    def __init__(self, host: str, values: Mapping[str, Any], magic: Mapping[str, Any], opened: list[str]) -> None:
        self.host = host
        self.values = values
        self.magic = magic
        self._opened = opened

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
        if not isinstance(value, str | dict | list | Deferred) or (isinstance(value, str) and not is_template(value)):
            return value
        shown = f"`{name}` of {self.host}"
        if shown in self._opened:
            way = " → ".join([*self._opened[self._opened.index(shown) :], shown])
            raise RenderError(f"circular reference between variables: {way}", code=Code.CIRCULAR_REFERENCE)
        self._opened.append(shown)
        try:
            return _rendered(value, self)
        finally:
            self._opened.pop()


def shown(names: Names, name: str) -> Any:
    """A variable of a host as the templates of all hosts see it: rendered, a password as a Secret."""
    try:
        value = names.lookup(name)
    except RenderError as fault:
        fault.where = fault.where or f"{names.host}: inventory variable `{name}`"
        raise
    if _PASSWORD.fullmatch(name) and isinstance(value, str | int):
        return Secret(str(value), name)
    return value


def _rendered(value: Any, names: Names) -> Any:
    if isinstance(value, Deferred):
        return value.value(lambda text: render(text, names))
    if is_template(value):
        return render(value, names)
    if isinstance(value, dict):
        return {key: _rendered(item, names) for key, item in value.items()}
    return [_rendered(item, names) for item in value] if isinstance(value, list) else value
