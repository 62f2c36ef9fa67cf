"""command: a program runs where its guard says that there is something to do."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, ClassVar, Self

from engine.kit import (
    Action,
    Change,
    Facts,
    HostPath,
    InvalidParameter,
    Refused,
    Script,
    Secret,
    State,
    Unknown,
    Variables,
    Watchable,
)
from engine.kit.shell import texts
from engine.model import Outside, Plain, Sentence

GUARDS = ("unless", "creates", "removes")
UNSETTABLE = frozenset({"BASHOPTS", "BASH_VERSINFO", "EUID", "PPID", "SHELLOPTS", "UID"})
"""Variables that a shell does not let anybody set."""
_LONGEST = 60

sh = texts(__file__)
Words = str | tuple[str, ...]
_WORDS = {"maxLength": 30000, "minLength": 1, "minItems": 1}


class Command(Watchable):
    """A command runs where its guard says that there is something to do, and the guard holds after it.

    database:
      command:
        run: [createdb, --owner=app, app]
        unless: psql -lqt | grep -q '^ *app '
      become: postgres
    certificate:
      command:
        run: |
          openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=app -keyout key.pem -out new.pem
          mv new.pem cert.pem
        creates: /etc/app/tls/cert.pem
        cwd: /etc/app/tls
    """

    run: Annotated[
        Words,
        "What runs: a list of words, executed as they are, or a text for `/bin/sh -e`. It must be safe to run again "
        "after it was cut off. Exactly one guard is needed beside it: `unless`, `creates` or `removes`. A rollback "
        "does not undo it.",
        _WORDS,
    ]
    unless: Annotated[
        Words | None,
        "The guard: a command, as for `run`, that succeeds where there is nothing to do. It runs in every plan, so "
        "it must change nothing, and take less than 30 seconds; `plan --no-guards` runs none.",
        _WORDS,
    ] = None
    creates: Annotated[HostPath | None, "The guard: a path; there is nothing to do where something is there."] = None
    removes: Annotated[HostPath | None, "The guard: a path; there is nothing to do where nothing is there."] = None
    cwd: Annotated[
        HostPath | None,
        "The directory in which `run` and `unless` run; left out, the home directory. Where it belongs to another "
        "user, root runs them as that user; where others can write a directory of root's, they are refused.",
    ] = None
    env: Annotated[
        Mapping[str, str | Secret],
        "Environment variables of `run` and `unless`.",
        {"secret": True, "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}},
    ] = MappingProxyType({})
    stdin: Annotated[str | Secret | None, "What `run` reads from its standard input; left out, nothing."] = None

    volatile: ClassVar[bool] = True
    asking = True
    watch_sh: ClassVar[str] = sh("command.sh", "watch.sh")

    def check_parameters(self) -> None:
        given = [name for name in GUARDS if getattr(self, name) is not None]
        if len(given) != 1:
            what = " and ".join(given) + " are given" if given else "none is given"
            raise InvalidParameter(
                given[1] if given else "",
                f"a command needs exactly one guard, and {what}: unless (a command that succeeds where there is "
                "nothing to do), creates (a path that it makes) or removes (a path that it removes)",
            )
        for name in UNSETTABLE.intersection(self.env):
            raise InvalidParameter("env", f"`{name}` belongs to the shell, which lets nobody set it")

    def unguarded(self) -> Self:
        """The same, whose guard is not asked in a plan: see `Resource.unguarded`."""
        made = self.replace()
        made.__dict__["asking"] = False
        return made

    @property
    def guard(self) -> str:
        """Which guard it has."""
        return next(name for name in GUARDS if getattr(self, name) is not None)

    def _state(self, met: bool) -> str:
        return {
            "unless": ("fails", "succeeds"),
            "creates": ("absent", "present"),
            "removes": ("present", "absent"),
        }[self.guard][met]

    @property
    def _attribute(self) -> str:
        return "unless" if self.guard == "unless" else str(getattr(self, self.guard))

    # --- scripts -----------------------------------------------------------------------------------------------

    def _script(self, part: str, **more: str | int | bool | Secret) -> Script:
        run, unless = _argv(self.run), _argv(self.unless or ())
        about = json.dumps([run, unless, self.creates, self.removes, self.cwd])
        variables: Variables = {
            "guard": self.guard,
            "guard_path": self.creates or self.removes or "",
            "cwd": self.cwd or "",
            "guard_words": len(unless),
            "run_words": len(run),
            "asking": self.asking,
            "stamp": hashlib.sha256(about.encode("utf-8", "surrogateescape")).hexdigest()[:32],
            **more,
        }
        pairs = [word for pair in self.env.items() for word in pair]
        return Script(sh("command.sh", part), variables, (*unless, *run, *pairs))

    def probe(self) -> Script:
        """Facts: guard (done, due, unknown, unasked), why (the last line it printed), status; as, theirs."""
        return self._script("probe.sh")

    def watched(self) -> Script:
        return self._script("watch.sh")

    def actions(self, change: Change) -> Iterator[Action]:
        more: Variables = {"stdin": self.stdin or "", "fed": self.stdin is not None}
        if "acts" in change.facts:
            more["planned_as"] = change.facts["acts"]
        yield Action(f"run {_shown(self.run)}", self._script("apply.sh", **more))

    # --- what was found ----------------------------------------------------------------------------------------

    def actual(self, facts: Facts) -> State | None:
        if "refused" in facts:
            raise Refused(facts["refused"])
        match facts.get("guard"):
            case "done" | "due" as found:
                return {self._attribute: self._state(found == "done")}
            case "unasked":
                return {self._attribute: Unknown("the guard was not asked: --no-guards")}
            case "unknown":
                return {self._attribute: Unknown(_unknown(facts), upstream=True)}
        return {self._attribute: Unknown(f"directory {facts.get('lacks')} does not exist", upstream=True)}

    def desired(self, facts: Facts) -> State | None:
        state: dict[str, str | Unknown] = {self._attribute: self._state(True)}
        if "lacks" in facts and facts.get("guard") == "due":
            state["directory"] = Unknown(f"directory {facts['lacks']} does not exist", upstream=True)
        return state

    def verb(self, change: Change) -> str:
        return "run"

    def show(self, facts: Facts) -> Mapping[str, str]:
        shown: dict[str, str] = {}
        if facts.get("guard") == "unknown":
            shown["not known yet:"] = _unknown(facts)
        if facts.get("guard") == "unasked":
            shown["guard"] = "not asked"
        if facts.get("as"):
            shown["runs as"] = facts["as"].partition(" ")[2]
        if facts.get("theirs"):
            shown["runs"] = facts["theirs"]
        return shown

    def lost(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> str:
        return "a command ran, and what it did stays; nothing here says how to undo it"


def _argv(words: Words) -> tuple[str, ...]:
    """What is executed. A shell named by its path: `env` may set another PATH."""
    return ("/bin/sh", "-ec", words) if isinstance(words, str) else tuple(words)


def _shown(words: Words) -> str:
    text = words if isinstance(words, str) else shlex.join(words)
    line = next((line.strip() for line in re.split(r"[\r\n]+", text) if line.strip()), "")
    return line if line == text.strip() and len(line) <= _LONGEST else f"{line[:_LONGEST].rstrip()} ..."


def _unknown(facts: Facts) -> str:
    why = facts.get("why", "")
    ended = f"unless could not be asked (exit status {facts['status']})"
    return Sentence(f"{ended}: ", Outside(why)) if why else ended
