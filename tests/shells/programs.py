"""Programs run for real on this machine, under each shell a host may have."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from engine.model import Host, Script, Transport
from engine.program.compose import compose, run
from engine.program.parser import Event, Finished, Hello, Result
from engine.program.section import Program, Section
from engine.transports import Options
from engine.transports.local import LocalTransport

SHELLS: dict[str, tuple[str, ...]] = {
    "dash": ("dash",),
    "bash": ("bash",),
    "bash-posix": ("bash", "--posix"),
    "busybox": ("busybox", "sh"),
}
T = TypeVar("T")


def shell_params() -> list[Any]:
    """The shells, as parameters; one that is not installed is skipped."""
    return [
        pytest.param(
            argv, id=name, marks=pytest.mark.skipif(not shutil.which(argv[0]), reason=f"{argv[0]} is missing")
        )
        for name, argv in SHELLS.items()
    ]


every_shell = pytest.mark.parametrize("shell", shell_params())


def local() -> Transport:
    """This machine."""
    return LocalTransport(Host("here"), Options(Path("/"), silence=30))


def go(program: Program) -> list[Event]:
    """Run a program to its end."""
    return list(run(local(), program))


def results(events: Iterable[Event]) -> dict[str, Result]:
    """Section → how it ended."""
    return {event.section: event.result for event in events if isinstance(event, Finished)}


def one(text: str, shell: tuple[str, ...], *args: str | int | bool, **variables: Any) -> Result:
    """Run one script; the result of it."""
    return results(go(compose([Section("one", Script(text, variables, args))], shell=shell)))["one"]


def everywhere(function: Callable[[tuple[str, ...]], T]) -> dict[tuple[str, ...], T]:
    """Call function for each shell, all at once: what takes seconds of waiting, takes them only once."""
    there = [shell for shell in SHELLS.values() if shutil.which(shell[0])]
    with ThreadPoolExecutor(len(there)) as pool:
        return dict(zip(there, pool.map(function, there), strict=True))


class Running:
    """A program that runs meanwhile: its events so far, and the process it said hello from."""

    def __init__(self, program: Program) -> None:
        self.events: list[Event] = []
        self.error: BaseException | None = None
        self._stream = cast(Any, run(local(), program))
        self._new = threading.Condition()
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()

    def _follow(self) -> None:
        try:
            with closing(self._stream):
                for event in self._stream:
                    with self._new:
                        self.events.append(event)
                        self._new.notify_all()
        except BaseException as error:
            self.error = error
        with self._new:
            self._new.notify_all()

    def until(self, wanted: Callable[[Event], bool], seconds: float = 20) -> Event:
        """The first event that is wanted."""
        with self._new:
            assert self._new.wait_for(lambda: any(map(wanted, self.events)) or self.error, seconds), self.events
        return next(filter(wanted, self.events))

    @property
    def hello(self) -> Hello:
        """The program's first word."""
        return cast(Hello, self.until(lambda event: isinstance(event, Hello)))

    def join(self, seconds: float = 30) -> list[Event]:
        """All events, when it is over."""
        self._thread.join(seconds)
        assert not self._thread.is_alive()
        return self.events


def processes(wanted: Callable[[str, int], bool]) -> list[str]:
    """Command lines of living processes for which wanted(command line, session) holds."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            stat = (directory / "stat").read_text().rpartition(") ")[2].split()
            command = (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if stat[0] not in "ZX" and wanted(command, int(stat[3])):
            found.append(command)
    return found


def eventually(question: Callable[[], T], seconds: float = 5) -> T:
    """The answer, as soon as it is a true one; the last one otherwise."""
    end = time.monotonic() + seconds
    while not (answer := question()) and time.monotonic() < end:
        time.sleep(0.02)
    return answer


def lines(path: Path) -> Iterator[str]:
    """Lines of a file that need not be there."""
    return iter(path.read_text().splitlines() if path.exists() else [])
