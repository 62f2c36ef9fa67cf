"""Packages for pip to install, made on the spot. Imports nothing that a build in isolation would lack."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from pathlib import Path


def wheel(directory: Path, name: str, version: str, requires: Iterable[str] = (), code: str = "") -> Path:
    """A wheel of one module in `directory`; `requires` as in its metadata."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {line}\n" for line in requires)
    extras = {extra for line in requires for extra in re.findall(r"extra == '(\w+)'", line)}
    metadata += "".join(f"Provides-Extra: {extra}\n" for extra in sorted(extras))
    files = {
        f"{name}.py": code or f"version = {version!r}\n",
        f"only_in_{name}_{version.replace('.', '_')}.py": "",
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, content in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(file, content)
    return path
