"""A user cannot block a resource for good: whatever is in the way in the user's directory, an apply does its work in
spite of it, or ends in time with a sentence that names it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.kit.paths import temporary
from engine.model import HostPath
from tests.attacker.arena import MALLORY, Form, arena, give, put

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give files to users")

PATIENCE = 4
"""Seconds that each resource is given."""
LONGEST = 60
"""Seconds after which even an inspection that hangs has been given up."""

FORMS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "content": ({"content": "new\n", "backup": 1}, {"app/file": "old\n"}),
    "first line": ({"first_line": "new", "backup": 2}, {"app/file": "old\n", "app/file.bak": "older\n"}),
    "staged": ({"source": "big.bin", "backup": 1}, {"app/file": "old\n"}),
    "keys": ({"dotenv": {"A": "1"}, "backup": 1}, {"app/file": "A=0\n"}),
    "in a shared directory": (
        {"content": "new\n", "backup": 1},
        {"app/": {"owner": 0, "group": MALLORY, "mode": "0775"}, "app/file": "old\n"},
    ),
}


def fifo(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    """/dev/null has this number, too."""
    os.mknod(path, 0o20666, os.makedev(1, 3))


def endpoint(path: Path) -> None:
    place = os.open(path.parent, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(f"/proc/self/fd/{place}/{path.name}")
    os.close(place)


def full(path: Path) -> None:
    put(path / "theirs/theirs", "theirs\n", 0o644)


def closed(path: Path) -> None:
    """A directory that not even its owner may change as it is."""
    full(path)
    path.chmod(0o500)
    (path / "theirs").chmod(0)


def link(path: Path) -> None:
    path.symlink_to("/nowhere")


SAMPLE = ("content", "in a shared directory")

THINGS: Mapping[str, Callable[[Path], None]] = {
    "fifo": fifo,
    "device": device,
    "socket": endpoint,
    "full directory": full,
    "closed directory": closed,
    "link": link,
}
PLACES = {"temporary name": None, "backup": "file.bak", "path": "file"}
WAY = "in the way"


def temporary_name(path: Path) -> Path:
    return path.with_name(temporary(HostPath(str(path))))


def ends(resource: dict[str, Any], lay: dict[str, Any], obstruct: Callable[[Path], Any]) -> tuple[int, str, str]:
    """One apply, with an obstacle laid before; its exit code, what it said, and what is at the path then."""
    form = Form("blocked", {"file-sync": {"path": "PATH", **resource}, "timeout": PATIENCE}, lay=lay)
    with arena(form, "nothing") as made:
        made.lay()
        before = time.monotonic()
        with held(obstruct(made.path)):
            code, said = made.run("apply")
        assert time.monotonic() - before < LONGEST, "it took too long"
        text = made.path.read_text() if made.path.is_file() else ""
        for place, _, _ in os.walk(made.home):
            os.chmod(place, 0o700)
    return code, said, text


@contextmanager
def held(process: Any) -> Iterator[None]:
    """A process that an obstacle consists of, until the end."""
    try:
        yield
    finally:
        if isinstance(process, subprocess.Popen):
            process.kill()
            process.wait()


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "form", [pytest.param(name, marks=[] if name in SAMPLE else [pytest.mark.full]) for name in FORMS]
)
def test_something_is_in_the_way(form: str, place: str, thing: str) -> None:
    def obstruct(path: Path) -> None:
        at = temporary_name(path) if PLACES[place] is None else path.with_name(str(PLACES[place]))
        at.unlink(missing_ok=True)
        THINGS[thing](at)
        give(at, MALLORY)

    code, said, text = ends(*FORMS[form], obstruct)
    if place == "path":
        assert (code, bool(re.search("in the way|is a symbolic link; it was left", said))) == (1, True), said
    elif "directory" in thing and place == "backup":
        assert (code, bool(re.search(WAY, said))) in ((0, False), (1, True)), said
    else:
        assert code == 0, said
        assert text[:2] in ("ne", "A="), said


HOLDER = """
import fcntl, os, signal, sys
uid, path, how = int(sys.argv[1]), sys.argv[2], sys.argv[3]
os.setresgid(uid, uid, uid); os.setresuid(uid, uid, uid)
fd = os.open(path, os.O_RDWR)
if how == "lease": fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
elif how == "flock": fcntl.flock(fd, fcntl.LOCK_EX)
else: fcntl.lockf(fd, fcntl.LOCK_EX)
signal.signal(signal.SIGIO, signal.SIG_IGN)
print("held", flush=True)
while True: signal.pause()
"""


@pytest.mark.parametrize(
    ("form", "how"),
    [*((form, how) for form in SAMPLE for how in ("flock", "lockf")), ("content", "lease")],
)
def test_a_lock_is_held_on_the_file(form: str, how: str) -> None:
    """A lease keeps everybody else from opening the file for 45 seconds, once; other locks keep nobody out."""

    def obstruct(path: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLDER, str(MALLORY), str(path), how]
        made = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert made.stdout is not None
        assert made.stdout.readline() == "held\n"
        return made

    code, said, _ = ends(*FORMS[form], obstruct)
    if how != "lease":
        assert code == 0, said
    else:
        assert code == 0 or "inspecting it took longer than" in said, said


def test_a_directory_with_very_many_names() -> None:
    def obstruct(path: Path) -> None:
        for number in range(30_000):
            os.close(os.open(path.parent / f".engine-{number:010}", os.O_CREAT | os.O_WRONLY))

    code, said, text = ends(*FORMS["in a shared directory"], obstruct)
    assert (code, text) == (0, "new\n"), said


def test_the_directory_is_closed() -> None:
    """Not even its owner may go there, or write in it."""
    for mode in (0o000, 0o500):
        code, said, text = ends(*FORMS["content"], lambda path, mode=mode: path.parent.chmod(mode))
        assert code == 1, said
        assert re.search("permission denied|cannot be entered|no file can be made", said), said
        assert text in ("old\n", "")


def test_an_index_that_is_locked() -> None:
    """A lock of git's that nobody holds any more, or that a user made, ends in a sentence that names it."""
    resource = {"git-clone": {"repo": "REPO", "path": "PATH", "revision": "newer"}, "timeout": PATIENCE}
    form = Form("blocked", resource, path="app/checkout", lay={"app/checkout/": {"checkout": "older"}})
    with arena(form, "nothing") as made:
        made.lay()
        put(made.path / ".git/index.lock", "", 0o644)
        give(made.path / ".git/index.lock", MALLORY)
        code, said = made.run("apply")
        assert code == 1
        assert "index.lock" in said
        (made.path / ".git/index.lock").unlink()
        assert made.run("apply")[0] == 0
