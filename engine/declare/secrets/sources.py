"""Where secrets come from: files, environment variables, commands, the terminal. Reads only, but for `put`."""

from __future__ import annotations

import contextlib
import os
import shlex
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine import bounds, filemodes
from engine.codes import Code

_ENOUGH = f"A secret may be at most {bounds.size(bounds.SECRET)}; use `source` for larger files."


@dataclass(frozen=True, repr=False)
class Found:
    """A text, where it was found (`read from ...`), warnings about that place, whether it is to be taken exactly as
    it is (else one line end after it is not part of the value), and what to do to put another text there."""

    text: str
    origin: str
    warnings: tuple[str, ...] = ()
    exact: bool = False
    again: str = "write it again"


class Failed(Exception):
    """No secret to be had there; `message` goes on after `secret NAME`, `hints` say what to do."""

    def __init__(self, message: str, *hints: str, code: Code) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hints = hints


def located(name: str, project: Path) -> Path:
    """The absolute path that `name` means: `~` expands, relative paths start in the project root. Raises Failed."""
    if "\0" in name:
        raise Failed(
            "has a path that contains a NUL byte", f"path: {name.split(chr(0))[0]}", code=Code.SECRET_MISSING
        )
    try:
        path = Path(name).expanduser()
    except RuntimeError:
        raise Failed(f"has a path with an unknown home directory: {name}", code=Code.SECRET_MISSING) from None
    return Path(os.path.abspath(project / path))


def from_file(name: str, project: Path) -> Found:
    """The text of a file on the controller. Raises Failed: missing, no file, unreadable, too large, not UTF-8."""
    path = located(name, project)
    try:
        if path.is_dir():
            raise Failed("names a directory, expected a file", f"path: {path}", code=Code.SECRET_UNREADABLE)
        status = path.stat()
        data = bounds.read(path, bounds.SECRET)
    except bounds.Exceeded as error:
        raise Failed(f"cannot be read from {path}: it {error}", _ENOUGH, code=Code.SECRET_UNREADABLE) from None
    except FileNotFoundError:
        raise Failed(f"cannot be read: {path} does not exist", *_nearest(path), code=Code.SECRET_MISSING) from None
    except OSError as error:
        raise Failed(f"cannot be read from {path}: {error.strerror}", code=Code.SECRET_UNREADABLE) from None
    origin = f"read from {path}"
    return Found(_text(data, origin), origin, _exposed(path, status), again="write the file again")


def from_env(name: str, env: Mapping[str, str] | None) -> Found:
    """The value of an environment variable. Raises Failed where it is not set."""
    value = (os.environ if env is None else env).get(name)
    if value is None:
        raise Failed(
            f"needs the environment variable {name}, which is not set", "Set and export it.", code=Code.SECRET_MISSING
        )
    data, origin = value.encode("utf-8", "surrogateescape"), f"read from the environment variable {name}"
    return Found(_text(data, origin), origin, exact=True, again="set the variable again")


def from_command(command: str | Sequence[str], project: Path, seconds: float, env: Mapping[str, str] | None) -> Found:
    """What a command prints on standard output. Raises Failed: not found, a status other than 0, too slow, too
    much."""
    argv = ["sh", "-c", command] if isinstance(command, str) else [str(word) for word in command]
    shown = command if isinstance(command, str) else shlex.join(argv)
    # With a terminal the command stays in its process group, so that a pinentry may use it; without one, a group of
    # its own lets a timeout reach what the command has started.
    apart = not sys.stdin or not sys.stdin.isatty()
    try:
        ran = bounds.run(argv, cwd=project, env=env, seconds=seconds, limit=bounds.SECRET, apart=apart)
    except FileNotFoundError:
        raise Failed(
            f"needs the command {argv[0]}, which was not found", f"It runs in {project}.", code=Code.SECRET_MISSING
        ) from None
    except OSError as error:
        raise Failed(
            f"needs the command {argv[0]}, which does not start: {error.strerror}", code=Code.SECRET_COMMAND
        ) from None
    except bounds.TooSlow:
        raise Failed(
            f"did not come from its command within {seconds:g} s", f"command: {shown}", code=Code.SECRET_COMMAND
        ) from None
    except bounds.Exceeded as error:
        raise Failed(
            f"could not be read: its command {error}", f"command: {shown}", _ENOUGH, code=Code.SECRET_COMMAND
        ) from None
    except ValueError:
        raise Failed("has a command that contains a NUL byte", code=Code.SECRET_COMMAND) from None
    if ran.returncode != 0:
        ended = f"status {ran.returncode}" if ran.returncode > 0 else f"signal {-ran.returncode}"
        tail = _tail(ran.stdout, ran.stderr)
        raise Failed(
            f"could not be read: its command ended with {ended}", f"command: {shown}", *tail, code=Code.SECRET_COMMAND
        )
    return Found(_text(ran.stdout, f"printed by: {shown}"), f"printed by: {shown}")


