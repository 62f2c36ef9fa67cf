"""The shell of pip-install inside the containers of a Compose service, running or not."""

from __future__ import annotations

from engine.kinds.compose_restart.look import COMPOSE
from engine.kit.services import SERVICES
from engine.kit.shell import texts

sh = texts(__file__)

_CONTAINER = SERVICES + COMPOSE + sh("asking.sh", "in_container.sh", "container.sh")

CONTAINER_LOOK = _CONTAINER + sh("container_look.sh")
"""Prints what the interpreter in each container of a running service says of what is required."""

CONTAINER_PROBE = _CONTAINER + sh("container_probe.sh")
"""Facts: missing_project (what of it is not there), unknown (why nothing can be told), absent, missing, count. A plan
starts no container to find out."""

CONTAINER_WATCH = _CONTAINER + sh("container_watch.sh")

CONTAINER_ACT = _CONTAINER + sh("install.sh", "container_act.sh")
