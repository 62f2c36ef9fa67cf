"""The image of the sandbox's service: this machine's own Python, imported as it is. Nothing is pulled or built.

It holds the interpreter, its standard library, the shared libraries both need, `sh`, and a virtual environment in
/opt/venv with pip: what a ComfyUI image has, less ComfyUI and everything heavy.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path

VENV = "/opt/venv"
PYTHON = f"{VENV}/bin/python"
PACKAGES = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
LABEL = "onetrip.sandbox"
LEFT_OUT = {"test", "tests", "idlelib", "turtledemo", "tkinter", "lib2to3", "ensurepip", "pydoc_data"}
LEFT_OUT |= {"site-packages", "dist-packages"}


class Unsuitable(Exception):
    """This machine cannot run the sandbox; the text says what is missing."""


def made_of() -> str:
    """A digest of what the image is made of: this very Python, in this very way."""
    return hashlib.sha256(f"{sys.version} {_interpreter()}".encode() + Path(__file__).read_bytes()).hexdigest()


def make(tag: str) -> None:
    """Import the image as `tag`, unless it is there already and made of this very Python.

    Raises Unsuitable where the machine is not Linux, CalledProcessError where docker fails.
    """
    if not sys.platform.startswith("linux"):
        raise Unsuitable("the sandbox's image is made of this machine's Python, so it needs Linux (WSL is fine)")
    seen = ["docker", "image", "inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}', tag]
    if subprocess.run(seen, capture_output=True, text=True).stdout.strip() == made_of():
        return
    changes = [f"LABEL {LABEL}={made_of()}", f"ENV PATH={VENV}/bin:/bin", "ENV HOME=/root", 'CMD ["sh"]']
    command = ["docker", "import", *(word for change in changes for word in ("--change", change)), "-", tag]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as importing:
        assert importing.stdin is not None
        with tarfile.open(fileobj=importing.stdin, mode="w|") as archive:
            _fill(archive)
    if importing.returncode:
        raise subprocess.CalledProcessError(importing.returncode, command)


def lay_venv(directory: Path) -> None:
    """Make a virtual environment with pip of the image's Python, for a container that has it in a mount."""
    for path, name in _pip():
        target = directory / PACKAGES / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    (directory / "bin").mkdir()
    for name in ("python", "python3"):
        (directory / "bin" / name).symlink_to(_interpreter())
    (directory / "pyvenv.cfg").write_text(_venv_settings())


def _fill(archive: tarfile.TarFile) -> None:
    interpreter = _interpreter()
    shell = Path(shutil.which("sh") or "/bin/sh").resolve()
    library = Path(sysconfig.get_path("stdlib"))
    shared = Path(sysconfig.get_config_var("DESTSHARED") or library / "lib-dynload")
    packages = f"{VENV}/{PACKAGES}"
    files = {interpreter: str(interpreter), shell: "/bin/sh"}
    files |= {path: str(path) for path in _tree(library)}
    files |= {path: str(path) for path in _tree(shared)}
    files |= {path: f"{packages}/{name}" for path, name in _pip()}
    files |= {path: str(path) for path in _libraries([interpreter, shell, *shared.glob("*.so")])}
    for path, name in files.items():
        member = archive.gettarinfo(path.resolve(), name.lstrip("/"))
        member.uid = member.gid = 0
        with path.open("rb") as content:
            archive.addfile(member, content)
    _directory(archive, "tmp", 0o1777)
    _directory(archive, "root", 0o700)
    _directory(archive, "workspace", 0o755)
    _text(archive, "etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    _text(archive, "etc/group", "root:x:0:\n")
    _text(archive, f"{VENV}/pyvenv.cfg", _venv_settings())
    for name in ("python", "python3"):
        link = tarfile.TarInfo(f"{VENV}/bin/{name}".lstrip("/"))
        link.type, link.linkname = tarfile.SYMTYPE, str(interpreter)
        archive.addfile(link)


def _interpreter() -> Path:
    return Path(sys.executable).resolve()


def _venv_settings() -> str:
    return f"home = {_interpreter().parent}\ninclude-system-site-packages = false\n"


def _tree(top: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(top):
        names[:] = [name for name in names if name not in LEFT_OUT and not name.startswith("config-")]
        for file in files:
            path = Path(folder, file)
            if path.is_file() and not re.search(r"\.opt-\d\.pyc$|\.a$", file):
                yield path


def _pip() -> Iterator[tuple[Path, str]]:
    spec = importlib.util.find_spec("pip")
    if spec is None or spec.origin is None:
        raise Unsuitable(f"{sys.executable} has no pip; make the virtual environment again: scripts/setup venv")
    site = Path(spec.origin).parents[1]
    for top in (site / "pip", *site.glob("pip-*.dist-info")):
        for path in _tree(top):
            yield path, str(path.relative_to(site))


def _libraries(binaries: list[Path]) -> set[Path]:
    """Every shared library the binaries load, by the name they load it under."""
    command = ["ldd", *map(str, binaries)]
    listed = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}).stdout
    return {Path(path) for path in re.findall(r"(?:=> |^\s+)(/\S+) \(0x", listed, re.MULTILINE)}


def _directory(archive: tarfile.TarFile, name: str, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.mode = tarfile.DIRTYPE, mode
    archive.addfile(member)


def _text(archive: tarfile.TarFile, name: str, text: str) -> None:
    member = tarfile.TarInfo(name.lstrip("/"))
    member.size, member.mode = len(text), 0o644
    archive.addfile(member, io.BytesIO(text.encode()))
