"""What file-sync manages where it does not manage content: mode and owner alone, a directory, or absence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import Refused
from engine.kinds.file_sync import scripts
from engine.kinds.file_sync.target import Target
from engine.model import Action, Change, Facts, Script, State, Unknown, Value


@dataclass(frozen=True)
class AttributesOnly:
    """What is at the path, whatever it contains, has this mode and owner; or it is a `directory`."""

    target: Target
    directory: bool = False

    def probe(self) -> Script:
        return Script(scripts.PLAIN_PROBE, self.target.probe_vars())

    def actual(self, facts: Facts) -> State | None:
        allowed = ("directory",) if self.directory else ("file", "directory")
        if not self.target.there(facts, allowed):
            return None
        return self._type() | self.target.actual(facts)

    def desired(self, facts: Facts) -> State:
        wanted = self._type() | self.target.desired()
        if self.directory or facts.get("type") != "absent":
            return wanted | self.target.lacking(facts)
        nothing = f"there is nothing at {self.target.path}, and nothing is declared that it should contain"
        return wanted | {"content": Unknown(nothing, upstream=True)}

    def _type(self) -> dict[str, Value]:
        return {"type": "directory"} if self.directory else {}

    def actions(self, change: Change) -> Iterator[Action]:
        if self.directory and change.before is None:
            variables = self.target.write_vars(change.facts, "") | {"directory": True}
            yield Action(f"make directory {self.target.path}", Script(scripts.PLAIN_ACTION, variables))
        else:
            yield self.target.mark(change, self.directory)

    def watched(self) -> Script:
        return Script(scripts.PLAIN_WATCH, self.target.probe_vars())


@dataclass(frozen=True)
class Absent:
    """Nothing is at the path. A directory that holds something is only removed where `delete` is set."""

    target: Target
    delete: bool = False

    def probe(self) -> Script:
        return Script(scripts.ABSENT_PROBE, self.target.probe_vars())

    def actual(self, facts: Facts) -> State | None:
        if facts.get("refused"):
            raise Refused(facts["refused"])
        if facts["type"] in ("absent", "blocked"):
            return None
        if facts.get("filled") and not self.delete:
            raise Refused(
                f"{self.target.path} is a directory that is not empty; it was left as it is: set delete: true to "
                "remove it with all it holds"
            )
        return {"type": facts["type"]}

    def desired(self, facts: Facts) -> None:
        return None

    def actions(self, change: Change) -> Iterator[Action]:
        variables = self.target.write_vars(change.facts, "") | {"delete": self.delete}
        yield Action(f"remove {self.target.path}", Script(scripts.ABSENT_ACTION, variables))

    def watched(self) -> Script:
        return Script(scripts.PLAIN_WATCH, self.target.probe_vars())
