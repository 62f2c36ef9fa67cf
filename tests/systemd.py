"""A container in which a real systemd is process 1, made of this machine's own distribution.

machine()   one for as long as the context lasts; programs are run in it by the docker transport
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.engine_images import docker, need_docker

IMAGE = "onetrip-systemd"
PACKAGES = "systemd,systemd-sysv,dbus,libpam-systemd,dbus-user-session,curl,ca-certificates"
OPTIONS = [
    "--cap-add=SYS_ADMIN",
    "--security-opt=seccomp=unconfined",
    "--security-opt=apparmor=unconfined",
    "--cgroupns=private",
    "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw",
    "--tmpfs=/run",
    "--tmpfs=/tmp",
]
"""What systemd needs to be process 1; `--privileged` would hide the control groups from it."""


@cache
def image() -> str:
    """An image of a minimal system with systemd."""
    return debootstrapped(IMAGE, PACKAGES)


@cache
def debootstrapped(name: str, packages: str) -> str:
    """An image of a minimal system with these packages, made unless it is there: that takes a minute or so."""
    need_docker()
    if shutil.which("debootstrap") is None:
        pytest.skip("debootstrap is not installed")
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    suite = release["VERSION_CODENAME"].strip('"')
    tag = f"{name}:{suite}-{hashlib.sha256(packages.encode()).hexdigest()[:8]}"
    with (Path(tempfile.gettempdir()) / f"{name}.lock").open("w") as lock:
        # Several tests may want it at once; one of them makes it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if subprocess.run(["docker", "image", "inspect", tag], capture_output=True, check=False).returncode != 0:
            _make(tag, suite, packages)
    return tag


def _make(tag: str, suite: str, packages: str) -> None:
    asked = ["apt-get", "indextargets", "--format", "$(SITE)", f"Codename: {suite}"]
    mirror = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()[0]
    with tempfile.TemporaryDirectory(prefix="onetrip-systemd-") as made:
        root = f"{made}/root"
        command = ["debootstrap", "--variant=minbase", f"--include={packages}", suite, root, mirror]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"debootstrap: {done.stdout[-2000:]}{done.stderr}")
        shutil.rmtree(f"{root}/var/cache/apt", ignore_errors=True)
        with subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE) as tar:
            subprocess.run(["docker", "import", "-", tag], stdin=tar.stdout, capture_output=True, check=True)


@contextmanager
def machine(*options: str) -> Iterator[str]:
    """The name of a container whose systemd has come up; removed at the end."""
    name = f"onetrip-systemd-{uuid.uuid4().hex[:8]}"
    docker("run", "-d", "--name", name, *OPTIONS, *options, image(), "/lib/systemd/systemd")
    try:
        deadline = time.monotonic() + 60
        while True:
            state = subprocess.run(
                ["docker", "exec", name, "systemctl", "is-system-running"],
                capture_output=True,
                text=True,
                check=False,
            ).stdout.strip()
            if state in ("running", "degraded"):
                break
            if time.monotonic() > deadline:
                raise RuntimeError(f"systemd in {name} is `{state}`: {docker('logs', name)[-2000:]}")
            time.sleep(0.2)
        yield name
    finally:
        subprocess.run(["docker", "rm", "-f", name], capture_output=True, check=False)


def variables(name: str) -> dict[str, Any]:
    """What an inventory says of it."""
    return {"ansible_connection": "docker", "ansible_host": name}
