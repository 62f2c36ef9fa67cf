"""What the tests of transports share: run a program to its end, count what is left behind."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.model import Transport
from tests.sshd import SSHD


@dataclass(frozen=True)
class Ran:
    """What a program printed, and its exit status."""

    stdout: bytes
    stderr: bytes
    status: int | None


def run(transport: Transport, *argv: str, stdin: Iterable[bytes] = ()) -> Ran:
    """Run a program to its end."""
    out: dict[str, list[bytes]] = {"stdout": [], "stderr": [], "exit": []}
    status = None
    for piece in transport.run(argv, stdin):
        assert status is None, "something came after the exit status"
        out[piece.stream].append(piece.data)
        status = piece.status
    return Ran(b"".join(out["stdout"]), b"".join(out["stderr"]), status)


def need_sshd() -> None:
    if SSHD is None or os.geteuid() != 0:
        pytest.skip("needs OpenSSH's sshd, and root to start it")


def threads_and_files() -> tuple[list[str], list[str]]:
    """Names of this process's threads, and what its file descriptors are."""
    files = []
    for number in os.listdir("/proc/self/fd"):
        try:
            files.append(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:
            continue
    return sorted(thread.name for thread in threading.enumerate()), sorted(files)


def children(state: str = "") -> list[int]:
    """Child processes of this one; with `Z`, those that ended and were not collected."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(words[1]) == os.getpid() and (not state or words[0] == state):
                found.append(int(entry.name))
    return found
