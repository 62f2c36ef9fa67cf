"""A Compose project on a host: its parameters, where it is, and what Compose calls it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.kit.shell import texts
from engine.model import HostPath, Params, Secret

sh = texts(__file__)

CLIENTS = ("auto", "docker compose", "docker-compose", "podman compose")

PROJECT_PARAMS: Params = {
    "project_dir": {
        "type": "string",
        "host_path": True,
        "required": True,
        "description": "The directory Compose is run in; its Compose file is used unless `files` names others.",
    },
    "project_name": {
        "type": "string",
        "pattern": "^[a-z0-9][a-z0-9_-]*$",
        "description": "The project's name, where it is not the one that Compose would find.",
    },
    "files": {
        "type": "array",
        "items": {"type": "string", "pattern": "^[^:\n]+$"},
        "minItems": 1,
        "description": "Compose files, relative to `project_dir`; later ones override earlier ones.",
    },
    "profiles": {
        "type": "array",
        "items": {"type": "string", "pattern": "^[a-zA-Z0-9][a-zA-Z0-9_.-]*$"},
        "description": "Compose profiles to enable.",
    },
    "service": {
        "type": "string",
        "pattern": "^[a-zA-Z0-9][a-zA-Z0-9._-]*$",
        "required": True,
        "description": "The service's name in the Compose file.",
    },
    "client": {
        "enum": list(CLIENTS),
        "description": (
            "What to call. `auto` (default): the client that made the container, else the first there is of "
            "`docker compose`, `docker-compose` and `podman compose`."
        ),
    },
}
"""Parameters of every kind that deals with a Compose service."""


def project_vars(values: Mapping[str, Any]) -> dict[str, str | int | bool | Secret]:
    """Variables for COMPOSE_PROJECT and COMPOSE_CLIENT from the values of PROJECT_PARAMS."""
    files: Sequence[str] = values.get("files") or ()
    return {
        "project_dir": HostPath(values["project_dir"]),
        "project_given": values.get("project_name") or "",
        "service": values["service"],
        "compose_files": ":".join(files),
        "compose_profiles": ",".join(values.get("profiles") or ()),
        "client_wanted": values.get("client") or "auto",
    }


COMPOSE_PROJECT = sh("compose_project.sh")
"""Gives `compose_enter`, `compose_names` and `compose_ask_name`; needs `compose` and `project_vars`."""
