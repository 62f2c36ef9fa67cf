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
WATCH = sh("watch.sh")
"""Watches the file at `path`."""


def inspected_together(script: Script, path: HostPath, quick: bool = False) -> Script:
    """A probe that calls `look_at_path` for a `path` that is no link to follow: in one program the files of all such
    probes are inspected at once. `quick` is that of `Script`."""
    glance = BatchedProbe(sh("inspect_together.sh"), args=(path,))
    return replace(script, shared={**script.shared, "seen": glance}, quick=quick)


@dataclass(frozen=True)
class Files:
    """The file at `path`, or the files of these `names` in the `tree` there."""

    path: HostPath
    names: tuple[str, ...] = (ALONE,)
    tree: bool = False

    def back_up(self, facts: Facts) -> Script:
        """Copies them to `$keep`."""
        acts = facts.get("acts", "")
        more: Variables = {"planned_as": acts, "careful": bool(acts), "leaves_directories": True}
        return Script(sh("backup.sh"), {"path": self.path, "tree": self.tree, **more}, self.names)


@dataclass(frozen=True)
class FileRestore(Resource):
    """Files are as they were kept in `place`. `watch` is what watched them.

    Not a kind of the state language: a rollback declares it. Contents are secrets, for nobody knows what they hold.
    """

    files: Files
    place: HostPath
    watch: Script | None = None

    kind: ClassVar[str] = "file-restore"
    summary: ClassVar[str] = "Files are as they were before a run replaced them."
    example: ClassVar[str] = ""
    params: ClassVar[Params] = {}

    def probe(self) -> Script:
        return self._script("restore_probe.sh", {}, self.files.names)

    def _script(self, name: str, more: Variables, args: Sequence[str]) -> Script:
        own: Variables = {"path": self.files.path, "keep": self.place, "tree": self.files.tree}
        return Script(sh(name), {**own, "mode": "", "owner": "", "group": "", **more}, tuple(args))

    def actual(self, facts: Facts) -> State | None:
        if "refused" in facts:
            raise Refused(facts["refused"])
        for index, name in enumerate(self.files.names):
            if facts[f"{index}.type"] not in ("file", "absent"):
                path = f"{self.files.path}/{name}" if self.files.tree else self.files.path
                raise Refused(f"{path} is in the way: it is not a regular file; it was left as it is")
        return self._state(facts, "sum", "about")

    def desired(self, facts: Facts) -> State | None:
        return self._state(facts, "kept", "kept_about")

    def _state(self, facts: Facts, digest: str, about: str) -> State:
        state: dict[str, Value] = {}
        for index, name in enumerate(self.files.names):
            found = facts.get(f"{index}.{digest}")
            state[name] = None if found is None else Secret.seen(found)
            if found is not None:
                mode, _, owner = facts[f"{index}.{about}"].partition(" ")
                # In a tree the name with a slash, as directories have it, which no file can be called.
                state[f"{name}/" if self.files.tree else "mode and owner"] = f"{int(mode, 8):04o} {owner}"
        return state

    def actions(self, change: Change) -> Iterator[Action]:
        differing = {name.removesuffix("/") for name in change.differing()}
        args: list[str] = []
        for index, name in enumerate(self.files.names):
            if name in differing or not self.files.tree:
                mode, _, owner = change.facts.get(f"{index}.kept_about", "").partition(" ")
                args += (name, mode, owner)
        more: Variables = {"temp": temporary(self.files.path), "planned_as": change.facts.get("acts", "")}
        more |= {"parents": True, "backup": 0}
        yield Action(f"put back {self.files.path}", self._script("restore_action.sh", more, args))

    def watched(self) -> Script | None:
        return self.watch

    def keep(self, change: Change) -> Script | None:
        return self.files.back_up(change.facts)

    def restored(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> Resource | None:
        return replace(self, place=keep)
