"""The shell that does what is due with a Compose service, and waits until it is ready."""

from __future__ import annotations

from engine.kit.shell import texts

sh = texts(__file__)

READY_WAIT = sh("ready_wait.sh")

PERFORM = sh("perform.sh")

ACT = sh(
    "../../kit/watching.sh",
    "compose_project.sh",
    "compose_client.sh",
    "../../kit/ledger.sh",
    "inspect.sh",
    "configuration.sh",
    "see.sh",
    "ready_now.sh",
    "observe.sh",
    "ready_wait.sh",
    "perform.sh",
    "act.sh",
)
"""Decides again on the host, does what is due, waits until the service is ready. Fact: changed."""
