"""The secrets of a run: each resolved once, however many hosts and resources use it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.codes import Code
from engine.declare.convert import convert
from engine.declare.schema.document import secret_schema
from engine.declare.schema.validate import Subject, check
from engine.declare.templates.names import RenderError, SecretNames
from engine.declare.templates.scope import Scope, evaluate
from engine.declare.yaml.nodes import Map, Node, find
from engine.errors import InvalidInput, Position, Problem
from engine.model import Secret

if TYPE_CHECKING:
    from engine.declare.secrets.key import Key
    from engine.declare.secrets.resolve import NewHash

SOURCES = ("file", "env", "command", "prompt", "bcrypt")
_HASH = "$2b$12$" + "x" * 53
"""What stands for a hash that is not read: it has the form of one."""


class SecretStore:
    """Resolves secrets. With `read` false it reads none: each is a stand-in, so that all else can be validated.

    `asking`: there is somebody to ask for one; nobody is asked while hosts are being worked on.
    `new`: the bcrypt hashes that had to be made, by the file that an apply is to write each to.
    """

    def __init__(self, project: Path, *, read: bool) -> None:
        self.project = project
        self.read = read
        self.asking = True
        self.found: dict[Secret, None] = {}
        self.new: dict[Path, NewHash] = {}
        self.warnings: dict[str, None] = {}
        self._known: dict[tuple[str, str], Secret | InvalidInput] = {}

    def resolve(
        self, name: str, spec: dict[str, object], where: Position | None, other: Callable[[str], Secret]
    ) -> Secret:
        """What a rendered entry of `secrets` stands for. Raises InvalidInput, the same one each time."""
        from engine.declare.secrets import resolve

        # The place, too: the same entry in two files may mean two things (`matches` names a secret of its file).
        key = (str(where), json.dumps(spec, sort_keys=True))
        if key not in self._known:
            try:
                self.refuse_late(name, spec, where)
                self._known[key] = (
                    self.stand_in(name, spec, other)
                    if not self.read
                    else resolve.resolve(
                        name,
                        spec,
                        project=self.project,
                        where=where,
                        other=other,
                        key=self._key,
                        new=self.new,
                        warn=self.warn,
                    )
                )
            except InvalidInput as error:
                self._known[key] = error
        found = self._known[key]
        if isinstance(found, InvalidInput):
            raise found
        self.found[found] = None
        # Hosts still hold what a new hash replaces, and programs there may show it.
        self.found |= {Secret(new.replaced, new.name): None for new in self.new.values() if new.replaced}
        return found

    def _key(self) -> Key:
        from engine.declare.secrets.key import Key

        return Key.load(self.project)

    def refuse_late(self, name: str, spec: dict[str, object], where: Position | None) -> None:
        """Raises InvalidInput where somebody would have to be asked, too late."""
        if "prompt" in spec and not self.asking:
            hint = "it is needed only because of a host fact (like `host.os`); use another source"
            raise InvalidInput(
                Problem(
                    f"secret {name} cannot be asked for after connecting", where, (hint,), code=Code.SECRET_PROMPT
                )
            )

    def stand_in(self, name: str, spec: dict[str, object], other: Callable[[str], Secret]) -> Secret:
        """What stands for a secret that is not read; the names it refers to are looked up all the same."""
        bcrypt = spec.get("bcrypt")
        for wanted in (spec.get("matches"), bcrypt.get("password") if isinstance(bcrypt, dict) else None):
            if isinstance(wanted, str):
                other(wanted)
        hashed = spec.get("format") == "bcrypt" or bcrypt is not None or "matches" in spec
        return Secret(_HASH if hashed else f"secret-{name}-is-not-read", name)

    def warn(self, text: str) -> None:
        """Take up a warning."""
        self.warnings[text] = None


class StateSecrets(SecretNames):
    """The secrets that one state file declares, as its templates on one host see them; `specs` is its section
    `secrets`, `scope` where templates in it are rendered."""

    def __init__(self, store: SecretStore, specs: Map | None, scope: Scope) -> None:
        self.store, self.specs, self.scope = store, specs or Map({}, {}), scope
        self._open: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return iter(self.specs.items)

    def __len__(self) -> int:
        return len(self.specs.items)

    def __contains__(self, name: object) -> bool:
        return name in self.specs.items

    def __getitem__(self, name: str) -> Secret:
        """Raises KeyError, RenderError for its templates, InvalidInput for all else."""
        node, where = self.specs.items[name], self.specs.at(name)
        if name in self._open:
            way = " → ".join([*self._open[self._open.index(name) :], name])
            raise RenderError(f"circular reference between secrets: {way}", where=where, code=Code.CIRCULAR_REFERENCE)
        self._open.append(name)
        try:
            spec = convert(node, secret_schema(), lambda scalar: evaluate(scalar, self.scope))
            if problems := check(spec, secret_schema(), node, Subject(f"secret {name}"), at=where):
                raise InvalidInput(problems)
            if _secret_in(spec):
                hint = "`matches` and `bcrypt.password` take the name of another secret"
                raise RenderError(
                    f"secret {name} cannot be made of another secret",
                    (hint,),
                    where=node.where,
                    code=Code.SECRET_REFERENCE,
                )
            return self.store.resolve(name, spec, _source(node), partial(self.other, name))
        finally:
            self._open.pop()

    def other(self, name: str, wanted: str) -> Secret:
        """The secret that another one, `name`, wants. Raises InvalidInput where there is none."""
        if wanted in self:
            return self[wanted]
        from engine.declare.schema.validate import nearest

        node = self.specs.items[name]
        paths: tuple[tuple[str, ...], ...] = (("matches",), ("bcrypt", "password"))
        places = [find(node, path) for path in paths if isinstance(node, Map) and path[0] in node.items]
        where = places[0] if places else node.where
        hints = nearest(wanted, [other for other in self if other != name])
        raise InvalidInput(
            Problem(
                f"secret {name} refers to `{wanted}`, which is not a secret", where, hints, code=Code.SECRET_REFERENCE
            )
        )

    def ask(self) -> None:
        """Ask now for what may be needed when nobody can be asked any more. What goes wrong is told when it is."""
        for name, node in self.specs.items.items():
            if isinstance(node, Map) and "prompt" in node.items:
                with suppress(RenderError, InvalidInput):
                    self[name]


def _source(node: Node) -> Position:
    """Where a secret says what it comes from."""
    if not isinstance(node, Map):
        return node.where
    return next((node.keys[key] for key in SOURCES if key in node.keys), node.where)


def _secret_in(value: object) -> bool:
    if isinstance(value, dict):
        return any(_secret_in(item) for item in value.values())
    return any(_secret_in(item) for item in value) if isinstance(value, list) else isinstance(value, Secret)
