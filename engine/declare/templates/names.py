"""What a template can refer to, and what is said where it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from engine.codes import Code
from engine.errors import Position
from engine.model import Secret

MISSING = object()
"""What `Names.lookup` gives for a name that is not defined."""


class Names(Protocol):
    """What a template can refer to."""

    def lookup(self, name: str) -> Any:
        """The value of a name, or MISSING. Raises Fault where the variable itself cannot be rendered."""
        ...

    def known(self) -> Iterable[str]:
        """Every name there is, to suggest one."""
        ...


class SecretNames(Mapping[str, Secret]):
    """What `secrets` is in a template; a secret is resolved when it is asked for. There are none here."""

    def __getitem__(self, name: str) -> Secret:
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class Lazy(Mapping[str, Any]):
    """What a template can take values from by key, like `hostvars` and `groups`, each made when it is asked for. No
    renderer looks into one that is not asked for a key."""

    def __init__(self, keys: Iterable[str], value: Callable[[str], Any]) -> None:
        self._keys = dict.fromkeys(keys)
        self._value = value

    def __getitem__(self, key: str) -> Any:
        if key not in self._keys:
            raise KeyError(key)
        return self._value(key)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


class RenderError(Exception):
    """What is wrong with a template: a message, hints; `line` counts from 1 within it, 0 where that is unknown.

    `undefined`: a name is not defined, so that `default(...)` may step in. `where`: the place of a variable that
    could not be rendered, where it is not the template that was asked for.
    """

    def __init__(
        self,
        message: str,
        hints: tuple[str, ...] = (),
        *,
        line: int = 0,
        undefined: bool = False,
        where: Position | str | None = None,
        code: Code = Code.TEMPLATE,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hints = hints
        self.line = line
        self.undefined = undefined
        self.where = where
        self.code = code


class FactPending(RenderError):
    """What is needed is known only on the host, and the host has not been asked yet: no fault of the template."""


def undefined(name: str, names: Names, owner: Any = MISSING, path: str = "") -> RenderError:
    """The fault of a name that is not defined; `owner`: the map that was expected to have it, at `path`."""
    from engine.declare.schema.validate import near, nearest

    if isinstance(owner, SecretNames):
        return RenderError(f"there is no secret `{name}`", nearest(name, owner), undefined=True)
    if owner is not MISSING:
        known = [str(key) for key in owner] if isinstance(owner, Mapping) else []
        message = f"`{path}` has no `{name}`" if path else f"there is no `{name}` in it"
        return RenderError(message, nearest(name, known), undefined=True)
    hints = near(name, names.known())
    if name == "each":
        hints = ("`each` exists only with `for_each`",)
    elif name.startswith("ansible_"):
        hints = ("connection variables (`ansible_*`) are not variables of a state",)
    return RenderError(f"`{name}` is not defined", hints, undefined=True)


class Deferred:
    """A value of a variable that is made when it is used."""

    def value(self, render: Callable[[str], Any]) -> Any:
        """The value; `render` renders a template where it is used. Raises RenderError."""
        raise NotImplementedError


def evaluated(value: Any, render: Callable[[str], Any]) -> Any:
    """Plain data, with every `Deferred` in it made. Raises RenderError."""
    if isinstance(value, Deferred):
        return value.value(render)
    if isinstance(value, Mapping):
        return {key: evaluated(item, render) for key, item in value.items()}
    return [evaluated(item, render) for item in value] if isinstance(value, list | tuple) else value
