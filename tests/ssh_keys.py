"""Keys and certificates for tests, made by ssh-keygen."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path


def keygen(path: Path, kind: str = "ed25519", *, passphrase: str = "", comment: str = "test") -> Path:
    """Make a key pair `path`, `path.pub`; returns `path`."""
    bits = ["-b", "2048"] if kind == "rsa" else []
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, *bits, "-N", passphrase, "-C", comment, "-f", str(path)], check=True
    )
    return path


def public(path: Path) -> str:
    """`TYPE BASE64` of a key made by `keygen`."""
    return " ".join(path.with_name(path.name + ".pub").read_text().split()[:2])


def sign(authority: Path, key: Path, *, principals: str, host: bool = False, extra: Sequence[str] = ()) -> Path:
    """Certify `key.pub` with the private key `authority`, for all where `principals` is empty; returns the
    certificate's path."""
    kind = [*(["-h"] if host else []), *(["-n", principals] if principals else [])]
    subprocess.run(
        ["ssh-keygen", "-q", "-s", str(authority), "-I", "test", *kind, *extra, f"{key}.pub"],
        check=True,
    )
    return key.with_name(key.name + "-cert.pub")
