"""The same conversation with a process, by threads: for Windows, where pipes cannot be waited for together."""

from __future__ import annotations

import queue
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from typing import IO, Literal

from engine.codes import Code
from engine.errors import ConnectionLost
from engine.model import Output
from engine.transports.process import LINGER, PIECE, POLL, exit_status, leave
from engine.transports.stdin_gate import Turns

WAITING = 64
"""Pieces of output that wait to be taken; the reader of a pipe waits when there are more."""


class Threads:
    """One thread writes, two read. Closed early, they end as soon as their pipe says something or is closed."""

    def __init__(self, process: subprocess.Popen[bytes], stdin: Iterable[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.process = process
        self.stdin = stdin
        self.moved = time.monotonic()
        self.closed = False
        self.turns = Turns()
        self.failure: BaseException | None = None
        self.queue: queue.Queue[Output | None] = queue.Queue(WAITING)
        self.outputs = 2
        for work in (
            lambda: self._write(process.stdin),
            lambda: self._read(process.stdout, "stdout"),
            lambda: self._read(process.stderr, "stderr"),
        ):
            threading.Thread(target=work, name="process-pipe", daemon=True).start()

    def _write(self, pipe: IO[bytes] | None) -> None:
        assert pipe is not None
        try:
            with pipe:
                for chunk in self.turns.pieces(self.stdin):
                    for start in range(0, len(chunk), PIECE):
                        if self.closed:
                            return
                        rest = memoryview(chunk)[start : start + PIECE]
                        while rest:
                            rest = rest[pipe.write(rest) :]
                            self.moved = time.monotonic()
        except OSError:
            # The program closed its input; its output says the rest.
            pass
        except BaseException as error:
            self.failure = error

    def _read(self, pipe: IO[bytes] | None, stream: Literal["stdout", "stderr"]) -> None:
        assert pipe is not None
        with pipe:
            while not self.closed:
                data = pipe.read(PIECE)
                if not data:
                    break
                self._put(Output(stream, data))
        self._put(None)

    def _put(self, piece: Output | None) -> None:
        while not self.closed:
            try:
                self.queue.put(piece, timeout=POLL)
                return
            except queue.Full:
                continue

    def pieces(self, silence: float, name: str) -> Iterator[Output]:
        """What the program prints, then its exit status; closing it lets the threads go, and the process. Raises
        ConnectionLost."""
        try:
            ended: float | None = None
            while self.outputs:
                piece: Output | None = None
                try:
                    piece = self.queue.get(timeout=min(POLL, silence))
                except queue.Empty:
                    if self.failure is not None:
                        raise self.failure from None
                    now = time.monotonic()
                    if now - self.moved > silence:
                        raise ConnectionLost(
                            f"{name}: no output from the program for {silence:g} s; gave up", code=Code.SILENCE
                        ) from None
                    if ended is None and self.process.poll() is not None:
                        ended = now
                    if ended is not None and now - ended > LINGER:
                        break
                    continue
                if piece is None:
                    self.outputs -= 1
                else:
                    yield piece
                    self.turns.took()
                self.moved = time.monotonic()
            if self.failure is not None:
                raise self.failure
            self.turns.end()
            yield Output("exit", status=exit_status(self.process, silence, name))
        finally:
            # The threads go, and so does the process.
            self.closed = True
            self.turns.end()
            leave(self.process)
