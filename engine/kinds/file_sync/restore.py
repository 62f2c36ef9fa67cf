"""Putting back what an apply replaced: `keep` scripts of file-sync, and the resource that a rollback declares.

The kept copies lie on the host (see `Resource.keep`): a copy with mode and owner, or in its place, with `.absent`
behind its name, word that there was nothing. Only digests of them travel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from engine.errors import Refused
from engine.kinds.file_sync import scripts
from engine.kinds.file_sync.target import Variables
from engine.kit.paths import temporary
from engine.model import Action, Change, Facts, HostPath, Params, Plain, Resource, Script, Secret, State, Value

ALONE = "content"
"""What a single file is called, in place of the names of a tree's files."""


def keep(path: HostPath, names: tuple[str, ...], tree: bool, facts: Facts) -> Script:
    """Copies what is at the names into `$keep`."""
    acts = facts.get("acts", "")
    return Script(
        scripts.KEEP,
        {"path": path, "tree": tree, "planned_as": acts, "careful": bool(acts), "leaves_directories": True},
        names,
    )


@dataclass(frozen=True)
class FileRestore(Resource):
    """Files of `root` (itself, or `names` below it where it is a `tree`) are as they were kept in `place`.

    Not a kind of the state language: a rollback declares it. Contents are secrets, for nobody knows what they hold.
    """

    root: HostPath
    place: HostPath
    names: tuple[str, ...]
    tree: bool
    watch: Script | None = None

    kind: ClassVar[str] = "file-restore"
    summary: ClassVar[str] = "Files are as they were before a run replaced them."
    example: ClassVar[str] = ""
    params: ClassVar[Params] = {}

    def probe(self) -> Script:
        return Script(scripts.RESTORE_PROBE, self._variables(), self.names)

    def _variables(self) -> Variables:
        return {"path": self.root, "keep": self.place, "tree": self.tree, "mode": "", "owner": "", "group": ""}

    def actual(self, facts: Facts) -> State | None:
        if "refused" in facts:
            raise Refused(facts["refused"])
        for index, name in enumerate(self.names):
            if facts[f"{index}.type"] not in ("file", "absent"):
                raise Refused(f"{self._path(name)} is in the way: it is no regular file; it was left as it is")
        return self._state(facts, "sum", "about")

    def desired(self, facts: Facts) -> State | None:
        return self._state(facts, "kept", "kept_about")

    def _path(self, name: str) -> str:
        return f"{self.root}/{name}" if self.tree else self.root

    def _state(self, facts: Facts, digest: str, about: str) -> State:
        state: dict[str, Value] = {}
        for index, name in enumerate(self.names):
            found = facts.get(f"{index}.{digest}")
            state[name] = None if found is None else Secret.seen(found)
            if found is not None:
                mode, _, owner = facts[f"{index}.{about}"].partition(" ")
                # In a tree the name with a slash, as directories have it, which no file can be called.
                state[f"{name}/" if self.tree else "mode and owner"] = f"{int(mode, 8):04o} {owner}"
        return state

    def actions(self, change: Change) -> Iterator[Action]:
        differing = {name.removesuffix("/") for name in change.differing()}
        args: list[str] = []
        for index, name in enumerate(self.names):
            if name in differing or not self.tree:
                mode, _, owner = change.facts.get(f"{index}.kept_about", "").partition(" ")
                args += (name, mode, owner)
        own: Variables = {"temp": temporary(self.root), "planned_as": change.facts.get("acts", "")}
        more: Variables = {"parents": True, "backup": 0}
        script = Script(scripts.RESTORE_ACTION, self._variables() | own | more, tuple(args))
        yield Action(f"put back {self.root}", script)

    def watched(self) -> Script | None:
        return self.watch

    def keep(self, change: Change) -> Script | None:
        return keep(self.root, self.names, self.tree, change.facts)

    def restored(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> Resource | None:
        return replace(self, place=keep)
