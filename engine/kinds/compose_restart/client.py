"""Finding a Compose service on a host: which client to use, and which containers are its own."""

from __future__ import annotations

from engine.kit.shell import texts

sh = texts(__file__)

COMPOSE_CLIENT = sh("compose_project.sh", "compose_client.sh")
"""Gives `compose_enter`, `compose_find` and `compose ARGUMENTS...`; needs WATCHING's `newline` and `project_vars`."""
