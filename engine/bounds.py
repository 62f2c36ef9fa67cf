"""How much the engine takes in: every bound on what it reads, renders and matches, in one place.

`onetrip validate` runs on the branches of others, and what a host answers is judged here: neither may cost this
machine more than these say. docs/language.md lists them. Below them the means to keep them; `engine.matching` keeps
those on regular expressions.
"""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import signal
import stat
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import subprocess

KIB, MIB, GIB = 2**10, 2**20, 2**30

FILE = 8 * MIB
"""Bytes of a state, an included file, an inventory, a file of variables or a template."""
PLAN = 256 * MIB
"""Bytes of a saved plan."""
BODY = 2 * MIB
"""Bytes of an HTTP answer that are looked at; /object_info of a ComfyUI with many nodes is about 0.5 MB."""
HEADERS = 512 * KIB
"""Bytes of its headers; curl itself takes 300 kB."""
SECRET = 64 * KIB
"""Bytes of a secret. Hiding a value costs time and memory in proportion to its size."""
SOURCE = 64 * GIB
"""Bytes of a source, all files of a directory together."""
SOURCE_FILES = 100_000
"""Files and directories of a source that is a directory."""
HOSTS = 100_000
"""Hosts of an inventory, ranges written out."""
LINE = 64 * KIB
"""Characters of a line of an INI inventory."""
INVENTORY = 64 * MIB
"""Bytes that an inventory's executable may print."""
WAIT = 30.0
"""Seconds in which a pipe or a device (`-e @<(sops -d vars.yaml)`) must have given all it has."""

DEPTH = 100
"""Levels of nesting in YAML or JSON: more is a mistake, and would end in a recursion error further on."""
TOO_DEEP = f"nested more than {DEPTH} levels deep"
VALUES = 200_000
"""Values of a YAML file with its aliases written out: a few lines of aliases can stand for billions. Also of the JSON
in an HTTP answer."""
ENTRIES = 1_000_000
"""The same for an inventory, which may list thousands of hosts."""
LONG = 100
"""Characters of a text that count as one value more."""
INCLUDES = 30
"""Files that include each other, one below the other."""
RESOURCES = 20_000
"""Resources and includes of one host, each turn of a `for_each` counted."""

PARTS = 20_000
"""Words and signs in the expressions and blocks of a template."""
TEXT = 10 * MIB
"""Characters that a template may give, or hold in one value on the way; an item of a list counts as ten."""
STEPS = 1_000_000
"""Turns of loops, calls and filters in one rendering."""
MADE = 512 * MIB
"""Characters and items that one rendering may make in all its steps."""
RENDERING = 10.0
"""Seconds for one rendering."""
BITS = 10_000
"""Binary digits of a whole number in a template."""
LOADED = 2 * GIB
"""Characters that all templates of a command may give."""
LOADING = 300.0
"""Seconds in which a command must have read and rendered everything, for all hosts."""

EXPRESSION = 2_000
"""Characters of a regular expression."""
REPEATS = 10_000
"""Size of a regular expression with its counted repeats (`{64}`) written out."""
MATCHING = 2.0
"""Seconds for judging one value, or all names of an inventory, by a regular expression."""
PATTERN = 64 * KIB
"""Characters of a host pattern."""
LOOKUPS = 20_000_000
"""Names that the parts of a host pattern are compared with, all together."""
EVALUATION = 10.0
"""Seconds for judging one value by a JSON Schema."""


class Exceeded(ValueError):
    """More than a bound allows. The text goes on after the name of what it is about (`is larger than 8 MiB`)."""


class TooSlow(Exceeded):
    """Not done in its time."""


def size(count: int) -> str:
    """A number of bytes for people."""
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count} bytes"


# --- files


