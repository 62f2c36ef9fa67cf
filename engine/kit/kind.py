"""`Kind`: what a kind subclasses. Its parameters are annotated fields; looking and changing are scripts."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Annotated, Any, ClassVar, Self, TypeVar, cast, dataclass_transform

from engine.errors import InvalidParameter, Refused
from engine.kit.fields import Field, fields
from engine.kit.files import WATCH, FileRestore, Files
from engine.kit.paths import managed
from engine.model import (
    Action,
    Change,
    Facts,
    HostPath,
    Params,
    Place,
    Plain,
    Resource,
    Script,
    Secret,
    State,
    Unknown,
    Value,
)

_T = TypeVar("_T")
Variables = dict[str, str | int | bool | Secret]


class _Derived:
    """An attribute of a class that is made of its annotations, docstring or files when it is first asked for."""

    def __init__(self, make: Callable[[type[Kind]], Any]) -> None:
        self.make = make
        self.made: dict[type, Any] = {}

    def __get__(self, instance: object, owner: type[Kind]) -> Any:
        if owner not in self.made:
            self.made[owner] = self.make(owner)
        return self.made[owner]


def derived(make: Callable[[type[Kind]], _T]) -> _T:
    """An attribute of each class that `make` makes of it when it is first asked for."""
    return cast(_T, _Derived(make))


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Kind(Resource):
    """A kind of resource. Its annotated fields are the parameters; in its scripts they are the variables.

    A field is stated once: `name: Annotated[TYPE, "What it is.", {further JSON Schema}] = DEFAULT`; without a default
    it is required. TYPE: str, int, bool, float, Literal, HostPath, Secret, Source, Template, Mode, tuples and
    mappings of these, unions with None. A name that Python uses (`from`) ends in `_` as a field.

    Class attributes
      attributes  MUST name facts of the probe that are compared with the fields of the same names, unless `actual`
                  and `desired` are overridden. A field that is None is not compared. A fact compared with a Secret
                  is the SHA-256 hex digest of the value found.
      probe_sh    looks; read-only; reports with `fact KEY VALUE`. Left out: the file probe.sh beside the module.
      apply_sh    changes; MUST be safe to repeat after being cut off. Left out: the file apply.sh beside the module.
      kind        its name in state files. Left out: the class's name with dashes, `MyLink` → `my-link`.

    The docstring's first paragraph is what `onetrip kinds` says of it, what follows is its example: entries of
    `resources`. Instances are frozen and compare by their fields.

    Every method is pure: same arguments, same answer, no I/O. MAY be overridden: `check_parameters`, `actual`,
    `desired`, `actions`, `verb`, and the other hooks of `Resource`.
    """

    attributes: ClassVar[tuple[str, ...]] = ()
    probe_sh: ClassVar[str] = derived(lambda cls: beside(cls, "probe.sh"))
    apply_sh: ClassVar[str] = derived(lambda cls: beside(cls, "apply.sh"))
    kind: ClassVar[str] = derived(lambda cls: re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower())
    summary: ClassVar[str] = derived(lambda cls: " ".join(_described(cls)[0].split()))
    example: ClassVar[str] = derived(lambda cls: dedent(_described(cls)[1]).strip("\n") + "\n")
    params: ClassVar[Params] = derived(lambda cls: {name: field.schema for name, field in cls.fields().items()})

    def __init__(self, **given: Any) -> None:
        known = {field.field: field for field in type(self).fields().values()}
        unknown = [name for name in given if name not in known]
        missing = [name for name, field in known.items() if field.required and name not in given]
        if unknown or missing:
            what = f"no parameter {unknown[0]}" if unknown else f"parameter {missing[0]} is missing"
            raise TypeError(f"{self.kind}: {what}")
        self.__dict__.update(given)
        self.check_parameters()

    @classmethod
    def fields(cls) -> Mapping[str, Field]:
        """Parameter → field."""
        return fields(cls)

    def replace(self, **changed: Any) -> Self:
        """The same with other values of some fields. Raises InvalidParameter as making it anew would."""
        given = {name: value for name, value in self._values().items() if name in self.__dict__}
        return type(self)(**{**given, **changed})

    def check_parameters(self) -> None:
        """MAY raise InvalidParameter where the parameters, each right by itself, do not go together."""

    def variables(self) -> Variables:
        """The parameters that a script can hold, as its variables: true is `1`, false and None are empty, a leading
        `~/` of a HostPath is the home directory on the host. Lists and maps are for the kind to hand over."""
        values = {name: getattr(self, field.field) for name, field in self.fields().items()}
        fit = {name: "" if value is None else value for name, value in values.items()}
        return {name: value for name, value in fit.items() if isinstance(value, str | int | bool | Secret)}

    def probe(self) -> Script:
        return Script(self.probe_sh, self.variables())

    def actual(self, facts: Facts) -> State | None:
        """The state found: the facts that `attributes` names, as values of their fields' types; None where the
        probe reported none of them. Raises Refused with the fact `refused`."""
        if "refused" in facts:
            raise Refused(facts["refused"])
        found = {name: self._read(name, facts[name]) for name in self._compared() if name in facts}
        return found or None

    def desired(self, facts: Facts) -> State | None:
        """The state declared: the fields that `attributes` names; None where a parameter `state` is `absent`."""
        if getattr(self, "state", None) == "absent":
            return None
        state: dict[str, Value] = {name: getattr(self, self.fields()[name].field) for name in self._compared()}
        if "lacks" in facts:
            # `pin` reports it. Only something before it in the state can make that directory.
            state["directory"] = Unknown(f"directory {facts['lacks']} does not exist", upstream=True)
        return state

    def actions(self, change: Change) -> Iterator[Action]:
        """One action: `apply_sh`, which has the parameters as variables. It acts as the user that the probe named."""
        if "crowded" in change.facts:
            # `pin` reports it, and would not go there.
            raise Refused(
                f"others can write {change.facts['crowded']}; nothing was done there: take that right from them"
            )
        what = "remove" if change.after is None else "make" if change.before is None else "change"
        more = {"planned_as": change.facts["acts"]} if "acts" in change.facts else {}
        yield Action(f"{what} {self.title()}", Script(self.apply_sh, {**self.variables(), **more}))

    def prior_facts(self, facts: Facts) -> Collection[str]:
        return self.attributes

    def title(self) -> str:
        """What an action is called by: the first parameter that is no secret, beside the kind."""
        values = (value for value in self.variables().values() if not isinstance(value, Secret | bool))
        return f"{self.kind} {next(iter(values), '')}".strip()

    def _compared(self) -> list[str]:
        """Attributes of which something is declared; all of them where the thing must not be there."""
        absent = getattr(self, "state", None) == "absent"
        return [name for name in self.attributes if absent or getattr(self, self.fields()[name].field) is not None]

    def _read(self, name: str, fact: str) -> Value:
        field = self.fields()[name]
        if isinstance(getattr(self, field.field), Secret):
            return Secret.seen(fact)
        try:
            return field.read(fact)
        except ValueError:
            raise ProbeError(f"the probe reported `{fact}` for {name}, which is not a number") from None

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{self.kind}: a resource does not change")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, Kind) and self._values() == other._values()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._values().items())})"

    def _values(self) -> dict[str, Any]:
        return {field.field: getattr(self, field.field) for field in self.fields().values()}


class ProbeError(ValueError):
    """A probe reported what its kind cannot read."""


class Check(Kind):
    """A kind without actions: what the verify pass finds is the verdict. Its probe MUST be safe to repeat; in phase
    `verify` it waits, up to `$timeout` seconds, for an answer that is not there yet."""

    proves: Annotated[
        bool,
        "Whether a right answer shows that the service before it has read its files. Say false where it can answer "
        "before that, or without it: a page that needs none of them, a cache, a gateway. Then a file that changed "
        "and was put back costs one restart more.",
    ] = True

    check: ClassVar[bool] = True
    apply_sh: ClassVar[str] = ""

    def actions(self, change: Change) -> Iterator[Action]:
        return iter(())

    def places(self) -> tuple[Place, ...]:
        return ()


class Watchable(Kind):
    """Can be named in `restart_on`.

    `watch_sh` (or watch.sh beside the module) MUST report `fingerprint`, a digest of all that the resource manages,
    and `ctime`, the newest change of it as seconds with a fraction, or empty text where there is nothing. Left out:
    the content of the file at `path`, and as far as the kind has such parameters its `mode`, `owner` and `group`.
    """

    watch_sh: ClassVar[str] = derived(lambda cls: beside(cls, "watch.sh", WATCH if "path" in cls.fields() else ""))

    def watched(self) -> Script | None:
        return Script(self.watch_sh, self.variables())


class Reversible(Kind):
    """What an apply changed can be put back by `onetrip rollback`.

    Without more, the attributes found before are declared again, and what was not there is declared absent: enough
    where the attributes are all there is to it. A kind that replaces the content of a file names the parameter that
    is its path: `replaces = "path"`; then a copy of it is kept, and put back with its mode and owner. Other content
    is kept by `backup_sh`, which MUST copy what is about to be replaced to the path `$keep` and names that begin with
    it, and MUST be read-only elsewhere and safe to repeat; then override `restored`.
    """

    replaces: ClassVar[str] = ""
    backup_sh: ClassVar[str] = ""

    def replaced(self, before: Mapping[str, object] | None, changed: Sequence[str]) -> Files | None:
        """MAY be overridden where `replaces` is set: the files that a change of these attributes replaces, None where
        none; `before` is what was found."""
        return Files(managed(getattr(self, self.fields()[self.replaces].field)))

    def keep(self, change: Change) -> Script | None:
        if self.replaces:
            files = self.replaced(change.before, change.differing())
            return files.back_up(change.facts) if files else None
        return Script(self.backup_sh, self.variables()) if self.backup_sh else None

    def restored(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> Resource | None:
        """The resource that puts back what a run found: `prior`; None where it cannot be declared: the kind has no
        `state: absent`, or a value was a secret, which a plan does not hold."""
        if self.replaces:
            files = self.replaced(prior, changed)
            return FileRestore(files, keep, self.watched()) if files else None
        if prior is None:
            return self.replace(state="absent") if "state" in self.fields() else None
        before = {self.fields()[name].field: prior.get(name) for name in changed if name in self.fields()}
        if any(isinstance(getattr(self, field), Secret) for field in before):
            return None
        return self.replace(**before, **({"state": "present"} if "state" in self.fields() else {}))


@cache
def _folder(module: str) -> Path:
    return Path(sys.modules[module].__file__ or "").parent


def beside(cls: type[Kind], name: str, default: str = "") -> str:
    """The text of a script beside the module of a kind. Raises TypeError where there is none and no default."""
    for base in cls.__mro__:
        if base.__module__.startswith("engine.kit."):
            break
        path = _folder(base.__module__) / name
        if path.is_file():
            return path.read_text(encoding="utf-8")
    if default:
        return default
    attribute = name.replace(".", "_")
    raise TypeError(f"{cls.__name__} has neither `{attribute}` nor a file {name} beside its module")


def _described(cls: type[Kind]) -> tuple[str, str]:
    """First paragraph and rest of a docstring."""
    summary, _, rest = inspect.cleandoc(cls.__doc__ or "").partition("\n\n")
    return summary, rest


__all__ = ["Check", "InvalidParameter", "Kind", "Refused", "Reversible", "Variables", "Watchable"]
