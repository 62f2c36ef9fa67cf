"""Feeding a process and draining it at once: one thread that waits for all of its pipes together."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from typing import IO, Literal

from engine.codes import Code
from engine.errors import ConnectionLost
from engine.model import Output
from engine.transports import process as processes
from engine.transports.process import LINGER, PIECE, POLL, exit_status, leave


def converse(
    process: subprocess.Popen[bytes], stdin: Iterable[bytes], *, silence: float, name: str
) -> Iterator[Output]:
    """Feed the process and yield what it prints; the last piece is its exit status (128 and the signal's
    number where one ended it). Closing the iterator closes the pipes and leaves the process to itself.

    Raises ConnectionLost, with `name` in it, where nothing moved for `silence` seconds.
    """
    if processes.THREADED:
        from engine.transports.process_threads import Threads

        return Threads(process, stdin).pieces(silence, name)
    return _Conversation(process, stdin).pieces(silence, name)


class _Conversation:
    def __init__(self, process: subprocess.Popen[bytes], stdin: Iterable[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.process, self.pipe = process, process.stdin
        self.stdin = iter(stdin)
        self.pending = memoryview(b"")
        self.waiting = False
        self.selector = selectors.DefaultSelector()
        if sys.platform != "win32":
            os.set_blocking(process.stdin.fileno(), False)
        self.selector.register(process.stdin, selectors.EVENT_WRITE, "stdin")
        self.selector.register(process.stdout, selectors.EVENT_READ, "stdout")
        self.selector.register(process.stderr, selectors.EVENT_READ, "stderr")
        self.outputs = 2

    def pieces(self, silence: float, name: str) -> Iterator[Output]:
        try:
            moved = time.monotonic()
            ended: float | None = None
            while self.outputs:
                ready = self.selector.select(POLL)
                for key, _ in ready:
                    if key.data == "stdin":
                        self._feed()
                    else:
                        piece = self._read(key.fileobj, key.data)  # type: ignore[arg-type]
                        if piece:
                            yield piece
                            if self.waiting:
                                self.selector.register(self.pipe, selectors.EVENT_WRITE, "stdin")
                                self.waiting = False
                now = time.monotonic()
                if ready:
                    moved = now
                elif now - moved > silence:
                    raise ConnectionLost(
                        f"{name}: no output from the program for {silence:g} s; gave up", code=Code.SILENCE
                    )
                if ended is None and not ready and self.process.poll() is not None:
                    ended = now
                if ended is not None and now - ended > LINGER:
                    break
            if self.waiting:
                # What it waits for will not come.
                self.pipe.close()
            yield Output("exit", status=exit_status(self.process, silence, name))
        finally:
            self.selector.close()
            for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
                if pipe:
                    pipe.close()
            leave(self.process)

    def _feed(self) -> None:
        try:
            if not self.pending:
                self.pending = memoryview(next(self.stdin))
                if not self.pending:
                    # Nothing to say until the program has printed more.
                    self.selector.unregister(self.pipe)
                    self.waiting = True
                    return
            self.pending = self.pending[os.write(self.pipe.fileno(), self.pending[:PIECE]) :]
        except BlockingIOError:
            return
        except (StopIteration, BrokenPipeError):
            self.selector.unregister(self.pipe)
            self.pipe.close()

    def _read(self, file: IO[bytes], stream: Literal["stdout", "stderr"]) -> Output | None:
        data = os.read(file.fileno(), PIECE)
        if data:
            return Output(stream, data)
        self.selector.unregister(file)
        file.close()
        self.outputs -= 1
        return None
