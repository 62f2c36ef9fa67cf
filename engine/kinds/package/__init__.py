"""package: packages of the system's own package manager are there, or are not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Literal

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
    Unknown,
    Variables,
    Watchable,
)
from engine.kit.duration import DURATION, seconds
from engine.kit.fields import Schema
from engine.kit.shell import texts
from engine.model import Outside, Place, Plain, Resource, Sentence, Value

sh = texts(__file__)
_MANAGERS = ("common.sh", "apt.sh", "dnf.sh", "apk.sh", "pacman.sh")
_NAME = "^[A-Za-z0-9]([A-Za-z0-9.+:_-]*[A-Za-z0-9.+_])?$"
LATER = "known after the index is refreshed"
ALONG, GONE = "also installs", "also removes"
"""Attributes beside those that are called as the packages."""


class Package(Watchable, Reversible):
    """Packages are installed or not, by the host's own manager: apt, dnf, apk or pacman.

    tools:
      package: { name: [curl, git, jq], refresh: 24h }
    nginx:
      package: { name: nginx, version: 1.22.1-9+deb12u3 }
    no-telnet:
      package: { name: telnet, state: absent }
    """

    name: Annotated[
        Annotated[str, Schema(pattern=_NAME)] | tuple[Annotated[str, Schema(pattern=_NAME)], ...],
        "The package, or a list of packages that are installed or removed in one transaction. apt, dnf and pacman "
        "are tested against real repositories, apk with recorded answers alone.",
        {"minItems": 1},
    ]
    state: Annotated[
        Literal["present", "latest", "absent"],
        "present: some version is installed; latest: the newest one in the index that the plan used; absent: none "
        "is. What an apply installs or removes is what its plan shows, and nothing where that no longer holds.",
    ] = "present"
    version: Annotated[
        str,
        "The exact version of one package, as the manager writes it; an older one replaces a newer one. An index of "
        "pacman holds one version of each package.",
        {"pattern": "^[A-Za-z0-9][A-Za-z0-9.+:~^_-]*$"},
    ] = ""
    refresh: Annotated[
        str | int,
        "The age from which the manager's index is refreshed before something is installed, such as 24h. Left out: "
        "only where there is no index. A plan refreshes nothing, but dnf writes its log. Arch does not support a "
        "refresh without an upgrade of everything.",
        DURATION,
    ] = 0

    watch_sh: ClassVar[str] = sh(*_MANAGERS, "watch.sh")

    def check_parameters(self) -> None:
        if self.version and (len(self.names) > 1 or self.state != "present"):
            raise InvalidParameter("version", "a version goes with one package that is present")

    @property
    def names(self) -> tuple[str, ...]:
        """The names, each once."""
        return (self.name,) if isinstance(self.name, str) else tuple(dict.fromkeys(self.name))

    # --- scripts -----------------------------------------------------------------------------------------------

    def _script(self, part: str, names: Sequence[str], **more: str | bool) -> Script:
        variables: Variables = {"state": self.state, "version": self.version, "refresh": int(seconds(self.refresh))}
        return Script(sh(*_MANAGERS, part), {**variables, **more}, names)

    def probe(self) -> Script:
        """Facts: manager, installed (`NAME VERSION` a line), needed (names), user, age of the index in seconds, and
        where something is needed: unfinished, stale, or lines (`+ NAME VERSION`, `- NAME`) or why not, offered.N."""
        return self._script("probe.sh", self.names)

    def watched(self) -> Script:
        return Script(self.watch_sh, {}, self.names)

    def places(self) -> tuple[Place, ...]:
        return ()

    def actions(self, change: Change) -> Iterator[Action]:
        facts = change.facts
        needed = facts["needed"].split()
        fresh = any(isinstance(value, Unknown) for value in (change.after or {}).values())
        planned = _planned(facts)
        words = ", ".join(f"{name} {planned[name]}" if planned.get(name) else name for name in needed)
        title = f"remove {words}" if self.state == "absent" else f"install {words}"
        more: dict[str, str | bool] = {"fresh": fresh, "agreed": facts.get("lines", "")}
        yield Action(f"refresh the index and {title}" if fresh else title, self._script("apply.sh", needed, **more))

    # --- what was found ----------------------------------------------------------------------------------------

    def actual(self, facts: Facts) -> State | None:
        if facts["needed"]:
            self._refuse(facts, facts["needed"].split())
        installed = _installed(facts)
        found: dict[str, Value] = {name: installed.get(name) for name in self.names}
        if gone := self._others(facts, "-"):
            found[GONE] = gone
        return found if any(found.values()) else None

    def desired(self, facts: Facts) -> State | None:
        if self.state == "absent":
            return {name: Unknown(why, upstream=True) for name in self.names} if (why := self._wrong(facts)) else None
        installed, planned = _installed(facts), _planned(facts)
        state: dict[str, Value] = {**installed, **{name: planned[name] for name in self.names if name in planned}}
        for name in facts["needed"].split():
            if "stale" in facts:
                state[name] = Unknown(LATER)
            elif why := self._wrong(facts) or self._missing(facts, name, planned, installed):
                state[name] = Unknown(why, upstream=True)
        wanted = {name: state.get(name) for name in self.names}
        return wanted | ({ALONG: along} if (along := self._others(facts, "+")) else {})

    def _others(self, facts: Facts, sign: str) -> str:
        """What else the transaction installs or removes."""
        return ", ".join(line[2:] for line in _lines(facts, sign) if line.split()[1] not in self.names)

    def show(self, facts: Facts) -> Mapping[str, str]:
        if not facts.get("needed") or self.state == "absent":
            return {}
        shown = {"index": f"{_age(facts['age'])} old" if facts["age"] else "missing"}
        return shown | ({"version": LATER} if "stale" in facts else {})

    def _refuse(self, facts: Facts, needed: Sequence[str]) -> None:
        """Raises Refused where an apply could not do it, or must not."""
        if unfinished := facts.get("unfinished", "").split():
            raise Refused(
                f"packages are half-configured: {', '.join(unfinished)}; nothing is changed before they are whole. "
                "Run dpkg --configure -a on the host, and apt-get --fix-broken install where that does not do"
            )
        held = [line.split()[0] for line in facts["installed"].splitlines() if line.endswith(" held")]
        if stuck := [name for name in needed if name in held and (name in _planned(facts) or self.state == "absent")]:
            raise Refused(
                f"{', '.join(stuck)} {'is' if len(stuck) == 1 else 'are'} held at the version installed; nothing was "
                "changed: release it (apt-mark unhold, IgnorePkg of pacman), or declare the version that is there"
            )
        if self.state != "absent" and (gone := [line[2:] for line in _lines(facts, "-")]):
            raise Refused(
                f"to install {', '.join(needed)} would remove {', '.join(gone)}; nothing was changed: declare those "
                "absent before it, if they may go"
            )
        nothing_to_do = self.state == "latest" and "lines" in facts and not facts["lines"] and not facts.get("why")
        if facts["user"] != "0" and not nothing_to_do:
            raise Refused("only root changes packages: set become: true here, or ansible_become for the host")

    def _wrong(self, facts: Facts) -> str:
        """Why the transaction cannot be done; empty where it can."""
        if not (why := facts.get("why", "")):
            return ""
        for pattern in _UNKNOWN:
            if found := re.search(pattern, why, re.MULTILINE):
                name = found[1].removesuffix(f"-{self.version}") if self.version else found[1]
                return self._not_offered(facts, name)
        lines = [line.strip() for line in why.splitlines() if line.strip()]
        return Sentence(f"{facts['manager']} cannot do it: ", Outside("; ".join(lines[-3:])))

    def _missing(self, facts: Facts, name: str, planned: Mapping[str, str], installed: Mapping[str, str]) -> str:
        if name not in planned:
            return "" if self.state == "latest" and name in installed else self._not_offered(facts, name)
        return self._not_offered(facts, name) if self.version and planned[name] != self.version else ""

    def _not_offered(self, facts: Facts, name: str) -> str:
        index = f"the index, which is {_age(facts['age'])} old" if facts["age"] else "the index"
        place = self.names.index(name) if name in self.names else -1
        offered = [_planned(facts).get(name, ""), *facts.get(f"offered.{place}", "").split()]
        offered = [version for version in dict.fromkeys(offered) if version]
        advice = "" if self.refresh else "; `refresh: 24h` refreshes an older one first"
        if self.version and offered:
            return f"version {self.version} of {name} is not in {index}; it has {', '.join(offered)}{advice}"
        return f"there is no package {name} in {index}{advice}"

    # --- rollback ----------------------------------------------------------------------------------------------

    def restored(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> Resource | None:
        before = {name: (prior or {}).get(name) for name in (changed or self.names) if name in self.names}
        if not any(before.values()):
            return Package(name=tuple(before), state="absent")
        if len(before) == 1:
            ((name, version),) = before.items()
            return Package(name=name, version=str(version))
        return None

    def lost(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> str:
        if gone := (prior or {}).get(GONE):
            return f"{gone} was removed with it, and does not come back"
        if ALONG in changed:
            return "what was installed along with it stays"
        if self.restored(prior, changed, keep) is not None:
            return ""
        return "several packages had versions of their own before; declare each with its version"


_UNKNOWN = (
    r"^E: Unable to locate package (\S+)",
    r"^E: Version '[^']*' for '([^']*)' was not found",
    r"^E: Package '([^']*)' has no installation candidate",
    r"^No match for argument: (\S+)",
    r"^error: target not found: (\S+)",
    r"^ +(\S+) \(no such package\):",
)
"""How the managers say that they know no such package or version."""


def _lines(facts: Facts, sign: str) -> list[str]:
    return [line for line in facts.get("lines", "").splitlines() if line.startswith(sign)]


def _planned(facts: Facts) -> dict[str, str]:
    """Name → the version that would be installed."""
    return {words[1]: words[2] for words in map(str.split, _lines(facts, "+"))}


def _installed(facts: Facts) -> dict[str, str]:
    """Name → the version that is."""
    return {words[0]: words[1] for words in map(str.split, facts["installed"].splitlines())}


def _age(age: str) -> str:
    for number, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if int(age) >= 2 * number:
            return f"{int(age) // number} {unit}"
    return f"{age} s"
