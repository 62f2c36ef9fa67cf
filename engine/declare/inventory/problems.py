"""What is wrong with one host of an inventory, and leaves the others as they are."""

from __future__ import annotations

from engine.errors import InvalidInput


class HostProblem(InvalidInput):
    """The variables of a host cannot be decrypted, or its connection variables cannot be rendered."""
