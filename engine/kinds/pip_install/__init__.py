"""pip-install: requirements are satisfied in an interpreter, on the host or in a Compose service's container."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from engine.errors import InvalidParameter
from engine.kinds.compose_restart.look import service_look
from engine.kinds.compose_restart.project import PROJECT_PARAMS, project_vars
from engine.kinds.pip_install.container import CONTAINER_ACT, CONTAINER_LOOK, CONTAINER_PROBE, CONTAINER_WATCH
from engine.kinds.pip_install.scripts import HOST_ACT, HOST_LOOK, HOST_PROBE, HOST_WATCH
from engine.model import (
    Action,
    Change,
    Facts,
    HostPath,
    Outside,
    Params,
    Place,
    Plain,
    Resource,
    Script,
    Secret,
    State,
    Unknown,
)

SATISFIED = "satisfied"


@dataclass(frozen=True)
class PipInstall(Resource):
    """Python requirements; the fields are the parameters that `params` describes."""

    kind: ClassVar[str] = "pip-install"
    summary: ClassVar[str] = "Python requirements are satisfied, on the host or inside a Compose service."
    volatile: ClassVar[bool] = True
    example: ClassVar[str] = """\
tools:
  pip-install:
    python: /opt/tools/bin/python
    packages: ["requests>=2.31"]
node-requirements:
  pip-install:
    container: { project_dir: /srv/comfyui, service: comfyui }
    requirements: /workspace/ComfyUI/custom_nodes/ComfyUI-Login/requirements.txt
    options: { index-url: https://pypi.example.org/simple }
"""
    params: ClassVar[Params] = {
        "requirements": {
            "type": "string",
            "host_path": True,
            "description": "A requirements file, where the interpreter sees it: on the host or in the container.",
        },
        "packages": {
            "type": "array",
            "items": {"type": "string", "pattern": "^[A-Za-z0-9][^\n]*$"},
            "description": "Requirements as a requirements file would list them: `requests>=2.31`.",
        },
        "python": {
            "type": "string",
            "pattern": "^[^-\\s][^\\s]*$",
            "description": "The interpreter: a path, or a command (default `python3`); 3.8 or newer, with pip.",
        },
        "container": {
            "type": "object",
            "additionalProperties": False,
            "required": ["project_dir", "service"],
            "properties": {
                name: {key: value for key, value in schema.items() if key not in ("required", "host_path")}
                for name, schema in PROJECT_PARAMS.items()
            },
            "description": "The Compose service whose container it is about; without it, the host itself.",
        },
        "options": {
            "type": "object",
            "propertyNames": {"pattern": "^[a-z][a-z0-9-]*$"},
            "additionalProperties": {"type": ["string", "boolean", "integer"]},
            "secret": True,
            "description": "Long options of `pip install` without their dashes; pip gets them as environment "
            "variables, so that no credential shows in a process list. Several values are joined by blanks.",
        },
    }

    requirements: HostPath | None = None
    packages: tuple[str, ...] = ()
    python: str = "python3"
    container: Mapping[str, Any] | None = None
    options: Mapping[str, str | bool | int | Secret] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises InvalidParameter where nothing is required."""
        if not self.requirements and not self.packages:
            raise InvalidParameter("", "nothing is required: name a file in `requirements`, or `packages`, or both")
        if self.container is not None and str(self.requirements or "/")[0] != "/":
            raise InvalidParameter(
                "requirements", "a path in a container must be absolute; `~` is the host's home directory"
            )

    def probe(self) -> Script:
        return self._script(HOST_PROBE, CONTAINER_PROBE)

    def actual(self, facts: Facts) -> State | None:
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
        yield Action(f"pip install what is missing{where}", self._script(HOST_ACT, CONTAINER_ACT))

    def lost(self, prior: Mapping[str, Plain] | None, changed: Sequence[str], keep: HostPath) -> str:
        return "packages that were installed stay; versions that were replaced do not come back"

    def places(self) -> tuple[Place, ...]:
        return ()

    def watched(self) -> Script | None:
        return self._script(HOST_WATCH, CONTAINER_WATCH)

    def _script(self, on_host: str, in_container: str) -> Script:
        values: dict[str, str | int | bool | Secret] = {"python": self.python, "pip_python": _program()}
        request = self._request()
        if self.container is None:
            return Script(on_host, values, request, {"checked": Script(HOST_LOOK, values, request)})
        values |= project_vars(self.container)
        values["requirements"] = self.requirements or ""
        values["pip_public"] = json.dumps([self.python, self.requirements, list(self.packages)])
        seen = service_look(self.container)
        return Script(
            in_container, values, request, {**seen, "checked": Script(CONTAINER_LOOK, values, request, seen)}
        )

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
def _program() -> str:
    """The text of pip_program, which runs on the host and not here."""
    return Path(__file__).with_name("program.py").read_text(encoding="utf-8")
