"""directory: a path is a directory of a given mode and owner, and so is all that is below it, if asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from engine.kit import (
    Action,
    Change,
    Facts,
    HostPath,
    InvalidParameter,
    Mode,
    Refused,
    Reversible,
    Script,
    State,
    Variables,
)
from engine.kit.marks import Marks, lacking, may_be_made
from engine.kit.paths import managed, temporary
from engine.kit.shell import texts
from engine.model import Place, Plain, Value

sh = texts(__file__)
MARKS = ("mode", "owner", "group")
AS_DECLARED = "as declared"


class Directory(Reversible):
    """A path is a directory of a given mode and owner, and so is all that is below it, if asked.

    resources:
      data:
        directory: { path: /srv/app/data, owner: app, group: app, mode: "0750", parents: true }
      media:
        directory: { path: /srv/media, owner: "1000", mode: "0755", file_mode: "0644", recursive: true }
    """

    path: Annotated[HostPath, "The directory. A file or a symbolic link there is left as it is."]
    mode: Annotated[Mode, "Permission bits of the directory; with `recursive` also of all below it."] = ""
    owner: Annotated[str, "The owning user, as name or number; with `recursive` also of all below it."] = ""
    group: Annotated[str, "The owning group, likewise."] = ""
    recursive: Annotated[
        bool,
        "Manage what is below it, too: owner and group of everything, `mode` of directories, `file_mode` of files. "
        "Symbolic links are not followed. A directory below it that somebody else can write is not entered: if "
        "something in there differs, the plan refuses and names it.",
    ] = False
    file_mode: Annotated[Mode, "Permission bits of all files below it; needs `recursive`."] = ""
    parents: Annotated[bool, "Make the directories above it where they are missing; owner as of the directory."] = (
        False
    )
    state: Annotated[
        Literal["present", "absent"],
        "absent: the directory is removed if it is empty. To remove it with all it holds, use file-sync with "
        "`state: absent` and `delete: true`.",
    ] = "present"

    attributes = (*MARKS, "below")

    def check_parameters(self) -> None:
        managed(self.path)
        if self.file_mode and not self.recursive:
            raise InvalidParameter("file_mode", "it is about files below the directory: set recursive: true")
        if self.recursive and not (self.mode or self.owner or self.group or self.file_mode):
            raise InvalidParameter("recursive", "nothing is declared of what is below: give owner, group or a mode")
        given = [name for name in (*MARKS, "file_mode", "parents") if getattr(self, name)]
        if self.state == "absent" and given:
            raise InvalidParameter(given[0], f"{given[0]} cannot go with state: absent")

    def variables(self) -> Variables:
        path = managed(self.path)
        more: Variables = {"path": path, "temp": temporary(path), "follow": "", "dir_mode": "", "backup": 0}
        return {**super().variables(), **more}

    def probe(self) -> Script:
        return Script(
            sh("probe_absent.sh") if self.state == "absent" else sh("below.sh", "probe.sh"), self.variables()
        )

    def places(self) -> tuple[Place, ...]:
        kind: Literal["nothing", "directory"] = "nothing" if self.state == "absent" else "directory"
        return (Place(managed(self.path), kind, marks=self._marks.declared()),)

    def curable(self, facts: Facts, pending: Sequence[tuple[Place, ...] | None]) -> bool:
        return may_be_made(facts, pending)

    @property
    def _marks(self) -> Marks:
        return Marks(managed(self.path), self.mode, self.owner, self.group)

    def actual(self, facts: Facts) -> State | None:
        if self.state == "absent" and facts.get("type") == "blocked":
            return None
        if self._marks.check_type(facts, "directory") == "absent":
            return None
        if self.state == "absent":
            if facts.get("filled"):
                raise Refused(
                    f"{self.path} is not empty; it was left as it is: empty it, or use file-sync with delete"
                )
            return {"type": "directory"}
        state: dict[str, Value] = {"type": "directory", **self._marks.found(facts["about"])}
        if self.recursive:
            *first, count = facts["below"].split("\n") if facts.get("below") else ("0",)
            more = ", ..." if int(count) > len(first) else ""
            state["below"] = f"{count} differ: {', '.join(first)}{more}" if first else AS_DECLARED
        return state

    def desired(self, facts: Facts) -> State | None:
        if self.state == "absent":
            return None
        state: dict[str, Value] = {"type": "directory", **self._marks.declared()}
        if self.recursive and facts["type"] == "directory":
            state["below"] = AS_DECLARED
        return state | lacking(facts, self.parents)

    def actions(self, change: Change) -> Iterator[Action]:
        facts = change.facts
        variables = {**self.variables(), "planned_as": facts.get("acts", "")}
        if change.after is None:
            yield Action(f"remove {self.path}", Script(sh("absent.sh"), variables))
            return
        self._marks.check_owner(facts)
        if facts.get("stuck"):
            raise Refused(
                f"{facts['stuck']} in {self.path} cannot be changed safely: it or a directory above it belongs to "
                "somebody else, or others can write there; nothing was changed: set owner and mode of it by hand"
            )
        what = "make directory" if change.before is None else f"set {' and '.join(change.differing())} of"
        yield Action(f"{what} {self.path}", Script(sh("below.sh", "apply.sh"), variables))

    def restored(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> Directory | None:
        if prior is None:
            return Directory(path=self.path, state="absent")
        if self.state == "absent":
            return Directory(path=self.path)
        before: dict[str, Any] = {name: str(prior[name]) for name in MARKS if name in changed}
        return Directory(path=self.path, **before) if before else None

    def lost(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> str:
        if self.state == "absent":
            return "the directory comes back without its owner and mode"
        return f"owner and mode of what is below {self.path} stay as they are" if "below" in changed else ""
