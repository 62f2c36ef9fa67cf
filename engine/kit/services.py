"""Services: a kind whose resource is started, and restarted after a change of what it was started with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from engine.errors import Refused
from engine.kit.curl import CURL, Text, address, check_line, configuration, header, join, option
from engine.kit.duration import DURATION, seconds
from engine.kit.kind import Kind, Variables, beside, derived
from engine.kit.shell import pins, texts
from engine.model import (
    CURRENT,
    REQUEST,
    Action,
    Change,
    Facts,
    Outside,
    Script,
    ScriptText,
    State,
    Unknown,
    Watch,
)

SERVICES = texts(__file__)("services.sh") + CURL + texts(__file__)("idle.sh")
"""What every service's scripts begin with; the head of services.sh says which functions a kind defines after it."""
AWAITED = texts(__file__)("awaited.sh")
"""For the probe of a check that waits: `awaited_ended`, whether a service that it is behind has ended."""
IDLE_SECONDS = 300

_FACTS_TO_9 = r"""
phase=watch
fact() { printf '%s %s\n' "$1" "$2" >&9; }
"""
_ENDED = ("exited", "created", "dead")
_TITLES = {
    "create": "create and start {}",
    "recreate": "replace {}",
    "start": "start {}",
    "restart": "restart {}",
    "stop": "stop {}",
    "remove": "stop and remove {}",
}


class Restarts(Kind):
    """Is a service. Whether it must be restarted is decided on the host, from the ledger of what it was started with.

    Class attributes
      service_sh  MUST define the functions that the head of services.sh names: how to find who runs now and since
                  when, how to start, restart, stop and remove it. Left out: the file service.sh beside the module.
      remade      names of attributes whose difference has the service made anew (verb `recreate`).
    """

    restart_on: Annotated[
        tuple[Watch, ...],
        "Resources whose content the service reads when it starts; it restarts after a change.",
        {"items": {"type": "string"}},
    ] = ()

    idle: Annotated[
        Mapping[str, Any] | None,
        "What is asked right before the service is ended (restarted, replaced, stopped or removed) while it runs: "
        "that it is idle is waited for, and the step fails where that takes too long. Nothing is waited for where "
        "nobody answers, or where the answer is 401 or 403: then the service does not know this credential. The plan "
        "shows what it answers.",
        {
            "additionalProperties": False,
            "properties": {
                "url": {
                    "type": "string",
                    "pattern": "^https?://[^/]",
                    "description": "What to GET, as seen from the host.",
                },
                "bearer": {
                    "type": "string",
                    "secret": True,
                    "description": "Sent as `Authorization: Bearer ...`: what the service accepts as it runs *now*.",
                },
                "matches": {
                    "type": "string",
                    "pattern": "^[^\n]+$",
                    "description": "It is idle where the answer's body, without white space, matches this extended "
                    "regular expression.",
                },
                "timeout": {
                    **DURATION,
                    "description": f"How long to wait, as `90`, `90s` or `2m` ({IDLE_SECONDS} s unless given). It is "
                    "beside the time limit of the step.",
                },
            },
            "required": ["url", "matches"],
        },
    ] = None

    restarts: ClassVar[bool] = True
    service_sh: ClassVar[str] = derived(lambda cls: beside(cls, "service.sh"))
    remade: ClassVar[tuple[str, ...]] = ()

    def wanted(self) -> str:
        """`running`, `stopped` or `absent`: by default what the parameter `state` says, if there is one."""
        return str(getattr(self, "state", "running"))

    def shared(self) -> Mapping[str, Script]:
        """Variables of its probe that other probes may share; see `Script`."""
        return {}

    def check_parameters(self) -> None:
        if self.idle is not None:
            check_line("idle: `bearer`", self.idle.get("bearer", ""))

    def ended(self) -> Script | None:
        return self._script("service_ended") if self.wanted() == "running" else None

    def show(self, facts: Facts) -> Mapping[str, str]:
        """`busy`: what would be lost by a restart now."""
        found, answer = facts.get("idle", "idle"), facts.get("idle_answer", "")
        if found == "idle" or self.idle is None:
            return {}
        if found == "busy":
            return {"busy": f"{at_work(answer)}; a restart waits for up to {self._idle_seconds()} s"}
        why = "does not know the credential" if found == "refused" else "is asked in vain"
        then = "is not waited for" if found == "refused" else "will fail"
        return {"busy": f"not known: {self.idle['url']} {why} ({answer}); a restart {then}"}

    def explain(self, facts: Facts) -> str:
        return Outside(facts.get("why", ""))

    def watches(self) -> tuple[Watch, ...]:
        return self.restart_on if self.wanted() == "running" else ()

    def probe(self) -> Script:
        script = self._script("service_probe", self.watches(), self.shared())
        return replace(script, vars={**script.vars, **self._asking()})

    def mark(self) -> Script | None:
        return self._script("service_mark") if self.watches() else None

    def prove(self) -> Script | None:
        return self._script("service_prove", self.watches()) if self.watches() else None

    def actions(self, change: Change) -> Iterator[Action]:
        title = _TITLES.get(self.verb(change), "bring up {}").format(self.title())
        script = self._script("service_apply", self.watches())
        requested = REQUEST in (change.before or {})
        more = {**self._asking(), "requested": requested}
        yield Action(title, replace(script, vars={**script.vars, **more}), waits=self._idle_seconds())

    def actual(self, facts: Facts) -> State | None:
        """`service`: its status; and where it shall run, of each watch whether it is CURRENT."""
        if facts.get("refused"):
            raise Refused(facts["refused"])
        status = facts.get("status", "absent")
        if status == "absent":
            return None
        if self.wanted() != "running":
            return {"service": status}
        late = status == "running" and facts.get("late")
        watched = {watch.name: facts[f"watch.{n}"] for n, watch in enumerate(self.restart_on)}
        return {"service": "not ready" if late else status, **watched}

    def desired(self, facts: Facts) -> State | None:
        status, wanted = facts.get("status", "absent"), self.wanted()
        if wanted == "absent" or (wanted == "stopped" and status == "absent"):
            return None
        if wanted == "stopped":
            return {"service": status if status in _ENDED else "exited"}
        if facts.get("missing"):
            return {"service": Unknown(Outside(facts["missing"]), upstream=True)}
        return {"service": "running", **{watch.name: CURRENT for watch in self.restart_on}}

    def verb(self, change: Change) -> str:
        if change.after is None:
            return "remove"
        if self.wanted() == "stopped":
            return "stop"
        if change.before is None:
            return "create"
        if any(change.before.get(name) != change.after.get(name) for name in self.remade):
            return "recreate"
        return "start" if change.before["service"] in (*_ENDED, "paused") else "restart"

    def _idle_seconds(self) -> int:
        return int(seconds(str(self.idle.get("timeout", IDLE_SECONDS)))) if self.idle is not None else 0

    def _asking(self) -> Variables:
        """What idle.sh takes."""
        if self.idle is None:
            return {}
        lines: list[Text] = [option("url", address(self.idle["url"]))]
        if "bearer" in self.idle:
            lines.append(header("Authorization", join(["Bearer ", self.idle["bearer"]])))
        return {
            "idle_config": configuration(lines),
            "idle_url": self.idle["url"],
            "idle_matches": self.idle["matches"],
            "idle_timeout": self._idle_seconds(),
        }

    def _script(self, end: str, watches: Sequence[Watch] = (), shared: Mapping[str, Script] | None = None) -> Script:
        text = f"{SERVICES}\n{self.service_sh}\n{end}\n"
        values = {**self.variables(), "wanted": self.wanted(), "idle_config": "", **watch_variables(watches)}
        return Script(text, values, shared={**shared, **watch_shared(watches)} if shared is not None else {})