_READ = os.O_RDONLY + sum(getattr(os, name, 0) for name in ("O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "O_BINARY"))
"""How a file is opened: with those of these flags that this system has."""


def read(path: Path | str, limit: int = FILE, seconds: float | None = None) -> bytes:
    """The content of a file, a pipe or a device. Raises OSError, or Exceeded: too large, or nothing comes of it."""
    try:
        descriptor = os.open(path, _READ)
    except ValueError:
        raise OSError(errno.EINVAL, "no file has such a name", str(path)) from None
    try:
        wait = None if stat.S_ISREG(os.fstat(descriptor).st_mode) else _Patience(descriptor, seconds)
        data = bytearray()
        while True:
            if wait is not None:
                wait.ready()
            piece = os.read(descriptor, 256 * KIB)
            data += piece
            if len(data) > limit:
                raise Exceeded(f"is larger than {size(limit)}")
            if not piece:
                return bytes(data)
    finally:
        os.close(descriptor)


class _Patience:
    """Waits for a pipe or a device, until the time is up."""

    def __init__(self, descriptor: int, seconds: float | None) -> None:
        self.seconds = WAIT if seconds is None else seconds
        self.deadline = time.monotonic() + self.seconds
        self.poll: Any = None
        if sys.platform != "win32":
            import select

            self.poll = select.poll()
            self.poll.register(descriptor, select.POLLIN)

    def ready(self) -> None:
        left = self.deadline - time.monotonic()
        if self.poll is not None and (left <= 0 or not self.poll.poll(left * 1000)):
            raise TooSlow(f"is not a regular file and did not deliver all of its content within {self.seconds:g} s")


# --- commands


def run(
    argv: Sequence[str],
    *,
    seconds: float,
    limit: int,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    apart: bool = True,
) -> subprocess.CompletedProcess[bytes]:
    """Run a command without input; of standard error the end is kept. Raises OSError where it does not start;
    Exceeded, with the command ended, where it prints more than `limit` bytes, TooSlow where it takes longer than
    `seconds`.

    `apart`: in a session of its own, so that what it has started ends with it.
    """
    import subprocess

    process = subprocess.Popen(
        argv,
        cwd=cwd,
        env=None if env is None else dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=apart,
    )
    deadline = time.monotonic() + min(seconds, threading.TIMEOUT_MAX / 2)
    ended: queue.Queue[bool] = queue.Queue()
    out, err = bytearray(), bytearray()
    for pipe, data, whole in ((process.stdout, out, True), (process.stderr, err, False)):
        threading.Thread(target=_collect, args=(pipe, data, limit, whole, ended), daemon=True).start()
    try:
        for _ in range(2):
            if ended.get(timeout=max(0.0, deadline - time.monotonic())):
                raise Exceeded(f"printed more than {size(limit)}")
        process.wait(max(0.0, deadline - time.monotonic()))
    except (queue.Empty, subprocess.TimeoutExpired):
        raise TooSlow(f"was not done in {seconds:g} s") from None
    finally:
        _end(process, apart)
    return subprocess.CompletedProcess(argv, process.returncode, bytes(out), bytes(err))


def _collect(pipe: Any, data: bytearray, limit: int, whole: bool, ended: queue.Queue[bool]) -> None:
    """Read a pipe to its end, which is told; of what is not needed whole, keep the end."""
    with pipe:
        while piece := os.read(pipe.fileno(), 64 * KIB):
            data += piece
            if len(data) > limit and whole:
                ended.put(True)
                return
            del data[:-limit]
    ended.put(False)


def _end(process: subprocess.Popen[bytes], apart: bool) -> None:
    """Kill what still runs of it."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if apart and sys.platform != "win32":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()


# --- values


def check_json(value: Any, values: int | None = None) -> None:
    """Raises Exceeded where JSON is nested more than `DEPTH` levels deep, or holds more than so many `values`."""
    level, count = [value], 0
    for _ in range(DEPTH + 1):
        inner = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        level = [part for parts in inner for part in parts]
        if not level:
            return
        count += len(level)
        if values is not None and count > values:
            raise Exceeded(f"has more than {values:,} values")
    raise Exceeded(f"is {TOO_DEEP}")


class Weights:
    """How large values are: a character counts one, an item ten. A list that stands in several places counts in each,
    and is looked at once, so that what doubles with each step is found at once, too."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, int]] = {}

    def of(self, value: Any) -> int:
        """The weight of plain data; anything else weighs one, for to look into it may be to ask for it."""
        if isinstance(value, str | bytes):
            return 1 + len(value)
        if isinstance(value, range):
            return 1 + 10 * len(value)
        if not isinstance(value, dict | list | tuple):
            return 1
        known = self._known.get(id(value))
        if known is None:
            parts: Iterable[Any] = [*value.keys(), *value.values()] if isinstance(value, dict) else value
            # To keep the value keeps its id from being given to another one.
            known = self._known[id(value)] = (value, 1 + 9 * len(value) + sum(map(self.of, parts)))
        return known[1]
