"""OpenSSH certificates: taken apart; and those of hosts judged as ssh judges them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.transports.ssh.known_hosts import blob_type

CERT_SUFFIX = "-cert-v01@openssh.com"
HOST = 2
FOREVER = (1 << 64) - 1
FIELDS = {
    "ssh-ed25519": 1,
    "ssh-rsa": 2,
    "ecdsa-sha2-nistp256": 2,
    "ecdsa-sha2-nistp384": 2,
    "ecdsa-sha2-nistp521": 2,
}
"""How many fields the key itself takes, by its type."""
SIGNATURES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
"""Signatures of an authority that count where the configuration does not say; SHA-1 is not among them."""


@dataclass(frozen=True)
class Certificate:
    """What a certificate says. Times in seconds since 1970; `signed` is the part the signature is over."""

    role: int
    identity: str
    principals: tuple[str, ...]
    valid_after: int
    valid_before: int
    critical: bytes
    authority: bytes
    signature: bytes
    signed: bytes


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def number(self, size: int) -> int:
        if self.at + size > len(self.data):
            raise ValueError("it is cut short")
        self.at += size
        return int.from_bytes(self.data[self.at - size : self.at], "big")

    def string(self) -> bytes:
        length = self.number(4)
        if self.at + length > len(self.data):
            raise ValueError("it is cut short")
        self.at += length
        return self.data[self.at - length : self.at]

    def strings(self) -> list[bytes]:
        found = []
        while self.at < len(self.data):
            found.append(self.string())
        return found


def plain_key(blob: bytes) -> bytes:
    """The key a certificate is for, as it would go over the wire without one; empty where it is none."""
    reader = _Reader(blob)
    try:
        kind = reader.string().decode("ascii", "replace").removesuffix(CERT_SUFFIX)
        reader.string()
        fields = [kind.encode(), *(reader.string() for _ in range(FIELDS[kind]))]
    except (ValueError, KeyError):
        return b""
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def parse(blob: bytes) -> Certificate:
    """Take a certificate apart. Raises ValueError where it is none that is understood."""
    reader = _Reader(blob)
    kind = reader.string().decode("ascii", "replace").removesuffix(CERT_SUFFIX)
    if kind not in FIELDS:
        raise ValueError(f"keys of type {kind} are not supported")
    for _ in range(1 + FIELDS[kind]):
        reader.string()
    reader.number(8)
    role, identity = reader.number(4), reader.string()
    principals = _Reader(reader.string()).strings()
    after, before = reader.number(8), reader.number(8)
    critical = reader.string()
    reader.string()
    reader.string()
    authority = reader.string()
    signed = blob[: reader.at]
    signature = reader.string()
    if reader.at != len(blob):
        raise ValueError("it has data after its end")
    if len(_Reader(signature).strings()) != 2:
        raise ValueError("its signature is of a kind that is not supported")
    return Certificate(
        role=role,
        identity=identity.decode(errors="replace"),
        principals=tuple(name.decode(errors="replace") for name in principals),
        valid_after=after,
        valid_before=before,
        critical=critical,
        authority=authority,
        signature=signature,
        signed=signed,
    )


def objection(
    certificate: Certificate,
    name: str,
    *,
    algorithms: Sequence[str] = (),
    matches: Callable[[str, str], bool],
    now: float | None = None,
) -> str | None:
    """Why a certificate does not vouch for the host `name`; None where it does, given a trusted authority.

    algorithms  signature algorithms an authority may use; none given: `SIGNATURES`
    matches     does a pattern match a name
    """
    now = time.time() if now is None else now
    algorithm = blob_type(certificate.signature)
    if certificate.role != HOST:
        return "it is a user's certificate, not a host's"
    if certificate.critical:
        return "it has critical options, which a host's may not have"
    if now < certificate.valid_after:
        return f"it is valid from {_date(certificate.valid_after)} on"
    if now >= certificate.valid_before:
        return f"it expired on {_date(certificate.valid_before)}"
    if certificate.principals and not any(matches(each.lower(), name) for each in certificate.principals):
        return f"it is for {', '.join(certificate.principals)}, not for {name}"
    if algorithm not in SIGNATURES or (algorithms and algorithm not in algorithms):
        return f"its authority signs with {algorithm}, which is not accepted"
    if not _verified(certificate):
        return "its signature is wrong"
    return None


def _verified(certificate: Certificate) -> bool:
    import paramiko

    try:
        key = paramiko.PKey.from_type_string(blob_type(certificate.authority), certificate.authority)
        return bool(key.verify_ssh_sig(certificate.signed, paramiko.Message(certificate.signature)))
    except Exception:
        # paramiko raises whatever comes up on a malformed key; what cannot be verified is not trusted.
        return False


def _date(seconds: int) -> str:
    if seconds >= 253402300800:
        return "never" if seconds == FOREVER else "a date after the year 9999"
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
