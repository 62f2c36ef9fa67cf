"""Every error the engine raises on purpose, with the exit code it ends a command with.

    EngineError                      1
    ├── InvalidInput                 3   command line, state file, inventory, secret, pattern without hosts
    ├── Unreachable                  4   no connection to a host
    │   ├── HostKeyRefused           4   its host key is missing, changed or revoked; nothing was sent
    │   ├── AuthenticationRefused    4   it accepted none of the credentials
    │   └── ConnectionLost           4   it was cut, or silent for too long
    ├── HostFailed                   1   reached, but the program did not run to its end
    │   ├── LockHeld                 1   another apply holds the host
    │   └── BecomeRefused            1   the user could not be become; nothing was run
    ├── PlanRefused                  5   a reviewed plan no longer holds, was edited, or its key is missing
    ├── Refused                      1   what a kind found must not be touched: an outcome of that resource
    ├── InvalidParameter             3   a kind cannot be made of a parameter; becomes an InvalidInput with its place
    └── Interrupted                130   stopped on request

An error is text for a person: what, where, what was expected, what to do next. `str(error)` is that text; it
may run over several lines, of which the first stands alone. No error ever holds a secret's value.

Every error has a `code` of `engine.codes`: that of its class, unless a raise names a narrower one. The text does not
contain it; whoever shows the text adds it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from engine.codes import Code

DEBUG = "ENGINE_DEBUG"
"""The environment variable under which an error that nobody foresaw is shown with where it comes from."""


@dataclass(frozen=True)
class Position:
    """A place in a file: `line` and `column` count from 1; 0 means the file as a whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the input: one line of `message`, further lines of `hints`, and its code."""

    message: str
    where: Position | str | None = None
    hints: tuple[str, ...] = ()
    code: Code = Code.INPUT

    def __str__(self) -> str:
        first = f"{self.where}: {self.message}" if self.where else self.message
        return "\n".join([first, *(f"  {hint}" for hint in self.hints)])

    def coded(self) -> str:
        """The same with the code at the end of the first line, as it is shown."""
        first, *rest = str(self).split("\n")
        return "\n".join([f"{first} [{self.code}]", *rest])


class EngineError(Exception):
    """The root: catch it to catch all that the engine raises on purpose. `code` names the problem where it is a
    narrower one than that of the class."""

    exit_code = 1
    code = Code.FAILED

    def __init__(self, *args: object, code: Code | None = None) -> None:
        super().__init__(*args)
        if code is not None:
            self.code = code


class InvalidInput(EngineError):
    """What the user wrote cannot be used. Holds every problem found, not only the first."""

    exit_code = 3
    code = Code.INPUT

    def __init__(self, problems: Problem | str | Iterable[Problem], *, code: Code | None = None) -> None:
        if isinstance(problems, str):
            problems = Problem(problems, code=code or self.code)
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        first = self.problems[0].code if self.problems else None
        super().__init__("\n".join(str(problem) for problem in self.problems), code=first)

    def coded(self) -> str:
        """All problems, each with its code, as they are shown."""
        return "\n".join(problem.coded() for problem in self.problems)


class Unreachable(EngineError):
    """A host gave no connection, or did not keep it."""

    exit_code = 4
    code = Code.UNREACHABLE


class HostKeyRefused(Unreachable):
    """The host key is not known, has changed or is revoked; nothing was sent."""

    code = Code.HOST_KEY_UNKNOWN


class AuthenticationRefused(Unreachable):
    """The host accepted none of the credentials it was offered."""

    code = Code.AUTHENTICATION


class ConnectionLost(Unreachable):
    """The connection was cut, or nothing came over it for too long."""

    code = Code.CONNECTION_LOST


class HostFailed(EngineError):
    """The host was reached, but the program sent to it did not run to its end."""

    code = Code.HOST_FAILED


class LockHeld(HostFailed):
    """Another apply holds the host's lock; the text says who, since when, and how to break it."""

    code = Code.LOCK_HELD


class BecomeRefused(HostFailed):
    """sudo or doas did not let the user become another one, so nothing was run on the host; the text says why."""

    code = Code.BECOME_REFUSED


class PlanRefused(EngineError):
    """A saved plan cannot be applied: the host drifted, the file was edited, the sources or the key differ."""

    exit_code = 5
    code = Code.PLAN_REFUSED


class Refused(EngineError):
    """Something is in the way that a kind must not touch. The text says what, and what to do about it; nothing is
    done then, and what needs the resource is skipped."""

    code = Code.REFUSED


class InvalidParameter(EngineError):
    """A parameter of a kind cannot be used: its name (with a path below it, as in `headers.Accept`; nothing where
    several do not go together), and why."""

    exit_code = 3
    code = Code.PARAMETER

    def __init__(self, parameter: str, message: str) -> None:
        self.parameter, self.message = parameter, message
        super().__init__(f"{parameter}: {message}" if parameter else message)


class Interrupted(EngineError):
    """Stopped on request: running steps were finished, none was started after that."""

    exit_code = 130
    code = Code.INTERRUPTED


def of_kind(name: str, kind: str, error: Exception) -> str:
    """What is said of an error of a kind's own code that nobody foresaw. Its text is left out: nobody knows what is
    in it; the engine's own errors have theirs. Raises it again where `DEBUG` is set."""
    if isinstance(error, EngineError):
        return str(error)
    if os.environ.get(DEBUG):
        raise error
    return f"{name}: the kind {kind} failed with {type(error).__name__}, a bug in that kind; {DEBUG}=1 shows where"


def code_of(error: Exception) -> Code:
    """The code of an error of a kind's own code: the engine's own errors have theirs."""
    return error.code if isinstance(error, EngineError) else Code.KIND_BUG


def internal(error: Exception) -> str:
    """What is said of an error that nobody foresaw. Raises it again where `DEBUG` is set."""
    if os.environ.get(DEBUG):
        raise error
    return f"internal error: {type(error).__name__}; {DEBUG}=1 shows where"
