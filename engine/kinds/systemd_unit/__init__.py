"""systemd-unit: a unit of systemd runs or not, starts with the machine or not, and has a given unit file."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from engine.kit import (
    Action,
    Change,
    Facts,
    HostPath,
    InvalidParameter,
    Refused,
    Restarts,
    Reversible,
    Script,
    Secret,
    Source,
    State,
    Variables,
    Watch,
)
from engine.kit.paths import temporary
from engine.kit.shell import texts
from engine.model import CURRENT, Outside, Place, Plain, Resource, Sentence, Tense, Unknown, Value

sh = texts(__file__)
UNIT_FILE = "unit file"
"""The unit's own file among what it restarts on. No resource can have this name."""
_DIRECTORIES = {"system": "/etc/systemd/system", "user": "~/.config/systemd/user"}
_SUFFIX = r"\.(service|socket|timer|path|mount|automount|swap|target|slice)$"
_ENABLED = ("enabled", "alias", "indirect", "generated")
_DISABLED = ("static", "indirect", "generated", "transient", "masked", "masked-runtime", "")


class SystemdUnit(Restarts, Reversible):
    """A unit of systemd runs or not, starts with the machine or not, and has a given unit file.

    resources:
      settings:
        file-sync: { path: /etc/ticker.conf, content: "interval = 5" }
      ticker:
        systemd-unit:
          unit: ticker.service
          content: |
            [Service]
            Type=notify
            ExecStart=/usr/local/bin/ticker --config /etc/ticker.conf
            [Install]
            WantedBy=multi-user.target
          enabled: true
          restart_on: [settings]
      no-apport:
        systemd-unit: { unit: apport.service, state: stopped, masked: true }
    """

    unit: Annotated[
        str, "Its name; without a suffix, it is a service.", {"pattern": r"^[A-Za-z0-9:_.@\\][A-Za-z0-9:_.@\\-]*$"}
    ]
    state: Annotated[
        Literal["running", "stopped", "any", "absent"],
        "running (of a timer or a mount: active), stopped, any (run or not, as what a timer starts), or absent: "
        "it is stopped and disabled, and its file in /etc/systemd/system is removed.",
    ] = "running"
    enabled: Annotated[bool | None, "Whether it starts with the machine. Left out: as it is."] = None
    masked: Annotated[bool | None, "Whether it cannot be started by anything. Left out: as it is."] = None
    content: Annotated[
        str | Secret | None,
        "The unit file. What is written is loaded at once, and the unit restarts if it ran with another one. Beware: "
        "every user of the host may ask systemd for what `Environment=` says.",
    ] = None
    unit_file: Annotated[Source | None, "A file on the controller that is the unit file; never rendered."] = None
    scope: Annotated[
        Literal["system", "user"],
        "system; or user: a unit of the user who acts (see `become`), whose systemd must run (`loginctl "
        "enable-linger`).",
    ] = "system"

    service_sh: ClassVar[str] = sh("service.sh")

    def check_parameters(self) -> None:
        if self.content is not None and self.unit_file is not None:
            raise InvalidParameter("unit_file", "content and unit_file exclude each other: each is the unit file")
        if self.unit_file is not None and (self.unit_file.tree or self.unit_file.files[0].data is None):
            raise InvalidParameter("unit_file", "a unit file is one file of at most 64 kB")
        if self.unit_file is not None and b"\0" in (self.unit_file.files[0].data or b""):
            raise InvalidParameter("unit_file", "it holds a NUL byte, so it is not a unit file")
        if self.masked and (self.state in ("running", "absent") or self.enabled or self._file is not None):
            raise InvalidParameter(
                "masked", "what is masked can neither run, be enabled, nor have a file: state: stopped"
            )
        if self.state == "absent" and (self._file is not None or self.enabled is not None or self.masked is not None):
            raise InvalidParameter("state", "of what is absent, nothing else can be declared")
        if self.restart_on and self.state != "running":
            raise InvalidParameter("restart_on", f"a unit that is to be {self.state} is never restarted")

    @property
    def _name(self) -> str:
        return self.unit if re.search(_SUFFIX, self.unit) else f"{self.unit}.service"

    @property
    def _file(self) -> str | Secret | None:
        if self.unit_file is not None:
            return (self.unit_file.files[0].data or b"").decode("utf-8", "surrogateescape")
        return self.content

    @property
    def _path(self) -> HostPath:
        return HostPath(posixpath.join(_DIRECTORIES[self.scope], self._name))

    def variables(self) -> Variables:
        return {
            "unit": self._name,
            "user_scope": self.scope == "user",
            "enabled": "" if self.enabled is None else "yes" if self.enabled else "no",
            "masked": "" if self.masked is None else "yes" if self.masked else "no",
            "own_file": self._file is not None,
            "path": self._path,
            # What files.sh wants to know of the unit file.
            **dict.fromkeys(("mode", "owner", "group", "dir_mode", "follow"), ""),
        }

    def title(self) -> str:
        return self._name

    def places(self) -> tuple[Place, ...]:
        if self.state == "absent":
            return (Place(self._path, "nothing"),)
        return (Place(self._path, "file", whole=True),) if self._file is not None else ()

    # --- what was found ----------------------------------------------------------------------------------------

    def watches(self) -> tuple[Watch, ...]:
        own = Watch(UNIT_FILE, Script(sh("watch.sh"), self.variables()))
        more = (own,) if self.state == "running" and self._file is not None else ()
        return (*super().watches(), *more)

    def probe(self) -> Script:
        watches = self.watches()
        found = self._script("unit_probe", watches, self.shared())
        return Script(found.text + sh("file.sh"), found.vars, found.args, found.shared)

    def actual(self, facts: Facts) -> State | None:
        if facts.get("refused"):
            raise Refused(facts["refused"])
        if facts.get("file") not in (None, "absent", "file"):
            raise Refused(f"{self._path} is in the way: it is not a regular file; it was left as it is: move it away")
        status = facts.get("status", "absent")
        if self.state == "absent":
            return self._removable(facts, status)
        if facts.get("missing") or (status == "absent" and facts.get("file") != "file"):
            return None
        found: dict[str, Value] = {} if self.state == "any" else {"service": status}
        if self._file is not None:
            found["content"] = self._shown(facts.get("sum"))
            found["loaded"] = "not its present file" if facts.get("reload") else CURRENT
        if self.enabled is not None:
            found["enabled"] = self._enabled(facts)
        if self.masked is not None:
            found["masked"] = facts.get("enabled", "").startswith("masked")
        for number, watch in enumerate(self.watches()):
            found[watch.name] = facts.get(f"watch.{number}", CURRENT)
        if UNIT_FILE in found and self._content_differs(facts):
            found[UNIT_FILE] = Tense.WILL_CHANGE
        return found

    def desired(self, facts: Facts) -> State | None:
        if self.state == "absent":
            return None
        if facts.get("missing"):
            return {"service": Unknown(Outside(facts["missing"]), upstream=True)}
        status = facts.get("status", "absent")
        idle = status if status in ("dead", "failed") else "dead"
        wanted: dict[str, Value] = {} if self.state == "any" else {"service": idle}
        if self.state == "running":
            wanted["service"] = "running"
        if self._file is not None:
            wanted |= {"content": self._shown(self._sum), "loaded": CURRENT}
        if self.enabled is not None:
            wanted["enabled"] = "enabled" if self.enabled else "disabled"
        if self.masked is not None:
            wanted["masked"] = self.masked
        return {**wanted, **{watch.name: CURRENT for watch in self.watches()}}

    @property
    def _sum(self) -> str:
        text = self._file or ""
        return (
            text.digest
            if isinstance(text, Secret)
            else hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
        )

    def _shown(self, digest: str | None) -> Value:
        if digest is None:
            return None
        return Secret.seen(digest) if isinstance(self._file, Secret) else f"sha256:{digest[:12]}"

    def _content_differs(self, facts: Facts) -> bool:
        return self._file is not None and facts.get("sum") != self._sum

    def _enabled(self, facts: Facts) -> str:
        found = facts.get("enabled", "")
        if self.enabled and found == "static" and not self._content_differs(facts):
            raise Refused(f"{self._name} cannot be enabled: its unit file has no [Install] section that says by what")
        if found in (_ENABLED if self.enabled else _DISABLED):
            return "enabled" if self.enabled else "disabled"
        return found or "disabled"

    def _removable(self, facts: Facts, status: str) -> State | None:
        fragment = facts.get("fragment", "")
        if fragment and facts.get("file") != "file":
            raise Refused(
                Sentence(
                    f"the file of {self._name} is not below {posixpath.dirname(self._path)}, but ",
                    Outside(fragment),
                    "; it was left as it is: remove its package, or use state: stopped and masked: true",
                )
            )
        if status == "absent" and facts.get("file") != "file":
            return None
        return {"service": status, "file": facts.get("file", "absent")}

    def texts(self, facts: Facts) -> Mapping[str, tuple[str, str]]:
        file = self._file
        return {"content": (facts["text"], file)} if isinstance(file, str) and "text" in facts else {}

    # --- what is done ------------------------------------------------------------------------------------------

    def verb(self, change: Change) -> str:
        names = set(change.differing())
        if change.after is None:
            return "remove"
        if change.before is None:
            return "create"
        if self.state == "running" and names - {"enabled", "masked", "loaded"}:
            return "start" if change.before["service"] in ("dead", "failed") else "restart"
        return "stop" if "service" in names else "change"

    def actions(self, change: Change) -> Iterator[Action]:
        if change.after is None:
            yield Action(f"stop and disable {self._name}", self._script("unit_remove"))
            more: Variables = {"planned_as": change.facts.get("acts", "")}
            yield Action(f"remove {self._path}", Script(sh("remove.sh"), {**self.variables(), **more}))
            yield Action("have systemd forget it", self._script("unit_forget"))
            return
        if self._content_differs(change.facts):
            if mark := self.mark():
                # Who runs now may have to be restarted for it, whatever comes in between.
                yield Action(f"note who runs as {self._name}", mark)
            yield Action(f"write {self._path}", self._write(change.facts))
        words = {"start": "start", "restart": "restart", "stop": "stop", "create": "bring up"}
        yield Action(
            f"{words.get(self.verb(change), 'set')} {self._name}", self._script("unit_apply", self.watches())
        )

    def _write(self, facts: Facts) -> Script:
        secret = isinstance(self._file, Secret)
        more: Variables = {
            "content": self._file or "",
            "planned_as": facts.get("acts", ""),
            "temp": temporary(self._path),
            "parents": True,
            "backup": 0,
            "fresh": "600" if secret else "644",
        }
        return Script(sh("write.sh"), {**self.variables(), **more})

    # --- taken back --------------------------------------------------------------------------------------------

    def restored(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> Resource | None:
        if prior is None:
            return SystemdUnit(unit=self.unit, scope=self.scope, state="absent") if self._file is not None else None
        before: dict[str, Any] = {"state": "any"}
        if "service" in changed and self.state != "absent":
            before["state"] = "running" if prior.get("service") == "running" else "stopped"
        if "enabled" in changed:
            before["enabled"] = prior.get("enabled") == "enabled"
        if "masked" in changed:
            before["masked"] = bool(prior.get("masked"))
        return (
            SystemdUnit(unit=self.unit, scope=self.scope, **before)
            if len(before) > 1 or before["state"] != "any"
            else None
        )

    def lost(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> str:
        if self.state == "absent":
            return f"the file of {self._name} was removed, and it was stopped and disabled; set it up by hand"
        if prior is None and self._file is None:
            return f"what was done to {self._name} stays as it is"
        if "content" in changed and prior is not None:
            return f"the former content of {self._path} was not kept; the unit runs with the present one"
        return ""
