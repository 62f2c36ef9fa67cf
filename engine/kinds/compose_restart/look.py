"""Looking at a Compose service: its containers, its configuration, and one look at them for several probes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.kinds.compose_restart.project import project_vars
from engine.kit.shell import texts
from engine.model import Script

sh = texts(__file__)

INSPECT = sh("inspect.sh")

CONFIGURATION = sh("configuration.sh")

SEE = sh("see.sh")
"""Gives `compose_see` and `configuration_see`; call `compose_enter` before. `seen` is what SERVICE_LOOK printed."""

SERVICE_LOOK = sh(
    "../../kit/watching.sh",
    "compose_project.sh",
    "compose_client.sh",
    "../../kit/ledger.sh",
    "inspect.sh",
    "configuration.sh",
    "see.sh",
    "service_look.sh",
)
"""Prints what `compose_see` takes; nothing where there is no project."""


def service_look(project: Mapping[str, Any]) -> dict[str, Script]:
    """The look `seen` at a service, which the values of PROJECT_PARAMS name."""
    return {"seen": Script(SERVICE_LOOK, project_vars(project))}
