"""Numbers of things in words: the one place for plurals."""

from __future__ import annotations


def count(number: int, noun: str) -> str:
    """`1 host`, `2 hosts`, `1 batch`, `2 batches`."""
    plural = noun + ("es" if noun.endswith(("ch", "s", "x")) else "s")
    return f"{number} {noun if number == 1 else plural}"
