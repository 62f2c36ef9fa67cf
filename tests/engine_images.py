"""Container images for tests, made from what is on this machine: no registry is asked.

tiny()     busybox and nothing else, about 2 MB
"""

from __future__ import annotations

import hashlib
import io
import shutil
import struct
import subprocess
import tarfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

APPLETS = [
    "sh",
    "ash",
    "cat",
    "cp",
    "date",
    "echo",
    "env",
    "false",
    "grep",
    "head",
    "id",
    "kill",
    "ln",
    "ls",
    "mkdir",
    "mv",
    "nc",
    "printf",
    "ps",
    "rm",
    "rmdir",
    "sed",
    "sleep",
    "sort",
    "stat",
    "tail",
    "tar",
    "test",
    "touch",
    "tr",
    "true",
    "wc",
    "httpd",
    "chmod",
    "chown",
]


def docker(*argv: str, **options: object) -> str:
    """Run the docker command and return what it prints; raises where it fails."""
    done = subprocess.run(["docker", *argv], capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    if done.returncode != 0:
        raise RuntimeError(f"docker {' '.join(argv)}: {done.stderr}")
    return str(done.stdout)


@cache
def need_docker() -> None:
    """Skip the test where no Docker engine answers."""
    if shutil.which("docker") is None:
        pytest.skip("docker is not installed")
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no Docker engine answers")


def static_busybox() -> Path:
    """A busybox without shared libraries; skips the test where there is none."""
    for found in map(Path, ("/bin/busybox", "/usr/bin/busybox")):
        if found.exists() and not interpreter(found):
            return found
    pytest.skip("busybox-static is not installed")


def interpreter(program: Path) -> str:
    """The dynamic loader that a 64-bit ELF program names, or nothing for a static one."""
    data = program.read_bytes()
    start, size, count = (*struct.unpack_from("<Q", data, 32), *struct.unpack_from("<HH", data, 54))
    for n in range(count):
        kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", data, start + n * size)
        if kind == 3:
            return data[offset : offset + length].rstrip(b"\0").decode()
    return ""


def tarball(files: Iterable[tuple[str, bytes, int]], links: Iterable[tuple[str, str]] = ()) -> bytes:
    """A tar of `(name, content, mode)` files and `(name, target)` symbolic links, the same for the same input."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for directory in ("tmp", "etc", "root"):
            info = tarfile.TarInfo(directory)
            info.type, info.mode = tarfile.DIRTYPE, 0o1777 if directory == "tmp" else 0o755
            tar.addfile(info)
        for name, content, mode in files:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            tar.addfile(info, io.BytesIO(content))
        for name, target in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return out.getvalue()


def imported(name: str, tar: bytes, *changes: str) -> str:
    """An image with this content, made unless it is there; returns its name with a tag of the content's digest."""
    tag = f"{name}:{hashlib.sha256(tar + repr(changes).encode()).hexdigest()[:12]}"
    if subprocess.run(["docker", "image", "inspect", tag], capture_output=True, check=False).returncode != 0:
        options = [word for change in changes for word in ("-c", change)]
        subprocess.run(["docker", "import", *options, "-", tag], input=tar, capture_output=True, check=True)
    return tag


@cache
def tiny() -> str:
    """An image of busybox alone, whose command sleeps and ends at once when it is told to."""
    need_docker()
    binary = static_busybox().read_bytes()
    return imported(
        "state-engine-tiny",
        tarball([("bin/busybox", binary, 0o755)], [(f"bin/{applet}", "busybox") for applet in APPLETS]),
        'CMD ["/bin/sh", "-c", "trap \'exit 0\' TERM; echo up; while :; do sleep 1 & wait $!; done"]',
        "ENV PATH=/bin",
    )
