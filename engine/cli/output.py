"""What leaves the process: reports on stdout, warnings and errors on stderr, all of it redacted and visible."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any, ClassVar

from engine.declare.secrets.redact import Redactor
from engine.model import Secret
from engine.views.escape import lines


def can_ask() -> bool:
    """Whether somebody can be asked: standard input is a terminal."""
    return sys.stdin is not None and sys.stdin.isatty()


NOTHING = Redactor(())
"""The redactor until secrets are known."""


class Printer:
    """Writes to the standard streams through the redactor, which grows as secrets become known.

    `color` is auto, always or never; NO_COLOR and FORCE_COLOR count for auto. `last` is the one made last.
    """

    last: ClassVar[Printer | None] = None

    def __init__(self, color: str = "auto") -> None:
        self._redactor = NOTHING
        self._secrets: Callable[[], Iterable[Secret]] | None = None
        self._names: Callable[[], Iterable[str]] = tuple
        self._lock = Lock()
        self.color = color
        Printer.last = self

    def learn(self, secrets: Callable[[], Iterable[Secret]], names: Callable[[], Iterable[str]] = tuple) -> None:
        """From now on these are all the secrets there are, and the names of hosts and resources. Any thread may say
        so; they are looked at when something is to be redacted."""
        with self._lock:
            self._secrets, self._names = secrets, names

    @property
    def redactor(self) -> Redactor:
        """Knows every secret there is by now."""
        with self._lock:
            if self._secrets is not None:
                self._redactor, self._secrets = Redactor(self._secrets(), self._names()), None
            return self._redactor

    @redactor.setter
    def redactor(self, redactor: Redactor) -> None:
        with self._lock:
            self._redactor, self._secrets = redactor, None

    def redact(self, text: str) -> str:
        """Text from outside without the secrets there are by now."""
        return self.redactor.text(text)

    def sentence(self, text: str) -> str:
        """A sentence of the engine's own without the secrets there are by now."""
        return self.redactor.sentence(text)

    def colored(self, stream: Any) -> bool:
        """Whether this stream gets colour."""
        if self.color != "auto":
            return self.color == "always"
        if os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("FORCE_COLOR"):
            return True
        return bool(stream.isatty()) and os.environ.get("TERM") != "dumb"

    @staticmethod
    def ascii(stream: Any) -> bool:
        """Whether the stream's encoding lacks the marks and arrows."""
        try:
            "✓✗→".encode(stream.encoding or "ascii")
        except (UnicodeEncodeError, LookupError):
            return True
        return False

    @staticmethod
    def width(stream: Any) -> int | None:
        """Columns of the terminal; None where it is none, so that nothing is wrapped or cut."""
        if not stream.isatty():
            return None
        import shutil

        return shutil.get_terminal_size().columns

    def out(self, text: str) -> None:
        """Lines for standard output, each made visible."""
        self._write(sys.stdout, "\n".join(lines(self.sentence(text))))

    def err(self, text: str) -> None:
        """Warnings and errors, each line made visible."""
        self._write(sys.stderr, "\n".join(lines(self.sentence(text))))

    def rendered(self, text: str, stream: Any = None) -> None:
        """What a view has made, or what is for a program to read: visible already, and written as it is, to standard
        output unless another stream is given."""
        self._write(stream or sys.stdout, self.sentence(text))

    @staticmethod
    def _write(stream: Any, text: str) -> None:
        encoded = text.encode(stream.encoding or "utf-8", "backslashreplace").decode(stream.encoding or "utf-8")
        stream.write(encoded if encoded.endswith("\n") else encoded + "\n")
        stream.flush()


def traceback_of(error: BaseException) -> str:
    """The traceback of an error nobody thought of, redacted. Where the run's secrets are not known yet, what the
    error says is left out: it may hold one."""
    import traceback

    printer = Printer.last
    if printer is not None and printer.redactor is not NOTHING:
        return printer.redactor.text("".join(traceback.format_exception(error)).rstrip("\n"))
    head = ["Traceback (most recent call last):\n", *traceback.format_tb(error.__traceback__)]
    return "".join([*head, f"{type(error).__name__} (what it says is left out, since it may hold a secret)"])
