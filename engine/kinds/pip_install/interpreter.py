"""Which Python a container runs; sent there as text and run by any Python of it, so it uses nothing of the engine.

    python -I -S -c TEXT PROCESS

PROCESS is the container's main process. Printed is `#python PATH`, or `#why TEXT` where that cannot be told. Of each
branch of processes the first Python counts: what it starts itself may be anything. It is known by its own argv[0],
PATH and working directory; what /proc/PID/exe leads to would be outside its virtual environment.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Callable, Dict, Iterator, List, Optional, Tuple, TypeVar  # noqa: UP035  # for Python 3.8

T = TypeVar("T")
PYTHON = re.compile(r"(python|pypy)[0-9.]*t?")


def as_owner(process: str, read: Callable[[], T]) -> T:
    """What `read` finds of a process; where root of a container may not, its owner may."""
    try:
        return read()
    except PermissionError:
        if os.geteuid() != 0:
            raise
        about = os.stat("/proc/" + process)
    os.setegid(about.st_gid)
    os.seteuid(about.st_uid)
    try:
        return read()
    finally:
        os.seteuid(0)
        os.setegid(0)


def content(process: str, name: str) -> List[str]:  # noqa: UP006
    """The words of /proc/PROCESS/NAME."""

    def read() -> bytes:
        with open(f"/proc/{process}/{name}", "rb") as file:
            return file.read()

    return [os.fsdecode(word) for word in as_owner(process, read).split(b"\0")]


def children() -> Dict[str, List[str]]:  # noqa: UP006
    """Process → those it started."""
    found: Dict[str, List[str]] = {}  # noqa: UP006
    for process in sorted(filter(str.isdigit, os.listdir("/proc")), key=int):
        try:
            with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
                found.setdefault(file.read().rpartition(")")[2].split()[1], []).append(process)
        except OSError:
            continue
    return found


def places(process: str, word: str) -> Iterator[str]:
    """The paths at which a process's argv[0] may be."""
    if os.path.isabs(word):
        yield word
        return
    here = as_owner(process, lambda: os.readlink(f"/proc/{process}/cwd"))
    if "/" in word:
        yield os.path.join(here, word)
        return
    path = next((each[5:] for each in content(process, "environ") if each.startswith("PATH=")), os.defpath)
    for directory in path.split(":"):
        yield os.path.join(here, directory, word)


def below_root(process: str) -> bool:
    """Whether a process has the same root directory."""
    return as_owner(process, lambda: os.readlink(f"/proc/{process}/root")) == os.readlink("/proc/self/root")


def interpreter(process: str, word: str) -> Optional[str]:  # noqa: UP045
    """The path of a process's argv[0], if it can be found."""
    if not below_root(process):
        return None
    found = (path for path in places(process, word) if os.path.isfile(path) and os.access(path, os.X_OK))
    return next(found, None)


def search(main: str) -> Tuple[Dict[str, str], List[str]]:  # noqa: UP006
    """The Pythons at or below process `main`, of several names of one the first; and what else runs there."""
    below, queue = children(), [main]
    pythons: Dict[str, str] = {}  # noqa: UP006
    others: List[str] = []  # noqa: UP006
    while queue:
        process = queue.pop(0)
        try:
            word = content(process, "cmdline")[0]
            if PYTHON.fullmatch(os.path.basename(word)):
                path = interpreter(process, word)
                if path is not None:
                    same = os.path.dirname(path) + "\n" + os.path.realpath(path)
                    pythons.setdefault(same, path)
                    continue
        except OSError as error:
            if process == main:
                raise
            word = f"{process} ({error.strerror})"
        others.append(word)
        queue += below.get(process, [])
    return pythons, others


def main(process: str) -> None:
    """Print what is said above."""
    try:
        pythons, others = search(process)
    except OSError as error:
        print(f"#why its processes cannot be read ({error.filename}: {error.strerror})")
        return
    found = sorted(pythons.values())
    if len(found) == 1:
        print("#python " + found[0])
    elif found:
        print("#why several Pythons run in it: " + ", ".join(found))
    else:
        print("#why no Python runs in it, but " + ", ".join(dict.fromkeys(filter(None, others))).replace("\n", " "))


if __name__ == "__main__":
    main(sys.argv[1])
