"""Private key files: what can be known of one without its passphrase, and the key itself."""

from __future__ import annotations

import base64
import binascii
import io
import os
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import filemodes
from engine.transports.ssh.known_hosts import blob_type, fingerprint

MAGIC = b"openssh-key-v1\0"
TRIES = 3
"""How often a person is asked for the same passphrase."""


class Unusable(Exception):
    """A key file that cannot be used; the text says why."""


@dataclass(frozen=True)
class KeyFile:
    """A private key file. `public` is the key as it goes over the wire, where it can be read without a
    passphrase; `encrypted` says that one is needed."""

    path: Path
    text: str
    encrypted: bool
    public: bytes | None

    @property
    def label(self) -> str:
        """For messages; never anything of the private part."""
        shown = f" ({blob_type(self.public)} {fingerprint(self.public)})" if self.public else ""
        return f"key {self.path}{shown}"


_loaded: dict[tuple[str, str], Any] = {}
_loading = threading.RLock()


def read(path: Path) -> KeyFile | None:
    """Read a key file; None where there is none. Raises Unusable."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            data = file.read(1 << 20)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror}") from error
    if hasattr(os, "getuid") and status.st_uid == os.getuid() and filemodes.others(status):
        mode = stat.S_IMODE(status.st_mode)
        raise Unusable(f"{path}: others may read it (mode {mode:04o}); {filemodes.remedy(path, status)}")
    text = data.decode("utf-8-sig", "replace")
    if "PRIVATE KEY-----" not in text:
        raise Unusable(f"{path}: is not a private key")
    if "BEGIN OPENSSH PRIVATE KEY" in text:
        encrypted, public = _header(path, text)
        return KeyFile(path, text, encrypted, public)
    encrypted = "BEGIN ENCRYPTED PRIVATE KEY" in text or "Proc-Type: 4,ENCRYPTED" in text
    return KeyFile(path, text, encrypted, public_file(path))


def load(file: KeyFile, ask: Callable[[str], str] | None, known: str | None = None) -> Any:
    """The key, as paramiko's PKey. A key with a passphrase is opened once for all hosts: with `known`, or by
    asking a person. Raises Unusable."""
    if not file.encrypted:
        return _open(file, None)
    with _loading:
        cached = _loaded.get((str(file.path), file.text))
        if cached is None:
            cached = _loaded[str(file.path), file.text] = _decrypt(file, ask, known)
    return cached


def _decrypt(file: KeyFile, ask: Callable[[str], str] | None, known: str | None) -> Any:
    if known is not None:
        try:
            return _open(file, known)
        except Unusable:
            raise Unusable(f"{file.path}: the passphrase given for it is wrong") from None
    if ask is None:
        raise Unusable(f"{file.path}: needs a passphrase, and there is no terminal to ask for it")
    for _ in range(TRIES):
        passphrase = ask(f"Passphrase for {file.path}: ")
        if not passphrase:
            raise Unusable(f"{file.path}: no passphrase was given")
        try:
            return _open(file, passphrase)
        except Unusable:
            continue
    raise Unusable(f"{file.path}: {TRIES} wrong passphrases")


def _open(file: KeyFile, passphrase: str | None) -> Any:
    from engine.transports.ssh.session import paramiko

    kinds = {"ssh-ed25519": "Ed25519Key", "ssh-rsa": "RSAKey"}
    kind = blob_type(file.public) if file.public else ""
    try:
        if kind and "OPENSSH" in file.text:
            name = kinds.get(kind) or ("ECDSAKey" if kind.startswith("ecdsa-") else "")
            if not name:
                raise Unusable(f"{file.path}: keys of type {kind} work only through an agent")
            return getattr(paramiko, name).from_private_key(io.StringIO(file.text), password=passphrase)
        return _open_pem(file, passphrase)
    except Unusable:
        raise
    except Exception as error:
        # A wrong passphrase shows as whatever the garbage it yields makes fail.
        raise Unusable(f"{file.path}: {error}") from None


def _open_pem(file: KeyFile, passphrase: str | None) -> Any:
    """The older formats, by way of the library that knows them all."""
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(
        file.text.encode(), passphrase.encode() if passphrase is not None else None
    )
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    ).decode()
    plain = KeyFile(file.path, text, False, _header(file.path, text)[1])
    return _open(plain, None)


def _header(path: Path, text: str) -> tuple[bool, bytes]:
    """Whether an OpenSSH key is encrypted, and its public part, which is not."""
    lines = [line.strip() for line in text.splitlines()]
    try:
        start = lines.index("-----BEGIN OPENSSH PRIVATE KEY-----") + 1
        end = lines.index("-----END OPENSSH PRIVATE KEY-----")
        data = base64.b64decode("".join(lines[start:end]), validate=True)
    except (ValueError, binascii.Error):
        raise Unusable(f"{path}: the private key is damaged") from None
    if not data.startswith(MAGIC):
        raise Unusable(f"{path}: the private key is damaged")
    at = len(MAGIC)
    fields: list[bytes] = []
    for index in range(4):
        if index == 3:
            at += 4
        length = int.from_bytes(data[at : at + 4], "big")
        fields.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    cipher, _, _, public = fields
    if not blob_type(public):
        raise Unusable(f"{path}: the private key is damaged")
    return cipher != b"none", public


def public_file(path: Path) -> bytes | None:
    """The public key from the file beside it, for formats that do not have it inside."""
    try:
        words = path.with_name(path.name + ".pub").read_text("utf-8-sig").split()
        blob = base64.b64decode(words[1], validate=True)
    except (OSError, IndexError, ValueError):
        return None
    return blob if blob_type(blob) == words[0] else None
