"""What several kinds do with files on a host, around `files.sh`: inspect many at once, keep what is replaced, put it
back.

A backup is on the host (see `Resource.keep`): a copy with mode and owner, or in its place, with `.absent` behind its
name, word that there was nothing. Only digests of it travel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from engine.errors import Refused
from engine.kit.paths import temporary
from engine.kit.shell import texts
from engine.model import (
    Action,
    BatchedProbe,
    Change,
    Facts,
    HostPath,
    Params,
    Plain,
    Resource,
    Script,
    Secret,
    State,
    Value,
)  # fmt: skip

Variables = dict[str, str | int | bool | Secret]
ALONE = "content"
"""What a single file is called, in place of the names of a tree's files."""
sh = texts(__file__)


def inspected_together(script: Script, path: HostPath) -> Script:
    """A probe that calls `look_at_path` for a `path` that is no link to follow: in one program the files of all such
    probes are inspected at once."""
    return replace(script, shared={**script.shared, "seen": BatchedProbe(sh("inspect_together.sh"), args=(path,))})


def backup(path: HostPath, names: Sequence[str], tree: bool, facts: Facts) -> Script:
    """Copies the file at the path, or the files of these names in the `tree` there, to `$keep`."""
    acts = facts.get("acts", "")
    more: Variables = {"planned_as": acts, "careful": bool(acts), "leaves_directories": True}
    return Script(sh("backup.sh"), {"path": path, "tree": tree, **more}, tuple(names))


@dataclass(frozen=True)
class FileRestore(Resource):
    """Files of `root` (itself, or `names` below it where it is a `tree`) are as they were kept in `place`.

    Not a kind of the state language: a rollback declares it. Contents are secrets, for nobody knows what they hold.
    """

    root: HostPath
    place: HostPath
    names: tuple[str, ...] = (ALONE,)
    tree: bool = False
    watch: Script | None = None

    kind: ClassVar[str] = "file-restore"
    summary: ClassVar[str] = "Files are as they were before a run replaced them."
    example: ClassVar[str] = ""
    params: ClassVar[Params] = {}

    def probe(self) -> Script:
        return self._script("restore_probe.sh", {}, self.names)

    def _script(self, name: str, more: Variables, args: Sequence[str]) -> Script:
        more |= {"path": self.root, "keep": self.place, "tree": self.tree, "mode": "", "owner": "", "group": ""}
        return Script(sh(name), more, tuple(args))

    def actual(self, facts: Facts) -> State | None:
        if "refused" in facts:
            raise Refused(facts["refused"])
        for index, name in enumerate(self.names):
            if facts[f"{index}.type"] not in ("file", "absent"):
                path = f"{self.root}/{name}" if self.tree else self.root
                raise Refused(f"{path} is in the way: it is no regular file; it was left as it is")
        return self._state(facts, "sum", "about")

    def desired(self, facts: Facts) -> State | None:
        return self._state(facts, "kept", "kept_about")

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
        more: Variables = {"temp": temporary(self.root), "planned_as": change.facts.get("acts", "")}
        more |= {"parents": True, "backup": 0}
        yield Action(f"put back {self.root}", self._script("restore_action.sh", more, args))

    def watched(self) -> Script | None:
        return self.watch

    def keep(self, change: Change) -> Script | None:
        return backup(self.root, self.names, self.tree, change.facts)

    def restored(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> Resource | None:
        return replace(self, place=keep)
