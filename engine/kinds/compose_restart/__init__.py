"""compose-restart: a Compose service runs its present configuration and was started with its present content."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from engine.errors import InvalidParameter, Refused
from engine.kinds.compose_restart.look import service_look
from engine.kinds.compose_restart.observe import MARK, PROBE
from engine.kinds.compose_restart.perform import ACT
from engine.kinds.compose_restart.project import PROJECT_PARAMS, project_vars
from engine.kit.watching import nested, nested_looks
from engine.model import (
    CURRENT,
    Action,
    Change,
    Facts,
    HostPath,
    Outside,
    Params,
    Plain,
    Resource,
    Script,
    Secret,
    State,
    Unknown,
    Value,
    Watch,
)

READY_SECONDS = 120
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
_TITLES = {
    "create": "create and start service {}",
    "recreate": "replace the container of service {}",
    "start": "start service {}",
    "restart": "restart service {}",
    "stop": "stop service {}",
    "remove": "stop and remove service {}",
}


@dataclass(frozen=True)
class ComposeRestart(Resource):
    """A service of a Compose project; the fields are the parameters that `params` describes."""

    kind: ClassVar[str] = "compose-restart"
    summary: ClassVar[str] = "A Compose service runs, with its present configuration and what it was given to read."
    example: ClassVar[str] = """\
settings:
  file-sync: { path: /srv/shop/settings.ini, content: "colour = blue" }
shop:
  compose-restart:
    project_dir: /srv/shop
    service: web
    restart_on: [settings]
    ready: { log: "listening on", timeout: 60 }
"""
    params: ClassVar[Params] = {
        **PROJECT_PARAMS,
        "restart_on": {
            "type": "array",
            "items": {"type": "string"},
            "watches": True,
            "description": "Resources whose content the service reads when it starts; it restarts after a change.",
        },
        "state": {
            "enum": ["running", "stopped", "absent"],
            "description": "running (default), stopped (its container may stay), or absent (it has no container).",
        },
        "ready": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "log": {
                    "type": "string",
                    "pattern": "^[^\n]+$",
                    "description": "Ready once it logged a line that matches this extended regular expression.",
                },
                "health": {
                    "type": "boolean",
                    "description": "Ready once its healthcheck passes, if it has one (default); false: do not wait.",
                },
                "timeout": {
                    "type": ["integer", "string"],
                    "pattern": "^[1-9][0-9]*[smh]?$",
                    "minimum": 1,
                    "description": f"How long to wait, as `90`, `90s` or `2m` ({READY_SECONDS} s unless given).",
                },
            },
            "description": "When a started service counts as ready; until then the step waits, and fails in the end.",
        },
    }

    project_dir: HostPath
    service: str
    project_name: str = ""
    files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    client: str = "auto"
    restart_on: tuple[Watch, ...] = ()
    state: str = "running"
    ready: Mapping[str, Any] | None = None

    def probe(self) -> Script:
        return Script(PROBE, self._vars(), shared=self._looks())

    def actual(self, facts: Facts) -> State | None:
        status = facts.get("status", "absent")
        if facts.get("gone") and status != "absent":
            raise Refused(
                f"the container of {self.service} was made by {facts['gone']}, which is not on this host any more; "
                f"{facts['client']} would replace it. Set `client: {facts['client']}` to let it."
            )
        if status == "absent":
            return None
        if self.state != "running":
            return {"service": status}
        late = status == "running" and facts.get("late")
        return {
            "service": "not ready" if late else status,
            "config": facts["config"][:12],
            "image": _short(facts["image"]),
            "container": self._container(facts),
            **{watch.name: facts[f"watch.{n}"] for n, watch in enumerate(self.restart_on)},
        }

    def desired(self, facts: Facts) -> State | None:
        status = facts.get("status", "absent")
        if self.state == "absent" or (self.state == "stopped" and status == "absent"):
            return None
        if self.state == "stopped":
            return {"service": status if status in ("exited", "created", "dead") else "exited"}
        watches: dict[str, Value] = {watch.name: CURRENT for watch in self.restart_on}
        if facts.get("missing"):
            return {"service": "running", "config": Unknown(Outside(facts["missing"]), upstream=True)}
        if status == "absent":
            return {"service": "running", "config": facts["want"][:12], **watches}
        return {
            "service": "running",
            "config": facts["want"][:12],
            "image": _short(facts["want_image"]),
            "container": "new" if self._replaced(facts) else self._container(facts),
            **watches,
        }

    def actions(self, change: Change) -> Iterator[Action]:
        title = _TITLES.get(self.verb(change), "bring up service {}").format(self.service)
        yield Action(title, Script(ACT, self._vars(), shared=self._looks()))

    def verb(self, change: Change) -> str:
        if change.after is None:
            return "remove"
        if self.state == "stopped":
            return "stop"
        if change.before is None:
            return "create"
        if any(change.before.get(name) != change.after.get(name) for name in ("config", "image")):
            return "recreate"
        return "start" if change.before["service"] in ("exited", "created", "dead", "paused") else "restart"

    def watches(self) -> tuple[Watch, ...]:
        return self.restart_on if self.state == "running" else ()

    def mark(self) -> Script | None:
        return Script(MARK, project_vars(self._project())) if self.watches() else None

    def lost(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> str:
        # That it was restarted, or started, leaves nothing to be put back.
        if self.state == "absent":
            return f"the container of service {self.service} was removed; bring it up by hand"
        if self.state == "stopped":
            return f"service {self.service} was stopped; start it by hand"
        if prior is None:
            return f"service {self.service} was created, and stays; remove it by hand"
        if {"config", "image"} & set(changed):
            return f"service {self.service} was made anew, with the configuration or image that its files name now"
        return ""

    def show(self, facts: Facts) -> Mapping[str, str]:
        ill = facts.get("health") in ("unhealthy", "starting")
        return {"health": facts["health"]} if ill else {}

    def _project(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in PROJECT_PARAMS}

    def _vars(self) -> dict[str, str | int | bool | Secret]:
        ready = self.ready or {}
        return {
            **project_vars(self._project()),
            **nested(self.watches()),
            "wanted": self.state,
            "ready_log": ready.get("log", ""),
            "ready_health": bool(ready.get("health", True)),
            "ready_timeout": _seconds(ready.get("timeout", READY_SECONDS)),
        }

    def _looks(self) -> dict[str, Script]:
        return {**service_look(self._project()), **nested_looks(self.watches())}

    def _container(self, facts: Facts) -> str:
        return ",".join(part[:12] for part in facts["ids"].split(","))

    def _replaced(self, facts: Facts) -> bool:
        return facts["config"] != facts["want"] or facts["image"] != facts["want_image"]


def _short(image: str) -> str:
    return image.removeprefix("sha256:")[:12]


def _seconds(duration: int | str) -> int:
    found = re.fullmatch(r"([0-9]+)([smh]?)", str(duration))
    if found is None:
        raise InvalidParameter("ready", f"`{duration}` is no duration; write 90, 90s or 2m")
    return int(found[1]) * _UNITS[found[2]]
