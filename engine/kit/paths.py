"""Paths on a host, as text."""

from __future__ import annotations

import hashlib
import posixpath

from engine.errors import InvalidParameter
from engine.model import HostPath


def managed(path: str) -> HostPath:
    """A path on a host in its plain form: no doubled slashes, none at its end. Raises InvalidParameter where it is
    the root or the home directory, or may lead out of where it begins."""
    plain = posixpath.normpath(path)
    if ".." in path.split("/") or plain in ("/", "//", "~", "."):
        raise InvalidParameter("path", f"`{path}` cannot be managed; name a file or directory below it, without ..")
    return HostPath(plain)


def within(path: str, directory: str) -> bool:
    """Whether a path is a directory or below it."""
    return f"{path.rstrip('/')}/".startswith(f"{directory.rstrip('/')}/")


def temporary(path: HostPath) -> str:
    """The name under which something is made beside its place: the same on each run, so that what a run that was cut
    off left behind is found again."""
    return ".engine-" + hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:16]
