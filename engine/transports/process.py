"""A process on this machine: fed and drained at once, left to itself when its output is no longer wanted."""

from __future__ import annotations

import os
import selectors
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Literal

from engine.errors import ConnectionLost
from engine.model import Output

if TYPE_CHECKING:
    from engine.transports.process_threads import Threads

PIECE = 1 << 16
LINGER = 1.0
"""Seconds that output is still waited for after the process has ended: a daemon may hold the pipes."""
LOOK = 0.25
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
        number = os.pidfd_open(process.pid)
    except (AttributeError, OSError):
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


def converse(
    process: subprocess.Popen[bytes], stdin: Iterable[bytes], *, silence: float, name: str
) -> Iterator[Output]:
    """Feed the process and yield what it prints; the last piece is its exit status (128 and the signal's
    number where one ended it). Closing the iterator closes the pipes and leaves the process to itself.

    Raises ConnectionLost, with `name` in it, where nothing moved for `silence` seconds.
    """
    conversation: _Conversation | Threads
    if THREADED:
        from engine.transports.process_threads import Threads

        conversation = Threads(process, stdin)
    else:
        conversation = _Conversation(process, stdin)
    try:
        yield from conversation.pieces(silence, name)
    finally:
        conversation.close()


def exit_status(process: subprocess.Popen[bytes], silence: float, name: str) -> int:
    """As a shell has it: 128 and the signal's number where one ended it. Raises ConnectionLost."""
    if not ended(process, silence):
        raise ConnectionLost(f"{name}: the program closed its output but did not end within {silence:g} s")
    status = process.wait()
    return status if status >= 0 else 128 - status


def leave(process: subprocess.Popen[bytes]) -> None:
    """Let a process go on by itself; it is collected when it has ended."""
    if process.poll() is None:
        with _left_lock:
            _left.append(process)


class _Conversation:
    def __init__(self, process: subprocess.Popen[bytes], stdin: Iterable[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.process = process
        self.stdin = iter(stdin)
        self.pending = memoryview(b"")
        self.waiting = False
        self.selector = selectors.DefaultSelector()
        os.set_blocking(process.stdin.fileno(), False)
        self.selector.register(process.stdin, selectors.EVENT_WRITE, "stdin")
        self.selector.register(process.stdout, selectors.EVENT_READ, "stdout")
        self.selector.register(process.stderr, selectors.EVENT_READ, "stderr")
        self.outputs = 2

    def pieces(self, silence: float, name: str) -> Iterator[Output]:
        moved = time.monotonic()
        ended: float | None = None
        while self.outputs:
            ready = self.selector.select(LOOK)
            for key, _ in ready:
                if key.data == "stdin":
                    self._feed()
                else:
                    piece = self._read(key.fileobj, key.data)  # type: ignore[arg-type]
                    if piece:
                        yield piece
                        self._resume()
            now = time.monotonic()
            if ready:
                moved = now
            elif now - moved > silence:
                raise ConnectionLost(f"{name}: nothing came from the program for {silence:g} s; given up")
            if ended is None and not ready and self.process.poll() is not None:
                ended = now
            if ended is not None and now - ended > LINGER:
                break
        if self.waiting:
            # What it waits for will not come.
            self._pipe().close()
        yield Output("exit", status=exit_status(self.process, silence, name))

    def _feed(self) -> None:
        try:
            if not self.pending:
                self.pending = memoryview(next(self.stdin))
                if not self.pending:
                    # Nothing to say until the program has printed more.
                    self.selector.unregister(self._pipe())
                    self.waiting = True
                    return
            self.pending = self.pending[os.write(self._pipe().fileno(), self.pending[:PIECE]) :]
        except BlockingIOError:
            return
        except (StopIteration, BrokenPipeError):
            self.selector.unregister(self._pipe())
            self._pipe().close()

    def _resume(self) -> None:
        if self.waiting:
            self.selector.register(self._pipe(), selectors.EVENT_WRITE, "stdin")
            self.waiting = False

    def _pipe(self) -> IO[bytes]:
        assert self.process.stdin
        return self.process.stdin

    def _read(self, file: IO[bytes], stream: Literal["stdout", "stderr"]) -> Output | None:
        data = os.read(file.fileno(), PIECE)
        if data:
            return Output(stream, data)
        self.selector.unregister(file)
        file.close()
        self.outputs -= 1
        return None

    def close(self) -> None:
        self.selector.close()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()
        leave(self.process)
