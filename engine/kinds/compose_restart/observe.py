"""The shell that observes a Compose service and decides what is due."""

from __future__ import annotations

from engine.kit.shell import texts

sh = texts(__file__)

OBSERVE = sh("observe.sh")

READY_NOW = sh("ready_now.sh")

TOOLS = sh("../../kit/watching.sh", "compose_project.sh", "compose_client.sh", "../../kit/ledger.sh", "inspect.sh")

OBSERVING = sh(
    "../../kit/watching.sh",
    "compose_project.sh",
    "compose_client.sh",
    "../../kit/ledger.sh",
    "inspect.sh",
    "configuration.sh",
    "see.sh",
    "ready_now.sh",
    "observe.sh",
)

PROBE = sh(
    "../../kit/watching.sh",
    "compose_project.sh",
    "compose_client.sh",
    "../../kit/ledger.sh",
    "inspect.sh",
    "configuration.sh",
    "see.sh",
    "ready_now.sh",
    "observe.sh",
    "probe.sh",
)
"""Facts: missing (why nothing can be seen yet), client, gone (the client that made the containers and is not there),
status, ids, want, config, image, want_image, health, late, and watch.N for each watch."""

MARK = sh(
    "../../kit/watching.sh", "compose_project.sh", "compose_client.sh", "../../kit/ledger.sh", "inspect.sh", "mark.sh"
)
"""Notes in the ledger that the content which the running containers were started with is about to change."""
