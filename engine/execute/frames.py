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

from engine.errors import HostFailed
from engine.execute.events import (
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
from engine.model import Output

__all__ = [
    "TAIL", "Beat", "Done", "Event", "Finished", "Hello", "LockBusy", "Parser", "Result", "Skipped", "Started",
    "Stopped", "Waited",
]  # fmt: skip

TAIL = 64 * 1024
"""Bytes of a section's output that are kept: its end, where the error message stands."""
FACTS_LIMIT = 64 * 1024 * 1024
"""Bytes of facts a program may report; more is a probe gone wild, which must not fill the controller's memory."""
TRANSPARENT = frozenset({"beat", "live"})
"""Markers written by the watchdog or the program while a section may be printing: they end no payload."""


class Scanner:
    """Cuts one stream into markers and payloads, and hands each on as soon as it is known."""

    def __init__(
        self, nonces: Sequence[str], marker: Callable[[str, list[str]], None], payload: Callable[[bytes], None]
    ) -> None:
        self.openings = tuple(b"\n#" + nonce.encode("ascii") + b" " for nonce in nonces)
        self.opening = re.compile(b"\n#(" + b"|".join(nonce.encode("ascii") for nonce in nonces) + b") ")
        self.longest = max(map(len, self.openings))
        self.marker, self.payload = marker, payload
        self.rest = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream, however they were cut on the way."""
        data = self.rest + data
        position = 0
        while (found := self.opening.search(data, position)) is not None:
            end = data.find(b"\n", found.end())
            if end < 0:
                break
            if found.start() > position:
                self.payload(data[position : found.start()])
            self.marker(found[1].decode("ascii"), data[found.end() : end].decode("utf-8", "replace").split(" "))
            position = end + 1
        keep = found.start() if found is not None else self._partial(data, position)
        if keep > position:
            self.payload(data[position:keep])
        self.rest = data[keep:]

    def end(self) -> None:
        """The stream is over: what looked like the beginning of a marker is payload."""
        rest, self.rest = self.rest, b""
        if rest:
            self.payload(rest)

    def _partial(self, data: bytes, position: int) -> int:
        """Where a marker may have begun in the last bytes of `data`; its length where none can have."""
        at = data.find(b"\n", max(position, len(data) - self.longest + 1))
        while at >= 0 and not any(opening.startswith(data[at:]) for opening in self.openings):
            at = data.find(b"\n", at + 1)
        return at if at >= 0 else len(data)


class Tail:
    """The last `limit` bytes of what was added."""

    def __init__(self, limit: int = TAIL) -> None:
        self.limit, self.size = limit, 0
        self.pieces: deque[bytes] = deque()

    def add(self, data: bytes) -> None:
        """Append, and forget what lies further back than the limit."""
        self.pieces.append(data[-self.limit :])
        self.size += len(self.pieces[-1])
        while self.size - len(self.pieces[0]) >= self.limit:
            self.size -= len(self.pieces.popleft())

    def take(self) -> str:
        """What is held, as text; the tail is empty afterwards."""
        data = b"".join(self.pieces)[-self.limit :]
        self.pieces.clear()
        self.size = 0
        return data.decode("utf-8", "replace")


@dataclass
class _Running:
    """A section between its start and its end."""

    index: int
    since: float
    late: bool = False
    facts: dict[str, bytes] = field(default_factory=dict)


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
        self._frames = Scanner((nonce, *self.inner), self._frame, self._frame_payload)
        self._output = Scanner((nonce,), self._output_marker, self._output_payload)
        self._queue: deque[Event | _Ended] = deque()
        self._outputs: dict[int, str] = {}
        self._tail = Tail()
        self._hushed = False
        self._running: _Running | None = None
        self._value: list[bytes] | None = None
        self._reader = ""
        self._close: Callable[[bytes], None] = lambda _value: None
        self._facts_size = 0

    def feed(self, output: Output) -> Iterator[Event]:
        """Take one piece of output; yield what it completes. Raises HostFailed where facts grow without limit."""
        if output.stream == "stdout":
            self._frames.feed(output.data)
        elif output.stream == "stderr":
            self._output.feed(output.data)
        yield from self._complete()

    def end(self) -> Iterator[Event]:
        """The streams are over: yield what was held back for output that did not come."""
        self._frames.end()
        self._output.end()
        self.quiet = True
        yield from self._complete()

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
                head_event: Event = self._finished(head, output if output is not None else self._tail.take())
            elif isinstance(head, Done) and not self.quiet:
                return
            else:
                head_event = head
            self._queue.popleft()
            self.done = self.done or isinstance(head_event, Done)
            yield head_event

    def _finished(self, ended: _Ended, output: str) -> Finished:
        facts = {key: value.decode("utf-8", "surrogateescape") for key, value in ended.running.facts.items()}
        result = Result(ended.status, facts, output, ended.timed_out, ended.seconds)
        return Finished(self.sections[ended.index], result)

    # --- frames, on standard output ----------------------------------------------------------------------------

    def _frame(self, nonce: str, words: list[str]) -> None:
        if nonce != self.nonce:
            self._inner_frame(nonce, words)
            return
        word, arguments = words[0], words[1:]
        if word in TRANSPARENT:
            self._queue.append(Beat())
            return
        if self._value is not None:
            value, self._value = b"".join(self._value), None
            self._close(value)
        match word, arguments:
            case "hello", [pid, *born]:
                self.greeted = True
                self._queue.append(Hello(int(pid or 0), " ".join(born)))
            case "start", [index]:
                self._running = _Running(int(index), self.clock())
                self._queue.append(Started(self.sections[int(index)]))
            case "end", [index, status, late]:
                self._end(int(index), int(status), late == "1")
            case "fact", [index, key]:
                self._read(self._fact(int(index), key))
            case "skip", [index, because]:
                self._queue.append(Skipped(self.sections[int(index)], self.sections[int(because)]))
            case "busy", []:
                self._read(lambda value: self._queue.append(LockBusy(value.decode("utf-8", "replace"))))
            case "error", []:
                self._read(self._fail)
            case "waited", []:
                self._queue.append(Waited())
            case "stopped", []:
                self._queue.append(Stopped())
            case "done", []:
                self.finished = True
                self._queue.append(Done())

    def _inner_frame(self, nonce: str, words: list[str]) -> None:
        """A frame of a program within this one: facts, and that the section was ended for taking too long."""
        if words[0] in TRANSPARENT:
            return
        if self._value is not None and self._reader != nonce:
            # Within somebody else's fact it is part of it.
            self._frame_payload(f"\n#{nonce} {' '.join(words)}\n".encode())
            return
        if self._value is not None:
            value, self._value = b"".join(self._value), None
            self._close(value)
        running = self._running
        if running is None or running.index not in self.inner[nonce]:
            return
        match words:
            case ["fact", index, key] if index == str(running.index):
                self._read(self._fact(running.index, key), nonce)
            case ["late", index] if index == str(running.index):
                running.late = True

    def _frame_payload(self, data: bytes) -> None:
        if self._value is not None:
            self._facts_size += len(data)
            if self._facts_size > FACTS_LIMIT:
                raise HostFailed(
                    f"{self.current or 'the program'} reported more than {FACTS_LIMIT >> 20} MiB of facts; "
                    "a probe reports digests, never bulk content"
                )
            self._value.append(data)
        elif not self.greeted:
            self.noise.add(data)

    def _read(self, close: Callable[[bytes], None], reader: str = "") -> None:
        self._value, self._close, self._reader = [], close, reader

    def _fact(self, index: int, key: str) -> Callable[[bytes], None]:
        def close(value: bytes) -> None:
            # A process left behind by an earlier section may still report; its facts came too late.
            if self._running is not None and self._running.index == index:
                self._running.facts[key] = value

        return close

    def _fail(self, text: bytes) -> None:
        self.failure = text.decode("utf-8", "replace")

    def _end(self, index: int, status: int, late: bool) -> None:
        running, self._running = self._running, None
        if running is None or running.index != index:
            running = _Running(index, self.clock())
        self._queue.append(_Ended(index, running, status, late or running.late, self.clock() - running.since))

    # --- output, on standard error -----------------------------------------------------------------------------

    def _output_marker(self, _nonce: str, words: list[str]) -> None:
        match words:
            case ["hello"]:
                self._hushed = True
            case ["end", index]:
                self._outputs[int(index)] = self._tail.take()
            case ["done"]:
                self.quiet = True

    def _output_payload(self, data: bytes) -> None:
        if self._hushed:
            self._tail.add(data)
        else:
            # Before the program's first word, the login shell may have printed a banner or a complaint.
            self.noise.add(data)
