"""compose-restart: a Compose service runs its present configuration and was started with its present content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from engine.kinds.compose_restart.look import COMPOSE, service_look
from engine.kinds.compose_restart.project import PROJECT_PARAMS, ComposeService, project_vars
from engine.kit import Facts, HostPath, Restarts, Script, State, Variables
from engine.kit.duration import DURATION, seconds
from engine.kit.shell import texts
from engine.model import Plain

READY_SECONDS = 120


class ComposeRestart(Restarts, ComposeService):
    """A Compose service is running with its current configuration and current input files.

    settings:
      file-sync: { path: /srv/shop/settings.ini, content: "colour = blue" }
    shop:
      compose-restart:
        project_dir: /srv/shop
        service: web
        restart_on: [settings]
        ready: { log: "listening on", timeout: 60 }
    """

    state: Annotated[
        Literal["running", "stopped", "absent"],
        "running, stopped (its container may stay), or absent (it has no container).",
    ] = "running"
    ready: Annotated[
        Mapping[str, Any] | None,
        "When a started service counts as ready; until then the step waits, and fails in the end.",
        {
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
                    **DURATION,
                    "description": f"How long to wait, as `90`, `90s` or `2m` ({READY_SECONDS} s unless given).",
                },
            },
        },
    ] = None

    service_sh: ClassVar[str] = COMPOSE + texts(__file__)("ready.sh", "mounts.sh", "service.sh")
    remade: ClassVar[tuple[str, ...]] = ("config", "image")

    def actual(self, facts: Facts) -> State | None:
        found = super().actual(facts)
        if found is None or self.state != "running":
            return found
        about = {"config": facts["config"][:12], "image": _short(facts["image"]), "container": self._container(facts)}
        if facts.get("behind"):
            about["mounts"] = f"{facts['behind'].replace(',', ', ')} replaced since its start"
        return {"service": found["service"], **about, **found}

    def desired(self, facts: Facts) -> State | None:
        wanted = super().desired(facts)
        if wanted is None or self.state != "running":
            return wanted
        if facts.get("missing"):
            return {"service": "running", "config": wanted["service"]}
        about = {"config": facts["want"][:12]}
        if facts.get("behind"):
            about["mounts"] = "as on the host"
        if facts.get("status", "absent") != "absent":
            remade = facts["config"] != facts["want"] or facts["image"] != facts["want_image"]
            about |= {
                "image": _short(facts["want_image"]),
                "container": "new" if remade else self._container(facts),
            }
        return {"service": "running", **about, **wanted}

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
        return {**({"health": facts["health"]} if ill else {}), **super().show(facts)}

    def title(self) -> str:
        return f"service {self.service}"

    def variables(self) -> Variables:
        ready = self.ready or {}
        return {
            **project_vars(self._project()),
            "ready_log": ready.get("log", ""),
            "ready_health": bool(ready.get("health", True)),
            "ready_timeout": int(seconds(str(ready.get("timeout", READY_SECONDS)))),
        }

    def shared(self) -> Mapping[str, Script]:
        return service_look(self._project())

    def _project(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in PROJECT_PARAMS}

    def _container(self, facts: Facts) -> str:
        return ",".join(part[:12] for part in facts["ids"].split(","))


def _short(image: str) -> str:
    return image.removeprefix("sha256:")[:12]
