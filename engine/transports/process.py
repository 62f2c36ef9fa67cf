"""A process on this machine: fed and drained at once, left to itself when its output is no longer wanted."""

from __future__ import annotations

import os
import selectors
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence

from engine.codes import Code
from engine.errors import ConnectionLost

PIECE = 1 << 16
LINGER = 1.0
"""Seconds that output is still waited for after the process has ended: a daemon may hold the pipes."""
POLL = 0.25
"""Seconds between two looks at whether the process has ended although its pipes are open."""

THREADED = os.name == "nt"
"""Whether pipes have to be watched by threads."""

_left: list[subprocess.Popen[bytes]] = []
_left_lock = threading.Lock()


def outer_environment() -> dict[str, str]:
    """The environment for a program on this side that leads to a host: all but what is the engine's own, so that
    its key is handed to nobody."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ENGINE_")}


def start(argv: Sequence[str], env: Mapping[str, str], cwd: str | None = None) -> subprocess.Popen[bytes]:
    """Start argv with three pipes, in a session (on Windows: a group) of its own: a Ctrl-C does not reach it.

    Raises OSError.
    """
    reap()
    return subprocess.Popen(
        list(argv),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env=dict(env),
        cwd=cwd,
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def reap() -> None:
    """Collect the processes that were left running and have ended since; never waits."""
    with _left_lock:
        _left[:] = [process for process in _left if process.poll() is None]


def capture(process: subprocess.Popen[bytes], timeout: float) -> tuple[int, bytes, bytes] | None:
    """Exit status, stdout and stderr of a process that was started with pipes; None where it did not end within
    `timeout` seconds (it is killed then). `Popen.communicate` would look at the clock in naps of milliseconds."""
    if THREADED:
        try:
            captured = process.communicate(timeout=timeout)
            return process.returncode, *captured
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return None
    assert process.stdout is not None
    assert process.stderr is not None
    deadline = time.monotonic() + timeout
    gathered: dict[int, list[bytes]] = {process.stdout.fileno(): [], process.stderr.fileno(): []}
    out, err = gathered.values()
    with process.stdout, process.stderr, selectors.DefaultSelector() as selector:
        for number in gathered:
            selector.register(number, selectors.EVENT_READ)
        while selector.get_map() and time.monotonic() < deadline:
            for key, _ in selector.select(deadline - time.monotonic()):
                data = os.read(key.fd, PIECE)
                gathered[key.fd].append(data)
                if not data:
                    selector.unregister(key.fd)
        if not selector.get_map() and ended(process, deadline - time.monotonic()):
            return process.wait(), b"".join(out), b"".join(err)
    process.kill()
    process.wait()
    return None


def ended(process: subprocess.Popen[bytes], timeout: float) -> bool:
    """Wait for the end of a process, up to `timeout` seconds; not in naps, where the system can tell."""
    if process.poll() is not None:
        return True
    try:
        number = os.pidfd_open(process.pid) if hasattr(os, "pidfd_open") else None
    except OSError:
        number = None
    if number is None:
        try:
            process.wait(max(0.0, timeout))
        except subprocess.TimeoutExpired:
            return False
        return True
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(number, selectors.EVENT_READ)
            return bool(selector.select(max(0.0, timeout)))
    finally:
        os.close(number)


def exit_status(process: subprocess.Popen[bytes], silence: float, name: str) -> int:
    """As a shell has it: 128 and the signal's number where one ended it. Raises ConnectionLost."""
    if not ended(process, silence):
        raise ConnectionLost(
            f"{name}: the program closed its output but did not end within {silence:g} s", code=Code.SILENCE
        )
    status = process.wait()
    return status if status >= 0 else 128 - status


def leave(process: subprocess.Popen[bytes]) -> None:
    """Let a process go on by itself; it is collected when it has ended."""
    if process.poll() is None:
        with _left_lock:
            _left.append(process)
