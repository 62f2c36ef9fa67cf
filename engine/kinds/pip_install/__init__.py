"""pip-install: requirements are satisfied in an interpreter, on the host or in a Compose service's container."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, ClassVar

from engine.kinds.compose_restart.look import COMPOSE, service_look
from engine.kinds.compose_restart.project import PROJECT_PARAMS, project_vars
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
    Watchable,
)
from engine.kit.services import SERVICES
from engine.kit.shell import texts
from engine.model import Outside, Place, Plain

SATISFIED = "satisfied"

sh = texts(__file__)
_HOST = ("asking.sh", "host.sh")


class PipInstall(Watchable):
    """Python requirements are satisfied, on the host or inside a Compose service.

    tools:
      pip-install:
        python: /opt/tools/bin/python
        packages: ["requests>=2.31"]
    # In the interpreter that ComfyUI runs in.
    node-requirements:
      pip-install:
        container: { project_dir: /srv/comfyui, service: comfyui }
        requirements: /workspace/ComfyUI/custom_nodes/ComfyUI-Login/requirements.txt
        options: { index-url: https://pypi.example.org/simple }
    """

    requirements: Annotated[
        HostPath | None, "A requirements file, where the interpreter sees it: on the host or in the container."
    ] = None
    packages: Annotated[
        tuple[Annotated[str, {"pattern": "^[A-Za-z0-9][^\n]*$"}], ...],
        "Requirements as a requirements file would list them: `requests>=2.31`.",
    ] = ()
    python: Annotated[
        str,
        "The interpreter: a path, or a command; 3.8 or newer, with pip. On the host it is by default `python3`, and "
        "runs as whoever can write it or the requirements file, if that is not root alone. In a container it is the "
        "first Python at or below the main process; name it where there is none, or several, or where the service "
        "has never run.",
        {"pattern": "^([^-\\s][^\\s]*)?$"},
    ] = ""
    container: Annotated[
        Mapping[str, Any] | None,
        "The Compose service whose container it is about; without it, the host itself.",
        {"additionalProperties": False, "properties": PROJECT_PARAMS},
    ] = None
    options: Annotated[
        Mapping[str, str | bool | int | Secret],
        "Long options of `pip install` without their dashes; pip gets them as environment variables, so that no "
        "credential shows in a process list. Several values are joined by blanks.",
        {
            "propertyNames": {"pattern": "^[a-z][a-z0-9-]*$"},
            "additionalProperties": {"type": ["string", "boolean", "integer"]},
            "secret": True,
        },
    ] = MappingProxyType({})

    volatile: ClassVar[bool] = True

    def check_parameters(self) -> None:
        if not self.requirements and not self.packages:
            raise InvalidParameter("", "nothing is required: name a file in `requirements`, or `packages`, or both")
        if self.container is not None and str(self.requirements or "/")[0] != "/":
            raise InvalidParameter(
                "requirements", "a path in a container must be absolute; `~` is the host's home directory"
            )

    def curable(self, facts: Facts, pending: Sequence[tuple[Place, ...] | None]) -> bool:
        """Which interpreter a container runs is changed by what starts it, and that has no place of its own."""
        return "no_python" not in facts or any(places is None for places in pending)

    def probe(self) -> Script:
        """Facts: no_python (why the interpreter is not known), missing_project (what of it is not there), unknown
        (why nothing can be told), absent (a requirements file that is not there), missing and count (what is not
        satisfied). A plan starts no container to find out."""
        return self._script("host_look.sh", "container_probe.sh")

    def watched(self) -> Script:
        return self._script("host_look.sh", "container_watch.sh")

    def actual(self, facts: Facts) -> State | None:
        if "refused" in facts:
            raise Refused(facts["refused"])
        if facts.get("missing_project"):
            return {"requirements": Unknown(Outside(facts["missing_project"]), upstream=True)}
        if facts.get("unknown"):
            return {"requirements": Unknown(Outside(facts["unknown"]))}
        if facts.get("absent"):
            reason = f"the requirements file {facts['absent']} is not there"
            return {"requirements": Unknown(reason, upstream=True)}
        if facts.get("missing"):
            return {"requirements": f"{facts['count']} missing: {facts['missing']}"}
        return {"requirements": SATISFIED}

    def desired(self, facts: Facts) -> State | None:
        return {"requirements": SATISFIED}

    def actions(self, change: Change) -> Iterator[Action]:
        where = f" in service {self.container['service']}" if self.container is not None else ""
        yield Action(
            f"pip install what is missing{where}", self._script("host_act.sh", "install.sh", "container_act.sh")
        )

    def lost(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> str:
        return "packages that were installed stay; versions that were replaced do not come back"

    def places(self) -> tuple[Place, ...]:
        return ()

    def _script(self, on_host: str, *in_container: str) -> Script:
        request, values = self._request(), self.variables()
        if self.container is None:
            values["python"] = self.python or "python3"
            return Script(_program("pip_python", "program.py") + sh(*_HOST, on_host), values, request)
        public = json.dumps([self.python, self.requirements, list(self.packages)])
        values |= {**project_vars(self.container), "pip_public": public}
        inside = SERVICES + COMPOSE + _inside(bool(self.python))
        seen = service_look(self.container)
        if not self.python:
            # What runs there is looked at once for all that is required of a service.
            running = Script(inside + sh("running_look.sh"), {**project_vars(self.container), "python": ""}, (), seen)
            seen = {**seen, "running_pythons": running}
        checked = Script(inside + sh("container_look.sh"), values, request, seen)
        return Script(inside + sh(*in_container), values, request, {**seen, "checked": checked})

    def _request(self) -> tuple[str | int | bool | Secret, ...]:
        """A beginning and an end for each line of the request that pip_program reads."""
        lines: list[str | int | bool | Secret] = []
        if self.requirements:
            lines += ["requirements ", self.requirements]
        for package in self.packages:
            lines += ["package ", package]
        for name, value in self.options.items():
            value = int(value) if isinstance(value, bool) else value
            lines += [f"env PIP_{name.upper().replace('-', '_')}=", value]
        return tuple(lines)


@cache
def _inside(named: bool) -> str:
    """What looks into containers; `named`: the interpreter is."""
    programs = {"pip_python": "program.py"}
    if not named:
        programs |= {"pip_finder": "interpreter.py", "pip_any": "any_python.sh"}
    given = "".join(_program(name, file) for name, file in programs.items())
    return given + sh("asking.sh", "in_container.sh", "found_python.sh")


@cache
def _program(name: str, file: str) -> str:
    """Sets a variable to the text of a program that does not run here."""
    return f"\n{name}={shlex.quote(Path(__file__).with_name(file).read_text(encoding='utf-8'))}\n"