def from_prompt(text: str, prompt: Callable[[str], str] | None) -> Found:
    """What the user types. Raises Failed without a terminal to ask on."""
    if prompt is None:
        if not sys.stdin or not sys.stdin.isatty():
            raise Failed(
                "has to be typed on a terminal, and there is none",
                "Run the command on a terminal, or give the secret another source: file, env or command.",
                code=Code.SECRET_PROMPT,
            )
        from getpass import getpass

        prompt = getpass
    try:
        return Found(prompt(text if text.endswith((" ", "\n")) else f"{text}: "), "typed in", exact=True)
    except EOFError:
        raise Failed("was not typed at the prompt", code=Code.SECRET_PROMPT) from None


def put(path: Path, replaced: str, value: str, aside: str) -> Path | None:
    """Write `value` to a file that holds `replaced`, or nothing where that is empty: mode 0600, whole or not at all.

    What was there is kept beside it, with `aside` behind its name; the answer is where, None where nothing was. Where
    the file holds the value already, it stays as it is. Runs of the engine at the same moment wait for each other.
    Raises Failed where the file holds something else, or cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(path.parent) as directory:
            found = path.read_bytes().decode("utf-8", "replace").strip() if path.exists() else ""
            if found == value:
                return None
            if found != replaced:
                raise Failed(
                    f"cannot be written to {path}, which has changed meanwhile",
                    "Check it and plan again.",
                    code=Code.SECRET_NOT_WRITTEN,
                )
            old = path.with_name(f"{path.name}{aside}") if found else None
            for file, text in ((old, found), (path, value)):
                if file is not None:
                    _write(file, f"{text}\n")
            if directory is not None:
                os.fsync(directory)
            return old
    except OSError as error:
        raise Failed(f"cannot be written to {path}: {error.strerror}", code=Code.SECRET_NOT_WRITTEN) from None


def _write(path: Path, text: str) -> None:
    """Write a file of mode 0600, whole or not at all. Raises OSError."""
    import tempfile

    descriptor, part = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        os.unlink(part)
        raise


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[int | None]:
    """Hold the lock on a directory, where the system has such locks."""
    if sys.platform == "win32":
        yield None
        return
    import fcntl

    descriptor = os.open(directory, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _text(data: bytes, origin: str) -> str:
    if len(data) > bounds.SECRET:
        raise Failed(f"is larger than {bounds.size(bounds.SECRET)}", origin, _ENOUGH, code=Code.SECRET_TEXT)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise Failed(
            "is UTF-16, expected UTF-8; PowerShell's `>` writes such files",
            origin,
            "Save it as UTF-8 without BOM.",
            code=Code.SECRET_TEXT,
        )
    if b"\0" in data:
        raise Failed("contains a NUL byte, so it is not text", origin, code=Code.SECRET_TEXT)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Failed(
            f"is not UTF-8: byte {error.start + 1} of {len(data)} is wrong", origin, code=Code.SECRET_TEXT
        ) from None


def _exposed(path: Path, status: os.stat_result) -> tuple[str, ...]:
    who = filemodes.others(status, 0o044) if stat.S_ISREG(status.st_mode) else ""
    if not who:
        return ()
    mode = stat.S_IMODE(status.st_mode)
    return (f"{path} can be read by {who} (mode {mode:04o}); {filemodes.remedy(path, status)}",)


def _nearest(path: Path) -> tuple[str, ...]:
    """Where a path goes wrong, and the name that may have been meant."""
    parent = path.parent
    if not parent.is_dir():
        missing = next(part for part in reversed([path, *path.parents]) if not part.exists())
        return (f"{missing} does not exist",)
    try:
        names = sorted(item.name for item in parent.iterdir())
    except OSError:
        return ()
    import difflib

    near = difflib.get_close_matches(path.name, names, n=1)
    return (f"did you mean {near[0]}?",) if near else ()


def _tail(out: bytes, err: bytes) -> tuple[str, ...]:
    """The end of what a failed command said, without what it may have shown of the secret."""
    from engine.declare.secrets.redact import Redactor
    from engine.model import Secret

    printed = out.decode("utf-8", "replace").strip()
    lines = Redactor([Secret(printed)]).text(err.decode("utf-8", "replace")).strip().splitlines()
    return tuple(line[:200] for line in lines[-5:])
