"""What somebody else's code is started with: no descriptor but the first three, in no kind. (Hooks of git:
test_git_clone.py; users who are become: test_become.py.)"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from engine.kinds.file_sync import FileSync
from engine.kinds.git_clone import GitClone
from engine.kinds.pip_install import PipInstall
from engine.model import HostPath, Resource
from tests.attacker.arena import BACKEND, git, put
from tests.harness import SHELLS, Failed, apply

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give files to users")
USER = 23007
SPY = """#!PYTHON
import os, sys
NOTE
os.execv("REAL", ["REAL", *sys.argv[1:]])
"""
BUILD = """
import os, sys
NOTE
sys.exit("it builds nothing")
"""
NOTE = """
found = {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in range(3, 64) if os.path.lexists(f"/proc/self/fd/{fd}")}
with open("OPEN", "a") as file:
    print("started", *(f"{fd} {to}" for fd, to in found.items()), sep="\\n", file=file)
"""


@pytest.fixture(params=[pytest.param(n, marks=[pytest.mark.full] if "bash" in n else []) for n in SHELLS])
def shell(request: pytest.FixtureRequest) -> Sequence[str]:
    return SHELLS[request.param]


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that everybody can look into, and a file in it that everybody can write."""
    with tempfile.TemporaryDirectory(prefix="engine-inherited-") as made:
        Path(made).chmod(0o755)
        put(Path(made) / "open", "", 0o666)
        yield Path(made)


def spy(place: Path, real: str, name: str) -> Path:
    """A program that notes what is open when it is started."""
    path = place / "bin" / name
    put(path, noting(SPY, place).replace("PYTHON", sys.executable).replace("REAL", real), 0o755)
    return path


def noting(text: str, place: Path) -> str:
    return text.replace("NOTE", NOTE.replace("OPEN", str(place / "open")))


def noted(place: Path) -> set[str]:
    return set((place / "open").read_text().splitlines())


def test_an_interpreter_and_what_it_builds(shell: Sequence[str], place: Path) -> None:
    python = spy(place, sys.executable, "python")
    put(place / "project/pyproject.toml", BACKEND, 0o644)
    put(place / "project/evil.py", noting(BUILD, place), 0o644)
    put(place / "requirements.txt", f"{place}/project\n", 0o644)
    resource = PipInstall(
        python=str(python),
        requirements=HostPath(str(place / "requirements.txt")),
        options={"no-index": True, "no-deps": True},
    )
    with pytest.raises(Failed, match="builds nothing"):
        apply(resource, shell)
    assert noted(place) == {"started"}


def kinds(place: Path) -> dict[str, Resource]:
    """Resources in a directory of a user's: whoever acts there is that user."""
    put(place / "repo/file", "x\n", 0o644)
    git(place / "repo", "init", "-q", "-b", "main")
    git(place / "repo", "add", "file")
    git(place / "repo", "commit", "-q", "-m", "x")
    theirs = place / "theirs"
    return {
        "file-sync": FileSync(path=HostPath(str(theirs / "file")), content="new\n", parents=True),
        "file-sync, staged": FileSync(path=HostPath(str(theirs / "line")), first_line="new"),
        "git-clone": GitClone(repo=f"file://{place}/repo", path=HostPath(str(theirs / "it")), revision="main"),
    }


@pytest.mark.parametrize("kind", ["file-sync", "file-sync, staged", "git-clone"])
def test_whoever_owns_the_directory(kind: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.which("setpriv")
    if not real:
        pytest.skip("setpriv is missing")
    resource = kinds(place)[kind]
    (place / "theirs").mkdir()
    for path in (place / "theirs", place / "repo", *(place / "repo").rglob("*")):
        os.chown(path, USER, USER)
    spy(place, real, "setpriv")
    monkeypatch.setenv("PATH", f"{place}/bin:{os.environ['PATH']}")
    apply(resource)
    assert noted(place) == {"started"}
