"""A Compose service on a host: the parameters that name it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from engine.kit import HostPath, Kind, Variables


class ComposeService(Kind):
    """What names a service of a Compose project."""

    project_dir: Annotated[
        HostPath, "The directory Compose is run in; its Compose file is used unless `files` names others."
    ]
    service: Annotated[str, "The service's name in the Compose file.", {"pattern": "^[a-zA-Z0-9][a-zA-Z0-9._-]*$"}]
    project_name: Annotated[
        str,
        "The project's name, where it is not the one that Compose would find.",
        {"pattern": "^[a-z0-9][a-z0-9_-]*$"},
    ] = ""
    files: Annotated[
        tuple[str, ...],
        "Compose files, relative to `project_dir`; later ones override earlier ones.",
        {"items": {"type": "string", "pattern": "^[^:\n]+$"}, "minItems": 1},
    ] = ()
    profiles: Annotated[
        tuple[str, ...],
        "Compose profiles to enable.",
        {"items": {"type": "string", "pattern": "^[a-zA-Z0-9][a-zA-Z0-9_.-]*$"}},
    ] = ()
    client: Annotated[
        Literal["auto", "docker compose", "docker-compose", "podman compose"],
        "The Compose client to call. `auto`: the client that made the container, else the first one installed of "
        "`docker compose`, `docker-compose` and `podman compose`.",
    ] = "auto"


PROJECT_PARAMS = ComposeService.params
"""Parameters of every kind that deals with a Compose service."""


def project_vars(values: Mapping[str, Any]) -> Variables:
    """Variables for COMPOSE from the values of PROJECT_PARAMS."""
    files: Sequence[str] = values.get("files") or ()
    return {
        "project_dir": HostPath(values["project_dir"]),
        "project_given": values.get("project_name") or "",
        "service": values["service"],
        "compose_files": ":".join(files),
        "compose_profiles": ",".join(values.get("profiles") or ()),
        "client_wanted": values.get("client") or "auto",
    }
