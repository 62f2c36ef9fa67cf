"""Mode, owner and group of what is at a path: as declared, as found, and who cannot have them so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import Refused
from engine.kit.inspected import About, check_owner
from engine.kit.paths import within
from engine.model import Facts, HostPath, Place, Unknown, Value

_OBSTACLES = {
    "file": "it is a file",
    "directory": "it is a directory",
    "link": "it is a symbolic link; name what it leads to",
    "other": "it is neither a file nor a directory",
}


@dataclass(frozen=True)
class Marks:
    """What is declared of a path beside its content; empty text: nothing. Its facts are those that the probe reports
    with `report_path`, and `about` of `describe_path`."""

    path: HostPath
    mode: str = ""
    owner: str = ""
    group: str = ""

    def found(self, about: str) -> dict[str, Value]:
        """What of it is on the host, out of `MODE UID GID SIZE USER/GROUP`. A name that is declared as a number, or
        that there is none of, is shown as a number."""
        found = About.parse(about)
        owner, group = found.owners(self.owner, self.group)
        state: dict[str, Value] = {"mode": f"{found.mode:04o}", "owner": owner, "group": group}
        return {name: value for name, value in state.items() if name in self.declared()}

    def declared(self) -> dict[str, str]:
        """The same as declared."""
        marks = {"mode": f"{int(self.mode, 8):04o}" if self.mode else "", "owner": self.owner, "group": self.group}
        return {name: value for name, value in marks.items() if value}

    def check_type(self, facts: Facts, allowed: str) -> str:
        """What is there: `allowed`, or `absent`. Raises Refused where it is anything else, or out of bounds."""
        if facts.get("refused"):
            raise Refused(facts["refused"])
        found = facts["type"]
        if found == "blocked":
            above = f"{facts['above']} is in the way of {self.path}"
            raise Refused(f"{above}: it is not a directory; it was left as it is")
        if found not in ("absent", allowed):
            raise Refused(f"{self.path} is in the way: {_OBSTACLES[found]}; it was left as it is: move it away")
        return found

    def check_owner(self, facts: Facts) -> None:
        """Raise Refused where the owner of the directory acts there, and so cannot give it to whom it is for."""
        check_owner(self.path, facts, self.owner, ())


def lacking(facts: Facts, parents: bool) -> dict[str, Value]:
    """The attribute `directory` where the one above is missing, and only what comes before it makes it."""
    if "lacks" not in facts or parents:
        return {}
    reason = f"directory {facts['lacks']} does not exist; make it, or set parents: true"
    return {"directory": Unknown(reason, upstream=True)}


def may_be_made(facts: Facts, pending: Sequence[tuple[Place, ...] | None]) -> bool:
    """Whether a user or group that `known_owners` did not find can be made by what is pending: `Resource.curable`."""
    if "nobody" not in facts:
        return True
    return any(places is None or any(within(place.path, "/etc") for place in places) for places in pending)
