"""What a program on a host reports while it runs, parsed as it streams in.

Both streams of a program are cut by markers, lines of the form `#NONCE WORD ARGUMENTS` with a line break on either
side. On standard output they frame facts and progress; on standard error they only say where one section's output
ends. What stands between two markers is the payload of the first, byte for byte: no payload can end or forge a frame
without the nonce, which is made anew for each program and never handed to a section's commands.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from engine.codes import Code
from engine.errors import HostFailed
from engine.model import Output
from engine.program.events import (
    Beat,
    Done,
    Event,
    Finished,
    Hello,
    LockBusy,
    Result,
    Skipped,
    Started,
    Stopped,
    Waited,
)
from engine.program.scanner import TAIL, Scanner, Tail

__all__ = [
    "TAIL", "Beat", "Done", "Event", "Finished", "Hello", "LockBusy", "Parser", "Result", "Skipped", "Started",
    "Stopped", "Tail", "Waited",
]  # fmt: skip

FACTS_LIMIT = 64 * 1024 * 1024
"""Bytes of facts a program may report; more is a probe gone wild, which must not fill the controller's memory."""
FACT_COST = 256
"""Bytes that a fact counts beside its key and value: what it takes to keep even an empty one."""
OUTPUT_LIMIT = 16 * 1024 * 1024
"""Bytes of output kept of a program, all sections together. Beyond that each one keeps its `LAST_WORDS` alone."""
LAST_WORDS = 1024
SENTENCE = 4096
"""Bytes that are kept of what a program says of itself: who holds the lock, why it cannot go on."""
KEY = re.compile(r"[A-Za-z0-9_.-]+")
NUMBER = re.compile(r"[0-9]{1,10}")
TRANSPARENT = frozenset({"beat", "live"})
"""Markers written by the watchdog or the program while a section may be printing: they end no payload."""


@dataclass
class _Running:
    """A section between its start and its end."""

    index: int
    since: float
    late: bool = False
    facts: dict[str, str] = field(default_factory=dict)


@dataclass
class _Ended:
    """A section that has ended on the frames, and waits for the end of its output."""

    index: int
    running: _Running
    status: int
    timed_out: bool
    seconds: float
    output: str | None = None


