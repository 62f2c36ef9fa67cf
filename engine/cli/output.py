"""What leaves the process: reports on stdout, warnings and errors on stderr, all of it redacted and visible."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import Any, ClassVar, TypeVar

from engine.declare.secrets.redact import Redactor
from engine.model import Attribute, Secret
from engine.views.escape import lines

T = TypeVar("T")


OUTSIDE = frozenset({"before", "prior", "texts", "show", "now", "output", "facts"})
"""Fields of plans and reports with what a host said, values of a mapping alone: all of it is redacted."""
DECLARED = frozenset({"after", "expected", "arguments", "text", "error", "actions", "field"})
"""Fields with values as they are declared, and with what a kind or an error says, which knows itself what in it came
from outside. All other fields are names, enums and numbers that the engine, its views and `onetrip retry` go by: they
stay."""


def scrub(value: T, redactor: Redactor) -> T:
    """The same plan or report, of hosts, steps or outcomes, with every text in it redacted that may hold a secret."""
    return _scrub(value, redactor)  # type: ignore[no-any-return]


def _scrub(value: Any, redactor: Redactor) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = ((f.name, getattr(value, f.name)) for f in dataclasses.fields(value))
        return dataclasses.replace(value, **{name: _field(value, name, old, redactor) for name, old in fields if old})
    return tuple(_scrub(item, redactor) for item in value) if isinstance(value, tuple) else value


def _field(owner: Any, name: str, value: Any, redactor: Redactor) -> Any:
    if name in OUTSIDE:
        return _texts(value, redactor.text, redactor.sentence)
    if name in DECLARED or isinstance(owner, Attribute):
        return _texts(value, redactor.sentence, redactor.sentence)
    return _scrub(value, redactor)


def _texts(value: Any, redact: Callable[[str], str], named: Callable[[str], str]) -> Any:
    """Texts, and what holds them; names, the keys of a mapping, may be of the engine's own making."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {named(key): _texts(item, redact, named) for key, item in value.items()}
    return tuple(_texts(item, redact, named) for item in value) if isinstance(value, tuple | list) else value


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
