"""Every module of the engine loads in a fresh interpreter: as it is here, and as it is on Windows."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.windows import AS_WINDOWS, TOP

HERE = (sys.executable, "-c", "import importlib, sys; [importlib.import_module(name) for name in sys.argv[2:]]")


def modules() -> list[str]:
    """Every module of the engine, but the program that runs on hosts alone."""
    files = [path.relative_to(TOP).with_suffix("") for path in (TOP / "engine").rglob("*.py")]
    names = {".".join(path.parts).removesuffix(".__init__") for path in files}
    return sorted(names - {"engine.kinds.pip_install.program"})


@pytest.mark.parametrize("python", [HERE, AS_WINDOWS], ids=["here", "as on Windows"])
def test_every_module_loads(python: tuple[str, ...]) -> None:
    ran = subprocess.run([*python, "import", *modules()], cwd=TOP, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
