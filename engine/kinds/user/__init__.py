"""user: a user of the host is there, with groups and the keys that may log in, or is not."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from engine.kit import (
    Action,
    Change,
    Facts,
    HostPath,
    InvalidParameter,
    Refused,
    Reversible,
    Script,
    State,
    Variables,
)
from engine.kit.accounts import ACCOUNTS, NAME, need_root
from engine.kit.fields import Schema
from engine.kit.shell import texts
from engine.model import Place, Plain, Resource, Unknown, Value

sh = texts(__file__)
_NAME = {"pattern": NAME}
_KEY = r"(?:^|\s)(AAAA[A-Za-z0-9+/=]+)(?:\s+(\S.*))?$"
KEYS = "authorized_keys"
ACCOUNT = ("uid", "group", "comment", "home", "shell")


class User(Reversible):
    """A user of the host is there, with groups and the keys that may log in, or is not.

    resources:
      docker-group:
        group: { name: docker, system: true }
      deploy:
        user:
          name: deploy
          shell: /bin/bash
          groups: [docker]
          authorized_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHd1bmRlcmJh alice@laptop]
      no-guest:
        user: { name: guest, state: absent }
    """

    name: Annotated[str, "The login name.", _NAME]
    uid: Annotated[
        int | None,
        "The number. Left out: the next one that is free. Where it changes, files outside of the home directory keep "
        "the old one.",
        {"minimum": 0, "maximum": 4294967293},
    ] = None
    group: Annotated[str, "The primary group, which must be there. Left out: one of the user's own name.", _NAME] = ""
    comment: Annotated[str | None, "The full name.", {"pattern": r"^[^:\n]*$"}] = None
    home: Annotated[
        HostPath | None,
        "The home directory. It is made with a new user who is not a system user; where it changes, nothing is "
        "moved.",
        {"pattern": r"^/[^:\n]*$"},
    ] = None
    shell: Annotated[HostPath | None, "The login shell, which must be there.", {"pattern": r"^/[^:\n]*$"}] = None
    groups: Annotated[
        tuple[Annotated[str, Schema(**_NAME)], ...] | None,
        "Further groups, which must be there. Others that the user is in stay, unless append: false.",
    ] = None
    authorized_keys: Annotated[
        tuple[str, ...] | None,
        "Lines of ~/.ssh/authorized_keys. A line with the same key is replaced; other lines stay, unless append: "
        "false. They are written as the user who owns the home directory.",
    ] = None
    append: Annotated[bool, "false: of groups and keys, where they are declared, exactly those and no others."] = True
    system: Annotated[bool, "Whether a new user is a system user: a low number and no home directory."] = False
    remove_home: Annotated[bool, "With state: absent, the home directory and the mail are removed, too."] = False
    state: Annotated[
        Literal["present", "absent"],
        "present: a new user has no password, so only keys let anybody log in. absent: there is no such user; the "
        "home directory stays, unless remove_home.",
    ] = "present"

    account_sh: ClassVar[str] = ACCOUNTS + sh("account.sh")
    keys_sh: ClassVar[str] = ACCOUNTS + sh("keys.sh", "keys_action.sh")
    probe_sh: ClassVar[str] = ACCOUNTS + sh("keys.sh", "probe.sh")

    def check_parameters(self) -> None:
        for key in self.authorized_keys or ():
            if "\n" in key or not re.search(_KEY, key):
                raise InvalidParameter(KEYS, f"`{key[:40]}` is not a line of a public key file (id_ed25519.pub)")
        if self.remove_home and self.state == "present":
            raise InvalidParameter("remove_home", "it goes with state: absent")
        if self.state == "absent" and self.name == "root":
            raise InvalidParameter("name", "root cannot be removed")

    def places(self) -> tuple[Place, ...]:
        return (Place(HostPath("/etc/passwd"), "file", frozenset({f"user {self.name}"})),)

    # --- scripts -----------------------------------------------------------------------------------------------

    def _script(self, text: str, args: Sequence[str], **more: str) -> Script:
        variables: Variables = {**self.variables(), "user": self.name, "keyed": self.authorized_keys is not None}
        return Script(text, {name: value for name, value in {**variables, **more}.items() if name != "name"}, args)

    def probe(self) -> Script:
        """Facts: me; of the user uid, group, comment, home, shell, groups; of what is declared no_group, no_groups,
        no_shell, taken; keys (`1` or `0` for each that is declared), others (how many more lines), acts."""
        groups = " ".join(self.groups or ())
        return self._script(self.probe_sh, self.authorized_keys or (), groups=groups)

    def prior_facts(self, facts: Facts) -> Collection[str]:
        return (*ACCOUNT, "groups", "keys", "others")

    def actions(self, change: Change) -> Iterator[Action]:
        differing = set(change.differing()) - {KEYS}
        if differing or change.facts.get("uid") != change.facts["me"]:
            need_root(change.facts["me"], "users")
        if change.after is None:
            yield Action(f"remove user {self.name}", self._script(self.account_sh, ()))
            return
        if differing:
            # What is declared: which groups there are may be known only after what comes before it.
            more = {"groups": ",".join(self.groups or ()), "grouped": "1" if self.groups is not None else ""}
            verb = "make" if change.before is None else "change"
            yield Action(f"{verb} user {self.name}", self._script(self.account_sh, (), **more))
        if KEYS in change.differing():
            # Who owns the home directory is another one, then.
            moved = not {"uid", "home"}.isdisjoint(differing)
            planned = {"planned_as": change.facts["acts"]} if "acts" in change.facts and not moved else {}
            script = self._script(self.keys_sh, self.authorized_keys or (), owner=self.name, group="", **planned)
            yield Action(f"write the keys of {self.name}", script)

    # --- what was found ----------------------------------------------------------------------------------------

    def actual(self, facts: Facts) -> State | None:
        if "refused" in facts:
            raise Refused(facts["refused"])
        if "uid" not in facts:
            return None
        found: dict[str, Value] = {"user": "present"}
        for name in ACCOUNT:
            found[name] = int(facts[name]) if name == "uid" else facts[name]
        found["groups"] = " ".join(sorted(facts["groups"].split()))
        if self.authorized_keys is not None and self.state == "present":
            there = zip(self.authorized_keys, facts.get("keys", ""), strict=False)
            labels = _labels(key for key, found_it in there if found_it == "1")
            others = 0 if self.append else int(facts.get("others", 0))
            found[KEYS] = ", ".join([*labels, *([f"{others} others"] if others else [])])
        return found

    def desired(self, facts: Facts) -> State | None:
        if self.state == "absent":
            return None
        state: dict[str, Value] = {"user": "present"}
        for name in ACCOUNT:
            declared = getattr(self, name)
            if declared not in (None, ""):
                state[name] = declared
            elif name in facts:
                state[name] = int(facts[name]) if name == "uid" else facts[name]
        found = set(facts.get("groups", "").split())
        if self.groups is not None or "groups" in facts:
            wanted = set(self.groups or ()) - {str(state.get("group", self.name))}
            state["groups"] = " ".join(sorted(wanted | found if self.append or self.groups is None else wanted))
        if self.authorized_keys is not None:
            state[KEYS] = ", ".join(_labels(self.authorized_keys))
        for name, why in self._wrong(facts):
            state[name] = Unknown(why, upstream=True)
        return state

    def _wrong(self, facts: Facts) -> Iterator[tuple[str, str]]:
        """What is declared and cannot be had before something else has changed."""
        if "no_group" in facts:
            yield "group", f"there is no group {self.group} on this host; make it before the user"
        if names := facts.get("no_groups", "").split():
            yield "groups", f"there is no group {', '.join(names)} on this host; make it before the user"
        if "no_shell" in facts:
            yield "shell", f"{self.shell} is not a program on this host; install it before the user"
        if "taken" in facts:
            yield "uid", f"uid {self.uid} belongs to user {facts['taken']}: change either"

    # --- rollback ----------------------------------------------------------------------------------------------

    def restored(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> Resource | None:
        if prior is None:
            return User(name=self.name, state="absent")
        before: dict[str, Any] = {name: prior.get(name) for name in changed if name in ACCOUNT}
        if "groups" in changed:
            before |= {"groups": tuple(str(prior.get("groups") or "").split()), "append": False}
        for name in before.keys() & {"home", "shell"}:
            before[name] = HostPath(before[name])
        return User(name=self.name, **before) if before else None

    def lost(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> str:
        if prior is None:
            return "" if self.system else f"the home directory of {self.name} stays"
        if self.state == "absent":
            return f"{self.name} has no password any more" + (" and no home directory" if self.remove_home else "")
        return f"the keys of {self.name} stay as they are" if KEYS in changed else ""


def _labels(keys: Iterable[str]) -> list[str]:
    """What a plan calls keys: by their comments, else by their ends."""
    found = [re.search(_KEY, key) for key in keys]
    return [match[2] or f"...{match[1][-12:]}" for match in found if match]
