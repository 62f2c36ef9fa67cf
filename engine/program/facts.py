"""A host's facts, asked for in the exec that then runs a program: what is to be looked at may depend on them.

A constant text is sent first. It tells the facts and then starts, on the same standard input, what starts every
program; the program is composed with the facts in hand and sent then. Cut off anywhere, it changes nothing: the first
text only looks, and the second is a program like any other.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from engine.kit.shell import texts
from engine.model import Facts, Output, Transport
from engine.program import quote
from engine.program.bootstrap import LAUNCHER, STREAM_LAUNCHER
from engine.program.compose import unfinished
from engine.program.deadline import Deadline, Limits
from engine.program.parser import Finished, Parser

sh = texts(__file__)

FACTS_SECONDS = 60.0
"""Seconds for telling the facts: who the user is may be known from the network alone."""
REPORT_FACTS = sh("tell.sh")
"""Tells what the host knows of itself, each value byte for byte; what it does not know it leaves out."""


class FactsFirst:
    """A transport whose `facts` were asked for: the exec that told them runs the first program, any other has one of
    its own. `close` gives that exec up where no program came of it.

    Raises HostFailed where the facts did not come; Unreachable and its subclasses come from the transport.
    """

    def __init__(self, onward: Transport, shell: Sequence[str] = ("sh",)) -> None:
        self._onward = onward
        self._nonce = secrets.token_hex(16)
        self._parser = Parser(self._nonce, ("facts",))
        self._answer: Iterable[bytes] | None = None
        self._outputs: Iterator[Output] | None = onward.run((*shell, "-c", STREAM_LAUNCHER), self._stdin())
        try:
            self.facts = self._told(self._outputs)
        except BaseException:
            self.close()
            raise

    def run(self, argv: Sequence[str], stdin: Iterable[bytes]) -> Iterator[Output]:
        """See `Transport.run`. The first program's `argv` is that of the exec which is there."""
        if self._outputs is None:
            return self._onward.run(argv, stdin)
        outputs, self._outputs, self._answer = self._outputs, None, stdin
        return outputs

    def close(self) -> None:
        """Give up the exec, where it still waits for a program; the connection stays."""
        outputs, self._outputs = self._outputs, None
        if outputs is not None:
            cast(Any, outputs).close()

    def _stdin(self) -> Iterator[bytes]:
        yield text(self._nonce)
        while self._answer is None:
            yield b""
        yield from self._answer

    def _told(self, outputs: Iterator[Output]) -> Facts:
        deadline = Deadline(Limits(sections={"facts": FACTS_SECONDS}))
        for output in outputs:
            if output.stream == "exit":
                raise unfinished(self._parser, output.status)
            events = self._parser.feed(output)
            deadline.received(events)
            for event in events:
                if isinstance(event, Finished):
                    found = dict(event.result.facts)
                    return {**found, "os": found["os"].lower()} if "os" in found else found
        raise unfinished(self._parser, None)


def text(nonce: str) -> bytes:
    """What is sent first."""
    lines = [f"#begin {nonce}", f"_engine_nonce={nonce}", REPORT_FACTS, f"eval {quote.text(LAUNCHER)}"]
    return "\n".join([*lines, f"#end {nonce}\n"]).encode()
