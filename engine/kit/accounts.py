"""Users and groups of a host, for the kinds that manage them."""

from __future__ import annotations

from engine.errors import Refused
from engine.kit.shell import texts

ACCOUNTS = texts(__file__)("accounts.sh")
"""Shell functions; the file says what they do."""
NAME = "^[A-Za-z_][A-Za-z0-9_.-]{0,31}$"


def need_root(actor: str, what: str) -> None:
    """Raise Refused where who acts (a number) is not root."""
    if actor != "0":
        raise Refused(f"only root changes {what}: set become: true here, or ansible_become for the host")
