"""known_hosts files: which keys are known for a host, which authorities may vouch for it, what is revoked.

Understands all that ssh does: several names, wildcards, negation, hashed names, `[host]:port`, and the markers
`@cert-authority` and `@revoked`. A line that cannot be read is no entry; it never makes a key known.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

PLAIN, AUTHORITY, REVOKED = "", "@cert-authority", "@revoked"

_writing = threading.Lock()


@dataclass(frozen=True)
class Entry:
    """One line: the key of some hosts. `blob` is the key as it goes over the wire."""

    file: Path
    line: int
    marker: str
    patterns: str
    type: str
    blob: bytes

    @property
    def where(self) -> str:
        """`FILE:LINE`"""
        return f"{self.file}:{self.line}"


def fingerprint(blob: bytes) -> str:
    """As ssh prints it: `SHA256:...`."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def blob_type(blob: bytes) -> str:
    """The type a key says it has in its first field; empty where it is no key."""
    length = int.from_bytes(blob[:4], "big")
    return blob[4 : 4 + length].decode("ascii", "replace") if 4 + length <= len(blob) else ""


def line(name: str, kind: str, blob: bytes) -> str:
    """The line that makes a key known."""
    return f"{name} {kind} {base64.b64encode(blob).decode()}"


def host_name(hostname: str, port: int, alias: str | None = None) -> str:
    """What the files call a host: its name in lower case, with the port unless that is 22; or its alias."""
    if alias:
        return alias.lower()
    return hostname.lower() if port == 22 else f"[{hostname.lower()}]:{port}"


def read(files: Iterable[Path]) -> list[Entry]:
    """All entries of the files; a file that does not exist or cannot be read has none."""
    entries: list[Entry] = []
    for file in files:
        try:
            lines = file.read_bytes().decode("utf-8", "surrogateescape").split("\n")
        except OSError:
            continue
        for number, text in enumerate(lines, start=1):
            entry = parse_line(file, number, text)
            if entry:
                entries.append(entry)
    return entries


def matching(entries: Iterable[Entry], name: str) -> list[Entry]:
    """Those of the entries that speak of a host, by the name `host_name` gives it."""
    return [entry for entry in entries if _matches(entry.patterns, name)]


def add(file: Path, name: str, kind: str, blob: bytes, hashed: bool) -> None:
    """Append a line to a file, which is made (mode 0600) where it is missing. Raises OSError."""
    text = line(hash_name(name) if hashed else name, kind, blob)
    with _writing:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b", buffering=0) as out:
            if out.seek(0, os.SEEK_END):
                out.seek(-1, os.SEEK_END)
                text = text if out.read(1) == b"\n" else "\n" + text
            out.write((text + "\n").encode("utf-8", "surrogateescape"))


def hash_name(name: str) -> str:
    """The name as HashKnownHosts stores it."""
    salt = os.urandom(20)
    digest = hmac.digest(salt, name.encode(), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def parse_line(file: Path, number: int, text: str) -> Entry | None:
    """The entry a line holds; None for a comment, and for a line that cannot be read."""
    words = text.split()
    if not words or words[0].startswith("#"):
        return None
    marker = words.pop(0) if words[0].startswith("@") else PLAIN
    if marker not in (PLAIN, AUTHORITY, REVOKED) or len(words) < 3:
        return None
    patterns, kind, encoded = words[:3]
    try:
        blob = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    # A line whose key is not of the type it claims is broken; ssh ignores it as well.
    return Entry(file, number, marker, patterns, kind, blob) if blob_type(blob) == kind else None


def _matches(patterns: str, name: str) -> bool:
    if patterns.startswith("|1|"):
        return _matches_hashed(patterns, name)
    found = False
    for pattern in patterns.lower().split(","):
        if pattern.startswith("!"):
            if glob(pattern[1:], name):
                return False
        else:
            found = found or glob(pattern, name)
    return found


def glob(pattern: str, name: str) -> bool:
    """Does one pattern match a name; both in lower case."""
    if "*" not in pattern and "?" not in pattern:
        return pattern == name
    # Only * and ? are special to ssh; a bracket stands for itself, as in `[host]:port`.
    parts = re.split(r"([*?])", pattern)
    return bool(re.fullmatch("".join(_PIECE.get(part) or re.escape(part) for part in parts), name, re.DOTALL))


_PIECE = {"*": ".*", "?": "."}


def _matches_hashed(pattern: str, name: str) -> bool:
    try:
        _, _, salt, digest = pattern.split("|")
        expected = base64.b64decode(digest, validate=True)
        found = hmac.digest(base64.b64decode(salt, validate=True), name.encode(), "sha1")
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(found, expected)


def known_types(entries: Sequence[Entry]) -> list[str]:
    """Types of the plain keys among the entries, in their order."""
    return list(dict.fromkeys(entry.type for entry in entries if entry.marker == PLAIN))
