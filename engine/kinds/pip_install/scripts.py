"""The shell of pip-install: asking an interpreter on the host what it has, and installing."""

from __future__ import annotations

from engine.kit.shell import texts

sh = texts(__file__)

ASKING = sh("asking.sh")

_HOST = sh("asking.sh", "host.sh")

HOST_LOOK = sh("asking.sh", "host.sh", "host_look.sh")
"""Prints what the interpreter says of what is required."""

_CHECKED = sh("checked.sh")

HOST_PROBE = sh("asking.sh", "host.sh", "checked.sh", "host_probe.sh")
"""Facts: absent (a requirements file that is not there), missing (what is not satisfied), count."""

HOST_ACT = sh("asking.sh", "host.sh", "host_act.sh")

HOST_WATCH = sh("asking.sh", "host.sh", "checked.sh", "host_watch.sh")