def at_work(answer: str) -> str:
    """What the answer to the question of `idle` says would be lost: `2 jobs running or queued` of ComfyUI's /prompt,
    `1 running, 1 queued` of its /queue, else the answer itself."""
    try:
        found = json.loads(answer)
        if "exec_info" in found:
            count = int(found["exec_info"]["queue_remaining"])
            return f"{count} job{'s' if count != 1 else ''} running or queued"
        return f"{len(found['queue_running'])} running, {len(found['queue_pending'])} queued"
    except (ValueError, KeyError, TypeError, RecursionError):
        return f"it answers {answer[:60]}{'…' if len(answer) > 60 else ''}"


def awaiting(services: Sequence[tuple[str | None, Script]]) -> Variables:
    """Variables of AWAITED: services, as whom each is looked at (None: whom the programs run as), and the script that
    `Resource.ended` gave."""
    found: Variables = {"awaited_count": len(services)}
    for n, (user, script) in enumerate(services):
        found |= {f"awaited_{n}_user": user or "", f"awaited_{n}_script": ScriptText(script)}
    return found


def _as_somebody(watch: Watch) -> bool:
    """Whether a watch may go on as another user: one that is named, or the owner of the directory that it pins."""
    return watch.user is not None or pins(watch.script.text)


def watch_variables(watches: Sequence[Watch]) -> Variables:
    """The watch scripts as variables of the script that runs them; each value is still quoted by the engine alone.

    The text of a script and the names of its variables are constants of its kind, so that they may be evaluated.
    """
    found: Variables = {"watch_count": len(watches)}
    for index, watch in enumerate(watches):
        name, script = f"watch_{index}", watch.script
        found[name] = watch.name
        if _as_somebody(watch):
            whole = ScriptText(replace(script, text=_FACTS_TO_9 + script.text))
            found |= {f"{name}_user": "." if watch.user is None else watch.user, f"{name}_script": whole}
            continue
        found[f"{name}_text"] = script.text
        found[f"{name}_names"] = " ".join([*script.vars, *script.shared])
        found[f"{name}_words"] = " ".join(f'"${name}_word_{n}"' for n in range(len(script.args)))
        found |= {f"{name}_var_{variable}": value for variable, value in script.vars.items()}
        found |= {f"{name}_word_{n}": value for n, value in enumerate(script.args)}
    return found


def watch_shared(watches: Sequence[Watch]) -> dict[str, Script]:
    """The shared probes of the watch scripts, under the names that `watch` of services.sh takes them from."""
    return {
        f"watch_{index}_var_{name}": script
        for index, watch in enumerate(watches)
        if not _as_somebody(watch)
        for name, script in watch.script.shared.items()
    }
