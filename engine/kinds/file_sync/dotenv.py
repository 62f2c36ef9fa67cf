"""Keys of a `.env` file: which values Compose reads back as they were written.

Both Compose 1 and Compose 2 take what stands between single quotes as it is, with these exceptions: neither can hold
a single quote, Compose 1 turns two backslashes into one and expands `${...}` even there, and in both a backslash
before the closing quote keeps the value open. An unquoted or double-quoted value is only read alike where it holds
none of the characters that either of them treats specially.
"""

from __future__ import annotations

from engine.model import Secret

NAME = r"[A-Za-z_][A-Za-z0-9_]*"


def refusal(value: str | Secret) -> str:
    """Why a value cannot stand in a `.env` file so that both Compose versions read it back; empty where it can."""
    text = value.reveal() if isinstance(value, Secret) else value
    reasons = {
        "a line break": "\n" in text or "\r" in text,
        "a NUL byte": "\0" in text,
        "a single quote": "'" in text,
        "two backslashes in a row": "\\\\" in text,
        "a backslash at its end": text.endswith("\\"),
        "`${`": "${" in text,
        "bytes that are no UTF-8": any("\udc80" <= character <= "\udcff" for character in text),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")
