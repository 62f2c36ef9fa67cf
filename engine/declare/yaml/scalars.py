"""What a plain scalar means: numbers that remember how they were spelled, and text made of values."""

from __future__ import annotations

import re
from typing import Any

from engine.model import Secret

_NULL = {"", "~", "null", "Null", "NULL"}
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_MODE = re.compile(r"(?:0o)?([0-7]{3,4})|0([0-7]{3,4})")
_LONGEST = 300
"""Digits of a number; what is longer is text (and float and int would refuse or round it)."""


class Int(int):
    """A whole number that remembers its spelling: `0600` is 600, and the text `0600`."""

    spelling: str

    def __new__(cls, value: int, spelling: str) -> Int:
        number = super().__new__(cls, value)
        number.spelling = spelling
        return number

    def __str__(self) -> str:
        return self.spelling


class Float(float):
    """A number that remembers its spelling: `3.30` is 3.3, and the text `3.30`."""

    spelling: str

    def __new__(cls, value: float, spelling: str) -> Float:
        number = super().__new__(cls, value)
        number.spelling = spelling
        return number

    def __str__(self) -> str:
        return self.spelling


def core(text: str) -> Any:
    """What a plain scalar is by the core schema of YAML 1.2: None, bool, Int, Float or str (so `yes` is text)."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if text[0] not in "0123456789+-." or len(text) > _LONGEST:
        return text
    if _INT.fullmatch(text):
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return Int(int(text[2:] if base != 10 else text, base), text)
    if _FLOAT.fullmatch(text) and abs(number := float(text)) != float("inf"):
        return Float(number, text)
    return text


def word(text: str) -> bool | str:
    """Where true or false is wanted: also yes, no, on, off, in any case; other text stays as it is."""
    return _WORDS.get(text.lower(), text)


def permission(value: Any) -> Any:
    """File permission bits as four octal digits (`0600`), from `0600`, `600`, `"0600"`; anything else unchanged."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return value
    found = _MODE.fullmatch(str(value))
    return (found[1] or found[2]).zfill(4) if found else value


class NoText(TypeError):
    """A list, a map or a secret where text is wanted; the message names no value."""


def as_text(value: Any) -> str:
    """A value inside text: a number as it was spelled, true and false as YAML writes them, nothing for None.

    Raises NoText for a list, a map or a secret: none of them has a text of its own.
    """
    if isinstance(value, str):
        return str(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Secret):
        raise NoText("a secret cannot be used here")
    raise NoText(f"{'a map' if hasattr(value, 'keys') else 'a list'} cannot be part of text")


def bare(value: Any) -> Any:
    """The value as Python's own types, without the memory of spellings, lists and maps copied."""
    if isinstance(value, Int):
        return int(value)
    if isinstance(value, Float):
        return float(value)
    if isinstance(value, dict):
        return {key: bare(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [bare(item) for item in value]
    return value
