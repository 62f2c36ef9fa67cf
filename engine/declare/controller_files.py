"""Files of the controller that resources are made from. Paths resolve in the project root; `~` expands."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from engine import bounds
from engine.model import Source, SourceFile

IN_MEMORY = 64 * 1024
"""Bytes up to which a source that is one file keeps its content."""


def locate(text: str, base: Path) -> Path:
    """The absolute path of what is written as `text`: `~` expands, a relative one lies in `base`.

    Raises ValueError where `~user` names no user, and for a NUL byte.
    """
    if "\0" in text:
        raise ValueError(f"`{text.split(chr(0))[0]}` is followed by a NUL byte, which paths cannot contain")
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise ValueError(f"`{text}`: no such user") from None
    return Path(os.path.normpath(base.absolute() / path))


def real(path: Path) -> Path:
    """The path without links. Unlike `Path.resolve` it never fails: a link that leads to itself stays as it is."""
    return Path(os.path.realpath(path))


def label(path: Path) -> str:
    """A path for messages: relative where it lies in the working directory, absolute elsewhere."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


class Sources:
    """Reads sources, each once however many hosts and resources it is for."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.read: dict[Path, None] = {}
        self._sources: dict[Path, Source] = {}
        self._texts: dict[Path, str] = {}

    def source(self, text: str) -> Source:
        """The file or directory at a path. Raises ValueError with a sentence that holds the absolute path tried."""
        path = locate(text, self.project)
        if path not in self._sources:
            self._sources[path] = _source(path)
            self.read.update(dict.fromkeys([path, *(file.path for file in self._sources[path].files)]))
        return self._sources[path]

    def text(self, text: str) -> tuple[Path, str]:
        """Path and text of a template file, line endings kept. Raises ValueError as `source` does."""
        path = locate(text, self.project)
        if path not in self._texts:
            try:
                self._texts[path] = bounds.read(path).decode("utf-8")
            except OSError as error:
                raise ValueError(_unreadable(path, error)) from None
            except bounds.Exceeded as error:
                raise ValueError(f"{path} cannot be a template: it {error}") from None
            except UnicodeDecodeError:
                raise ValueError(f"{path} is not UTF-8 text, so it cannot be a template; use `source`") from None
            self.read[path] = None
        return path, self._texts[path]


def _source(path: Path) -> Source:
    try:
        found = path.stat()
        if stat.S_ISREG(found.st_mode):
            return Source(path, False, (_file("", path, found, keep=found.st_size <= IN_MEMORY),))
        if stat.S_ISDIR(found.st_mode):
            return Source(path, True, tuple(_walk(path)))
    except OSError as error:
        raise ValueError(_unreadable(path, error)) from None
    raise ValueError(f"{path} is neither a file nor a directory")


def _walk(root: Path) -> list[SourceFile]:
    """Every file below root, by name in sorted order. A link is followed only where it stays inside."""
    files: list[SourceFile] = []
    inside = real(root)
    todo = [root]
    count = size = 0
    while todo:
        for entry in os.scandir(todo.pop()):
            path = Path(entry.path)
            count += 1
            if count > bounds.SOURCE_FILES:
                raise ValueError(f"{root} contains more than {bounds.SOURCE_FILES} files, the limit for a source")
            if entry.is_symlink():
                target = real(path)
                if not target.is_relative_to(inside):
                    raise ValueError(f"{path} is a link that points outside {root}, to {target}")
                if real(path.parent).is_relative_to(target):
                    raise ValueError(f"{path} is a link to a directory that contains it")
            found = entry.stat()
            if stat.S_ISDIR(found.st_mode):
                todo.append(path)
            elif stat.S_ISREG(found.st_mode):
                size += found.st_size
                _fits(root, size)
                files.append(_file(path.relative_to(root).as_posix(), path, found))
            else:
                raise ValueError(f"{path} is neither a file nor a directory")
    return sorted(files, key=lambda file: file.name)


def _file(name: str, path: Path, found: os.stat_result, *, keep: bool = False) -> SourceFile:
    mode = stat.S_IMODE(found.st_mode)
    _fits(path, found.st_size)
    if found.st_size <= IN_MEMORY:
        # The system's own files (/proc) say that they are empty, and may be endless.
        try:
            data = bounds.read(path)
        except bounds.Exceeded as error:
            raise ValueError(f"{path} cannot be a source: it {error}") from None
        return SourceFile(name, path, len(data), mode, hashlib.sha256(data).hexdigest(), data if keep else None)
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return SourceFile(name, path, found.st_size, mode, digest)


def _fits(path: Path, size: int) -> None:
    if size > bounds.SOURCE:
        raise ValueError(f"{path} is larger than {bounds.size(bounds.SOURCE)}, the limit for a source")


def _unreadable(path: Path, error: OSError) -> str:
    what = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
    return f"{error.filename or path} {what}"
