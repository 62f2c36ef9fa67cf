"""A container with users, groups and crontabs of its own, made of this machine's own distribution."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.engine_images import docker
from tests.systemd import debootstrapped

IMAGE = "onetrip-accounts"
PACKAGES = "busybox-static,cron"


class Box:
    """A container; `shell` runs programs in it as root."""

    def __init__(self, name: str) -> None:
        self.name = name

    def sh(self, text: str) -> str:
        """What a script in it prints."""
        return docker("exec", self.name, "sh", "-c", text)

    def shell(self, argv: Sequence[str] = ("sh",), user: str = "root") -> tuple[str, ...]:
        """The command that runs a shell in it, for the harness."""
        return ("docker", "exec", "-i", "-u", user, self.name, *argv)


@contextmanager
def machine() -> Iterator[Box]:
    """One for as long as the context lasts."""
    name = f"{IMAGE}-{uuid.uuid4().hex[:8]}"
    image = debootstrapped(IMAGE, PACKAGES)
    docker("run", "-d", "--init", "--network", "none", "--name", name, image, "sleep", "3600")
    try:
        yield Box(name)
    finally:
        subprocess.run(["docker", "rm", "-f", name], capture_output=True, check=False)
