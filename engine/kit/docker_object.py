"""What Docker makes by name and cannot change afterwards: networks and volumes."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from engine.errors import Refused
from engine.kit.kind import Kind, Variables
from engine.kit.shell import texts
from engine.model import Action, Change, Facts, Place, Script, State, Value

sh = texts(__file__)
INSPECT = sh("docker_object.sh")
"""Shell functions that ask docker; the file says what they do."""


class DockerObject(Kind):
    """The base of such a kind: it is made as declared, compared with that, and removed where nothing uses it.

    noun      what docker calls it
    default   the driver that docker takes by itself
    """

    name: Annotated[str, "Its name.", {"pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]*$"}]
    driver: Annotated[str, "The driver. Left out: docker's own for a new one, else any.", {"minLength": 1}] = ""
    options: Annotated[Mapping[str, str], "Options of the driver. Further ones of what is there may be any."] = (
        MappingProxyType({})
    )
    labels: Annotated[Mapping[str, str], "Labels. Further ones of what is there may be any."] = MappingProxyType({})
    state: Annotated[Literal["present", "absent"], "absent: there is none. What a container uses stays."] = "present"

    noun: ClassVar[str]
    default: ClassVar[str]
    template: ClassVar[str] = (
        '{"Name":{{json .Name}},"Driver":{{json .Driver}},"Options":{{json .Options}},"Labels":{{json .Labels}}}'
    )

    probe_sh: ClassVar[str] = INSPECT + sh("docker_probe.sh")
    apply_sh: ClassVar[str] = INSPECT + sh("docker_action.sh")

    def variables(self) -> Variables:
        return {
            "name": self.name,
            "noun": self.noun,
            "state": self.state,
            "template": self.template,
            "removes": False,
        }

    def places(self) -> tuple[Place, ...]:
        return ()

    def prior_facts(self, facts: Facts) -> Collection[str]:
        return ("found",)

    # --- what was found ----------------------------------------------------------------------------------------

    def found(self, facts: Facts) -> Mapping[str, Any] | None:
        """What docker reported; None where there is none."""
        found: dict[str, Any] | None = json.loads(facts["found"]) if "found" in facts else None
        # docker also finds a network by the beginning of its number.
        return found if found and found["Name"] == self.name else None

    def more(self, found: Mapping[str, Any] | None) -> dict[str, tuple[Value, Value]]:
        """Further attributes, as found and as declared."""
        return {}

    def actual(self, facts: Facts) -> State | None:
        if (found := self.found(facts)) is None:
            return None
        state: dict[str, Value] = {"driver": found["Driver"]}
        state |= {name: value for name, (value, _) in self.more(found).items()}
        for key, what, declared in (("Options", "option", self.options), ("Labels", "label", self.labels)):
            there = found[key] or {}
            names = there if self.state == "absent" else declared
            state |= {f"{what} {name}": there.get(name) for name in names}
        return state

    def desired(self, facts: Facts) -> State | None:
        if self.state == "absent":
            return None
        found = self.found(facts)
        state: dict[str, Value] = {"driver": self.driver or (found["Driver"] if found else self.default)}
        state |= {name: value for name, (_, value) in self.more(found).items()}
        state |= {f"option {name}": value for name, value in self.options.items()}
        return state | {f"label {name}": value for name, value in self.labels.items()}

    # --- changes -----------------------------------------------------------------------------------------------

    def change_in_place(self, differing: str, users: str) -> None:
        """Raise Refused where what is there cannot be replaced by another one."""
        raise NotImplementedError

    def flags(self) -> list[str]:
        """The options of docker that say what else it is to be."""
        return []

    def actions(self, change: Change) -> Iterator[Action]:
        users = ", ".join(change.facts.get("users", "").split())
        if change.before is not None and change.after is not None:
            self.change_in_place(", ".join(change.differing()), users)
        elif users:
            raise Refused(f"{self.noun} {self.name} is in use by {users}; it was left as it is: remove those first")
        after, there = change.after or {}, self.found(change.facts) or {}
        words = ["--driver", str(after.get("driver", "")), *self.flags()]
        # What is replaced keeps what is not declared.
        for flag, declared, key in (("--opt", self.options, "Options"), ("--label", self.labels, "Labels")):
            for name, value in {**(there.get(key) or {}), **declared}.items():
                words += [flag, f"{name}={value}"]
        verb = "remove" if change.after is None else "make" if change.before is None else "recreate"
        variables = {**self.variables(), "removes": change.before is not None}
        yield Action(f"{verb} {self.noun} {self.name}", Script(self.apply_sh, variables, words))

    def verb(self, change: Change) -> str:
        return "recreate" if change.before is not None and change.after is not None else super().verb(change)
