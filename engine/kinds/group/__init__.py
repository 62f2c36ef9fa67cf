"""group: a group of the host's users is there, or is not."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Annotated, ClassVar, Literal

from engine.kit import Action, Change, Facts, HostPath, Refused, Reversible, State
from engine.kit.accounts import ACCOUNTS, NAME, need_root
from engine.kit.shell import texts
from engine.model import Place, Unknown, Value

sh = texts(__file__)


class Group(Reversible):
    """A group is there, with a given number, or is not.

    resources:
      media:
        group: { name: media, gid: 2000 }
      no-games:
        group: { name: games, state: absent }
    """

    name: Annotated[str, "Its name.", {"pattern": NAME}]
    gid: Annotated[
        int | None,
        "Its number. Left out: the next one that is free. Where it changes, files keep the old number.",
        {"minimum": 0, "maximum": 4294967293},
    ] = None
    system: Annotated[bool, "Whether a new group gets a number from the range of system groups."] = False
    state: Annotated[
        Literal["present", "absent"], "absent: there is no such group. Files that belong to it keep its number."
    ] = "present"

    probe_sh: ClassVar[str] = ACCOUNTS + sh("probe.sh")
    apply_sh: ClassVar[str] = ACCOUNTS + sh("apply.sh")

    def places(self) -> tuple[Place, ...]:
        return (Place(HostPath("/etc/group"), "file", frozenset({f"group {self.name}"})),)

    def actual(self, facts: Facts) -> State | None:
        return {"group": "present", "gid": int(facts["gid"])} if "gid" in facts else None

    def desired(self, facts: Facts) -> State | None:
        if self.state == "absent":
            return None
        state: dict[str, Value] = {"group": "present"}
        if self.gid is not None:
            state["gid"] = Unknown(taken, upstream=True) if (taken := self._taken(facts)) else self.gid
        elif "gid" in facts:
            state["gid"] = int(facts["gid"])
        return state

    def _taken(self, facts: Facts) -> str:
        return f"gid {self.gid} belongs to group {facts['taken']}: change either" if "taken" in facts else ""

    def prior_facts(self, facts: Facts) -> Collection[str]:
        return ("gid",)

    def actions(self, change: Change) -> Iterator[Action]:
        if change.after is None and (users := change.facts.get("primary", "").split()):
            raise Refused(
                f"{self.name} is the primary group of {', '.join(users)}; it was left as it is: remove "
                "those users, or give them another group first"
            )
        need_root(change.facts["me"], "groups")
        yield from super().actions(change)
