"""Looking at a Compose service: its containers, its configuration, and one look that several probes share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.kinds.compose_restart.project import project_vars
from engine.kit import Script
from engine.kit.services import SERVICES
from engine.kit.shell import texts

sh = texts(__file__)

COMPOSE = sh("compose_project.sh", "compose_client.sh", "inspect.sh", "configuration.sh", "see.sh")
"""Gives `compose_enter`, `compose_see`, `configuration_see` and `compose ARGUMENTS...`; stands behind SERVICES."""


def service_look(project: Mapping[str, Any]) -> dict[str, Script]:
    """The shared probe `seen` of a service, which the values of PROJECT_PARAMS name: prints what `compose_see` takes;
    nothing where there is no project."""
    return {"seen": Script(SERVICES + COMPOSE + sh("service_look.sh"), project_vars(project))}
