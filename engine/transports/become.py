"""Another user than the one that connects: sudo or doas between the transport and the program."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any, cast

from engine.errors import BecomeRefused, ConnectionLost
from engine.model import Become, Output, Outside, Sentence, Transport

GATE = (
    "LC_ALL=C; export LC_ALL; u=$1; n=$2; shift 2; "
    'if [ "$(id -un)" = "$u" ]; then shift "$n"; fi; unset u n; exec "$@"'
)
"""What the connecting user runs: who is that user already, needs no sudo. Like all that a login shell gets to see it
holds no line break and none of the characters ! ' \\ ."""
READY = 'cd "$HOME" 2>/dev/null || cd /; echo "$1"; shift; exec "$@"'
"""What the other user runs."""
BUFFER = 1 << 24
"""Bytes of output that are buffered until the program has begun. Some may be the program's own, where its standard
error is read before the word on its standard output that says it has begun: as much as a transport has under way."""

CAUSES = (
    (
        r"must have a tty|terminal is required",
        "sudo needs a terminal there: remove `requiretty` from sudoers",
    ),
    (r"password is required|[Aa]uthentication required", ""),
    (r"not in the sudoers|not allowed|may not run|not permitted|is not enabled", "no rule allows {me} to do that"),
    (r"unknown user|no passwd entry", "no such user: ansible_become_user, --become-user, `become`"),
    (
        r"not found|No such file",
        "{exe} was not found: install it, or set ansible_become_method (sudo, doas) or ansible_become_exe",
    ),
)
"""What sudo and doas say in English, and what to do about it."""
COMMAND = re.compile(r"'\S*sh -c .*'")
"""How sudo writes what it was to run: long, and known."""
PASSWORD_WANTED = {
    "sudo": "it asks for a password: set ansible_become_password, run with -K, or give the user a NOPASSWD rule",
    "doas": "doas takes a password only from a terminal: add `nopass` to its rule, or use sudo",
}
WRONG = "the password is wrong (ansible_become_password, -K)"


class BecomeTransport:
    """Runs programs as another user through `onward`, whose programs run as the connecting user.

    `name` is the host's. A password is sent when sudo asks for it with the prompt made for this run, and once;
    where one is sent, the program follows only after the other user has begun: whatever sudo does with its cached
    tickets, it never reads the program, and a shell never reads the password.
    """

    def __init__(self, onward: Transport, name: str, become: Become) -> None:
        self.onward, self.name, self.become = onward, name, become

    def run(self, argv: Sequence[str], stdin: Iterable[bytes]) -> Iterator[Output]:
        """See `Transport.run`. Raises BecomeRefused where nothing was run, since the user could not be become."""
        handshake = _SudoHandshake(self.name, self.become)
        pieces = cast(Any, self.onward.run(handshake.argv(argv), handshake.input(stdin)))
        with closing(pieces):
            try:
                for piece in pieces:
                    if handshake.ready:
                        yield piece
                    else:
                        yield from handshake.feed(piece)
            except ConnectionLost as error:
                handshake.lost(error)
                raise

    def close(self) -> None:
        """As the transport's own."""
        self.onward.close()


class _SudoHandshake:
    """What is said until the program runs. `input` may be asked from another thread than the one that feeds it."""

    def __init__(self, name: str, become: Become) -> None:
        self.name, self.become = name, become
        nonce = secrets.token_hex(16)
        self.prompt = f"[engine {nonce}] password: "
        self.word = f"engine {nonce} ready".encode()
        self.asks = become.method == "sudo" and become.password is not None
        self.asked = 0
        self.ready = False
        self.buffers = {"stdout": bytearray(), "stderr": bytearray()}

    def argv(self, argv: Sequence[str]) -> list[str]:
        words = self.become.words(self.become.user, ("-S", "-p", self.prompt) if self.asks else ())
        inner = ["sh", "-c", READY, "sh", self.word.decode(), *argv]
        return ["sh", "-c", GATE, "sh", self.become.user, str(len(words)), *words, *inner]

    def input(self, stdin: Iterable[bytes]) -> Iterator[bytes]:
        """The password when it is asked for, then the program. A sudo that is not to ask reads nothing, so the
        program need not wait for it."""
        sent = 0
        while self.asks and not self.ready:
            if self.asked > sent:
                sent = self.asked
                assert self.become.password is not None
                yield self.become.password.reveal().encode("utf-8", "surrogateescape") + b"\n"
            else:
                yield b""
        yield from stdin

    def feed(self, piece: Output) -> Iterator[Output]:
        """A piece of output before the program's own. Raises BecomeRefused."""
        if piece.stream == "exit":
            raise self.refused(piece.status)
        buffer = self.buffers[piece.stream]
        buffer += piece.data
        if piece.stream == "stderr":
            self._answer(buffer)
        elif (at := buffer.find(self.word + b"\n")) >= 0:
            self.ready = True
            del buffer[at : at + len(self.word) + 1]
            for stream, data in self.buffers.items():
                if data:
                    yield Output(cast(Any, stream), bytes(data))
            return
        if len(buffer) > BUFFER:
            raise BecomeRefused(f"{self._cannot()}: {self.become.method} does not stop printing")

    def _answer(self, buffer: bytearray) -> None:
        prompt = self.prompt.encode()
        while (at := buffer.find(prompt)) >= 0:
            del buffer[at : at + len(prompt)]
            self.asked += 1
        if self.asked > 1:
            raise BecomeRefused(f"{self._cannot()}: {WRONG}")

    def refused(self, status: int | None) -> BecomeRefused:
        """Why sudo ended without having run the program."""
        lines = [COMMAND.sub("a shell", line.strip()) for line in self._output().splitlines() if line.strip()]
        for pattern, advice in CAUSES:
            line = next((line for line in lines if re.search(pattern, line)), None)
            if line is not None and (advice or not self.asked):
                advice = advice or PASSWORD_WANTED[self.become.method]
                advice = advice.format(exe=self.become.exe or self.become.method, me="the connecting user")
                return BecomeRefused(Sentence(f"{self._cannot()}: ", Outside(line), f"\n  {advice}"))
        if self.asked and (not lines or "password" in lines[-1]):
            return BecomeRefused(f"{self._cannot()}: {WRONG}")
        quiet = f"{self.become.method} ended with status {status}, without output"
        return BecomeRefused(Sentence(f"{self._cannot()}: ", Outside(lines[-1]) if lines else quiet))

    def lost(self, error: ConnectionLost) -> None:
        """Raises BecomeRefused where the connection fell silent because something waits for another answer."""
        if not self.ready and "no output from" in str(error) and (said := " ".join(self._output().split())):
            text = f"{self._cannot()}: it asks for something other than a password: "
            raise BecomeRefused(Sentence(text, Outside(said))) from None

    def _cannot(self) -> str:
        return f"{self.name}: cannot become {self.become.user} with {self.become.method}, so nothing was run"

    def _output(self) -> str:
        return b"\n".join((self.buffers["stdout"], self.buffers["stderr"])).decode("utf-8", "replace")[-2000:]
