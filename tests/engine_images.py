"""Container images for tests, made from what is on this machine: no registry is asked.

tiny()     busybox and nothing else, about 2 MB
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import struct
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

APPLETS = """
    sh ash cat cp date echo env false grep head id kill ln ls mkdir mv nc printf ps rm rmdir sed sleep sort stat tail
    tar test touch tr true wc httpd chmod chown
"""


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
        "onetrip-tiny",
        tarball([("bin/busybox", binary, 0o755)], [(f"bin/{applet}", "busybox") for applet in APPLETS.split()]),
        'CMD ["/bin/sh", "-c", "trap \'exit 0\' TERM; echo up; while :; do sleep 1 & wait $!; done"]',
        "ENV PATH=/bin",
    )


LEFT_OUT = {
    "test",
    "tests",
    "idlelib",
    "lib2to3",
    "tkinter",
    "turtledemo",
    "__pycache__",
    "ensurepip",
    "site-packages",
}


def _below(directory: Path, left_out: set[str]) -> Iterator[tuple[str, bytes, int]]:
    for path in sorted(directory.iterdir()):
        if path.name in left_out or path.name.startswith("config-") or path.suffix == ".a":
            continue
        if path.is_dir():
            yield from _below(path, left_out)
        elif path.is_file():
            yield str(path).lstrip("/"), path.read_bytes(), 0o755 if os.access(path, os.X_OK) else 0o644


@cache
def python() -> str:
    """An image of busybox and the Python that runs the tests, with an environment that has pip at /opt/venv."""
    need_docker()
    pip = pytest.importorskip("pip", reason="pip is not in the tests' environment")
    binary = Path(sys.executable).resolve()
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    linked = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, check=True).stdout
    libraries = {Path(word) for line in linked.splitlines() for word in line.split() if word.startswith("/")}
    stdlib = Path(sysconfig.get_paths()["stdlib"])
    for extension in (stdlib / "lib-dynload").glob("*.so"):
        linked = subprocess.run(["ldd", str(extension)], capture_output=True, text=True, check=True).stdout
        libraries |= {Path(word) for line in linked.splitlines() for word in line.split() if word.startswith("/")}
    files = [(str(path).lstrip("/"), path.read_bytes(), 0o755) for path in sorted({*libraries, binary})]
    files += [("bin/busybox", static_busybox().read_bytes(), 0o755), *_below(stdlib, LEFT_OUT)]
    home = Path(pip.__file__).parent
    site = f"opt/venv/lib/{name}/site-packages"
    for part in [home, *home.parent.glob("pip-*.dist-info")]:
        files += [(f"{site}/{path[len(str(home.parent)) :]}", *rest) for path, *rest in _below(part, {"__pycache__"})]
    files.append(("opt/venv/pyvenv.cfg", f"home = {binary.parent}\nversion = 3\n".encode(), 0o644))
    links = [(f"bin/{applet}", "busybox") for applet in APPLETS.split()] + [("opt/venv/bin/python", str(binary))]
    return imported("onetrip-python", tarball(files, links), "ENV PATH=/opt/venv/bin:/bin", 'CMD ["sleep", "1000"]')