class Parser:
    """Turns the output of a program into events. `done` once its last frame has arrived.

    `sections` are the names, in the order of the program. `inner` are further nonces, known to the user that a
    section runs as: what they mark counts for these sections, by number, and says nothing of any other.
    """

    def __init__(
        self,
        nonce: str,
        sections: Sequence[str],
        clock: Callable[[], float] = time.monotonic,
        inner: Mapping[str, frozenset[int]] | None = None,
    ) -> None:
        self.sections, self.clock = tuple(sections), clock
        self.nonce, self.inner = nonce, dict(inner or {})
        self.greeted = self.finished = self.quiet = self.done = False
        self.failure: str | None = None
        self.noise = Tail(2048)
        self._frames = Scanner((nonce, *self.inner))
        self._output = Scanner((nonce,))
        self._queue: deque[Event | _Ended] = deque()
        self._told: set[type] = set()
        self._outputs: dict[int, str] = {}
        self._tail = Tail()
        self._hushed = False
        self._running: _Running | None = None
        # Sections report in the order of the program, each once: what lies before these numbers is over.
        self._next = self._next_output = 0
        self._value: bytearray | None = None
        self._reader = ""
        self._close: Callable[[bytes], None] = lambda _value: None
        self._facts_size = self._output_size = 0

    def feed(self, output: Output) -> list[Event]:
        """Take one piece of output; the events it completes. Raises HostFailed where facts grow without limit, and
        for frames that no program of the engine sends."""
        if output.stream == "stdout":
            for part in self._frames.feed(output.data):
                if isinstance(part, bytes):
                    self._frame_payload(part)
                else:
                    self._frame(*part)
        elif output.stream == "stderr":
            for part in self._output.feed(output.data):
                if isinstance(part, bytes):
                    self._output_payload(part)
                else:
                    self._output_marker(part.words)
        return list(self._complete())

    def end(self) -> list[Event]:
        """The streams are over: what was held back for output that did not come."""
        if rest := self._frames.end():
            self._frame_payload(rest)
        if rest := self._output.end():
            self._output_payload(rest)
        self.quiet = True
        return list(self._complete())

    @property
    def current(self) -> str:
        """The section that is running, or nothing."""
        return self.sections[self._running.index] if self._running else ""

    def _complete(self) -> Iterator[Event]:
        while self._queue:
            head = self._queue[0]
            if isinstance(head, _Ended):
                output = self._outputs.pop(head.index, None)
                if output is None and not self.quiet:
                    return
                output = self._take() if output is None else output
                result = Result(head.status, head.running.facts, output, head.timed_out, head.seconds)
                head_event: Event = Finished(self.sections[head.index], result)
            elif isinstance(head, Done) and not self.quiet:
                return
            else:
                head_event = head
            self._queue.popleft()
            self.done = self.done or isinstance(head_event, Done)
            yield head_event

    # --- frames, on standard output ----------------------------------------------------------------------------

    def _frame(self, nonce: str, words: list[str]) -> None:
        if self.finished:
            return
        if nonce != self.nonce:
            self._inner_frame(nonce, words)
            return
        word, arguments = words[0], words[1:]
        if word in TRANSPARENT:
            # However many come while something waits to be told: they say the same.
            if not self._queue or not isinstance(self._queue[-1], Beat):
                self._queue.append(Beat())
            return
        self._close_value()
        match word, arguments:
            case "hello", [pid, *born]:
                self.greeted = True
                self._once(Hello(_number(words, pid) if pid else 0, " ".join(born)))
            case "start", [index]:
                self._start(_number(words, index, self._next, len(self.sections)), words)
            case "end", [index, status, "0" | "1" as late]:
                self._end(_number(words, index, 0, len(self.sections)), _number(words, status, 0, 1000), late, words)
            case "fact", [index, key] if KEY.fullmatch(key):
                self._read(self._fact(_number(words, index, 0, len(self.sections)), key))
            case "skip", [index, because]:
                self._next = _number(words, index, self._next, len(self.sections)) + 1
                needed = _number(words, because, 0, self._next - 1)
                self._queue.append(Skipped(self.sections[self._next - 1], self.sections[needed]))
            case "busy", []:
                self._read(lambda value: self._once(LockBusy(value[:SENTENCE].decode("utf-8", "replace"))))
            case "error", []:
                self._read(self._fail)
            case "waited", []:
                self._once(Waited())
            case "stopped", []:
                self._once(Stopped())
            case "done", []:
                self.finished = True
                self._queue.append(Done())
            case ".", []:
                pass
            case _:
                _impossible(words)

    def _once(self, event: Event) -> None:
        if type(event) not in self._told:
            self._told.add(type(event))
            self._queue.append(event)

    def _start(self, index: int, words: list[str]) -> None:
        if self._running is not None:
            _impossible(words)
        self._next = index + 1
        self._running = _Running(index, self.clock())
        self._queue.append(Started(self.sections[index]))

    def _inner_frame(self, nonce: str, words: list[str]) -> None:
        """A frame of a program within this one: facts, and that the section was ended for taking too long."""
        if words[0] in TRANSPARENT:
            return
        if self._value is not None and self._reader != nonce:
            # Within somebody else's fact it is part of it.
            self._frame_payload(f"\n#{nonce} {' '.join(words)}\n".encode())
            return
        self._close_value()
        running = self._running
        if running is None or running.index not in self.inner[nonce]:
            return
        match words:
            case ["fact", index, key] if index == str(running.index) and KEY.fullmatch(key):
                self._read(self._fact(running.index, key), nonce)
            case ["late", index] if index == str(running.index):
                running.late = True

    def _frame_payload(self, data: bytes) -> None:
        if self._value is not None:
            self._grow(len(data))
            self._value += data
        elif not self.greeted:
            self.noise.add(data)

    def _grow(self, size: int) -> None:
        self._facts_size += size
        if self._facts_size > FACTS_LIMIT:
            raise HostFailed(
                f"{self.current or 'the program'} reported more than {FACTS_LIMIT >> 20} MiB of facts; "
                "a probe reports digests, never bulk content"
            )

    def _read(self, close: Callable[[bytes], None], reader: str = "") -> None:
        self._grow(FACT_COST)
        self._value, self._close, self._reader = bytearray(), close, reader

    def _close_value(self) -> None:
        if self._value is not None:
            value, self._value = bytes(self._value), None
            self._close(value)

    def _fact(self, index: int, key: str) -> Callable[[bytes], None]:
        def close(value: bytes) -> None:
            # A process left behind by an earlier section may still report; its facts came too late.
            if self._running is not None and self._running.index == index:
                self._running.facts[key] = value.decode("utf-8", "surrogateescape")

        return close

    def _fail(self, text: bytes) -> None:
        self.failure = text[:SENTENCE].decode("utf-8", "replace")

    def _end(self, index: int, status: int, late: str, words: list[str]) -> None:
        running, self._running = self._running, None
        if running is None or running.index != index:
            _impossible(words)
        timed_out = running.late or late == "1"
        self._queue.append(_Ended(index, running, status, timed_out, self.clock() - running.since))

    # --- output, on standard error -----------------------------------------------------------------------------

    def _output_marker(self, words: list[str]) -> None:
        match words:
            case ["hello"]:
                self._hushed = True
            case ["end", index]:
                number = _number(words, index, self._next_output, len(self.sections))
                self._next_output = number + 1
                self._outputs[number] = self._take()
            case ["done"]:
                self.quiet = True
            case ["live"]:
                pass
            case _:
                _impossible(words)

    def _take(self) -> str:
        text = self._tail.take(max(LAST_WORDS, OUTPUT_LIMIT - self._output_size))
        self._output_size += len(text)
        return text

    def _output_payload(self, data: bytes) -> None:
        if self._hushed:
            self._tail.add(data)
        else:
            # Before the program's first word, the login shell may have printed a banner or a complaint.
            self.noise.add(data)


def _number(words: list[str], text: str, least: int = 0, limit: int = 10**10) -> int:
    """One of a frame's `words` as a number from `least` to below `limit`. Raises HostFailed where it is none."""
    if not NUMBER.fullmatch(text) or not least <= int(text) < limit:
        _impossible(words)
    return int(text)


def _impossible(words: list[str]) -> NoReturn:
    """Raises HostFailed for a frame that no program of the engine sends."""
    said = "".join(c if c.isprintable() else "?" for c in " ".join(words))[:80]
    raise HostFailed(
        f"the program on the host reported `{said}`, which no program of the engine does; the rest was ignored. "
        "Something on the host altered the program or its output",
        code=Code.TAMPERED,
    )
