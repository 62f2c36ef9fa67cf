"""The key under which secrets are fingerprinted and plans are signed.

It comes from `ENGINE_KEY`, or else from `.engine/key` in the project root, made on first use. Whoever has it can
tell which plans were made with it and can guess weak secrets from their fingerprints, so only the machines that
plan and apply should.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
import time
from collections.abc import Mapping
from pathlib import Path

from engine import filemodes
from engine.codes import Code
from engine.errors import InvalidInput, PlanRefused, Problem
from engine.model import Secret

MINIMUM = 16
"""Fewest characters of a key. The generated ones have 43, which is 256 bits."""


class Key:
    """A key, and what is derived from it. Showing one shows its id, never the key.

    `id` is 8 hex digits; two machines that show the same id hold the same key.
    """

    __slots__ = ("_fingerprints", "_key", "id")

    def __init__(self, text: str) -> None:
        self._key = hashlib.sha256(b"state engine key\0" + text.strip().encode()).digest()
        self._fingerprints: dict[str, str] = {}
        self.id = self._hmac(b"id", b"")[:8]

    @classmethod
    def load(cls, project: Path, *, create: bool = True, env: Mapping[str, str] | None = None) -> Key:
        """The key of a project: `ENGINE_KEY` of `env` (default: this process's), else `project/.engine/key`.

        Where there is neither, one is made, or with `create=False` PlanRefused is raised, saying how to share a
        key. Raises InvalidInput for a key that is too short or that others than its owner can read.
        """
        given = (os.environ if env is None else env).get("ENGINE_KEY")
        if given is not None:
            return cls(_checked(given, "ENGINE_KEY"))
        path = project.absolute() / ".engine" / "key"
        try:
            text = _read(path)
            if text is None and not create:
                raise PlanRefused(
                    f"there is no key: ENGINE_KEY is not set and {path} does not exist\n"
                    "  A plan can be applied only under the key it was made with. On the machine that made it:\n"
                    "  copy the project's .engine/key to this path (mode 0600), or set ENGINE_KEY to its content.",
                    code=Code.PLAN_KEY,
                )
            return cls(_checked(_make(path) if text is None else text, str(path)))
        except OSError as error:
            raise InvalidInput(
                Problem(
                    f"the key {path} cannot be read or made: {error.strerror}",
                    hints=("Make it readable and writable for you, or set ENGINE_KEY instead.",),
                    code=Code.KEY,
                )
            ) from error

    def fingerprint(self, secret: Secret, length: int = 16) -> str:
        """`secret:` and the first `length` hex digits (at most 64) of a keyed digest of the secret's value.

        Equal secrets have equal fingerprints. 16 digits are saved and compared; what is for reading shows 6 of them.
        """
        if secret.digest not in self._fingerprints:
            self._fingerprints[secret.digest] = self._hmac(b"fingerprint", bytes.fromhex(secret.digest))
        return "secret:" + self._fingerprints[secret.digest][:length]

    def mac(self, data: bytes) -> str:
        """The message authentication code of `data`, 64 hex digits."""
        return self._hmac(b"mac", data)

    def verify(self, data: bytes, mac: str) -> bool:
        """Whether `mac` is that of `data` under this key; takes the same time whatever the answer."""
        return hmac.compare_digest(self.mac(data).encode(), mac.encode("utf-8", "replace"))

    def salt(self, *texts: str) -> bytes:
        """16 bytes for the salt of a hash, which follow from the texts: whoever has the key makes the same hash."""
        parts = [text.encode("utf-8", "surrogateescape") for text in texts]
        return bytes.fromhex(self._hmac(b"salt", b"".join(b"%d:%s" % (len(part), part) for part in parts)))[:16]

    def _hmac(self, purpose: bytes, data: bytes) -> str:
        # The purpose keeps a fingerprint from ever being a valid MAC of something else.
        return hmac.new(self._key, purpose + b"\0" + data, hashlib.sha256).hexdigest()

    def __repr__(self) -> str:
        return f"<key {self.id}>"


def _checked(text: str, origin: str) -> str:
    if text.startswith("\ufeff"):
        what = f"the key in {origin} begins with a byte-order mark (BOM), probably added by an editor"
        raise InvalidInput(Problem(what, hints=("Save it as UTF-8 without BOM.",), code=Code.KEY))
    length = len(text.strip())
    if length >= MINIMUM:
        return text
    found = f"has {length} characters, expected at least {MINIMUM}" if length else "is empty"
    hint = 'Make one: python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
    more = () if length else ("In CI an empty value often means that the job does not get the secret.",)
    raise InvalidInput(Problem(f"the key in {origin} {found}", hints=(*more, hint), code=Code.KEY))


def _read(path: Path, name: Path | None = None) -> str | None:
    """The key file's text; None where there is none. In an error it is called `name`."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            status = os.fstat(file.fileno())
            text = file.read(4096)
    except FileNotFoundError:
        return None
    if filemodes.others(status):
        hints = (
            filemodes.remedy(name or path, status),
            "Or set ENGINE_KEY, which goes first, and delete the file.",
            "If somebody else may have read it, delete it: a new one is made, and saved plans must be made again.",
        )
        mode = stat.S_IMODE(status.st_mode)
        raise InvalidInput(
            Problem(f"the key {name or path} can be read by others (mode {mode:04o})", hints=hints, code=Code.KEY)
        )
    return text


def _make(path: Path) -> str:
    """Make the key file, or read the one that somebody else made at the same moment."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    ignore = path.parent / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    text = secrets.token_urlsafe(32)
    part = path.with_name(f".key.{secrets.token_hex(8)}")
    _write(part, text)
    try:
        _read(part, path)  # Where every file can be read by everybody, no key is left for them.
        # A link, unlike a rename, never replaces the key of a process that was quicker, and unlike a file made
        # in place it is never seen half-written.
        os.link(part, path)
        return text
    except FileExistsError:
        return _read(path) or ""
    except OSError:
        return _make_in_place(path, text)
    finally:
        part.unlink(missing_ok=True)


def _make_in_place(path: Path, text: str) -> str:
    """For file systems without hard links."""
    try:
        _write(path, text)
        return text
    except FileExistsError:
        for _ in range(50):
            if found := _read(path):
                return found
            time.sleep(0.1)
        return ""


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
