"""What an attribute of a state can be, and what a script receives."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, TypeAlias


class Secret:
    """A value that must never show. Not a `str`: formatting, printing or pickling one shows `<secret>`.

    Equal when the SHA-256 of the UTF-8 value is equal; so a secret declared here (`Secret(value)`) can be compared
    with one found on a host, of which only the digest travelled (`Secret.seen(digest)`).
    """

    __slots__ = ("_value", "digest", "name")

    def __init__(self, value: str, name: str = "") -> None:
        self._value: str | None = value
        self.digest = hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()
        self.name = name

    @classmethod
    def seen(cls, digest: str) -> Secret:
        """A secret known only by the SHA-256 hex digest of its bytes, as a probe reports it."""
        secret = cls.__new__(cls)
        secret._value, secret.digest, secret.name = None, digest, ""
        return secret

    def reveal(self) -> str:
        """The value. Only the code that sends it, fingerprints it or redacts it may call this.

        Raises ValueError where only the digest is known.
        """
        if self._value is None:
            raise ValueError("only the digest of this secret is known")
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return "<secret>"

    __str__ = __repr__

    def __reduce__(self) -> tuple[Any, ...]:
        return (Secret.seen, (self.digest,))


@dataclass(frozen=True)
class Unknown:
    """An attribute's value that cannot be known before something upstream has changed; `reason` says why.

    `upstream`: only a change upstream can make it known. Where none is pending, the resource is in error with
    `reason`; without it, the resource's own actions may be what makes it known.
    """

    reason: str = ""
    upstream: bool = False

    def __str__(self) -> str:
        return UNKNOWN


class HostPath(str):
    """A path on a host: absolute, or `~/...`, which the shell on the host expands when it is quoted."""

    __slots__ = ()


Plain: TypeAlias = str | int | bool | None
Value: TypeAlias = str | int | bool | Secret | Unknown | None
State: TypeAlias = Mapping[str, Value]
Facts: TypeAlias = Mapping[str, str]
Params: TypeAlias = Mapping[str, Mapping[str, Any]]
Phase: TypeAlias = Literal["plan", "apply", "gate", "verify"]

CURRENT = "current"
"""Desired value of the attribute a resource has for each of its watches (see `Resource.watches`)."""


class Tense(StrEnum):
    """The same attribute, where the content is not what the resource was started with: it is known to be another
    one, or one of several is and nobody knows which, or it could not be inspected; the watched resource has a change
    pending, or may have one."""

    CHANGED = "changed"
    MAY_HAVE_CHANGED = "may have changed"
    NOT_KNOWN = "not known"
    WILL_CHANGE = "will change"
    MAY_CHANGE = "may change"
    REQUESTED = "requested"
    """Of `REQUEST` alone: the restart was asked for."""


REQUEST = "--restart"
"""The attribute of a service that is to be restarted since somebody asked for it; no resource has such a name."""
CHANGED = Tense.CHANGED.value
MAY_HAVE_CHANGED = Tense.MAY_HAVE_CHANGED.value
"""What a kind may say of a watch; the others are for the engine to say."""

UNKNOWN = "known after apply"
"""An `Unknown` value in a plan."""
