"""One answer as curl handed it over, taken apart: pure text work for `http-assert`."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.bounds import DEPTH, deep
from engine.plugins.json_judge import printable

BODY_LIMIT = 2 * 1024 * 1024
"""Bytes of a body that travel to the controller; /object_info of a ComfyUI with many nodes is about 0.5 MB."""

MARK = "\n\x1e"
"""What the probe puts between the body and the rest."""

_NO_CHARSETS = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"}
"""Python's codecs for text that are no character sets; of these punycode takes minutes for a long body."""
_WORDS = {
    6: "the name of the server is not known",
    7: "could not connect",
    28: "no answer in time",
    52: "the connection was closed without an answer",
    55: "the connection was cut while sending",
    56: "the connection was cut",
    60: "the server's certificate is not trusted",
}


@dataclass(frozen=True)
class Answer:
    """`status` None: none came, and `error` says why. With a status and an `error`, the answer broke off.
    `headers` keep their order and spelling, those of the last response alone where redirects were followed."""

    status: int | None
    headers: tuple[tuple[str, str], ...]
    body: bytes
    error: str

    @property
    def cut(self) -> bool:
        """More body came than is looked at."""
        return len(self.body) > BODY_LIMIT

    def header(self, name: str) -> str | None:
        """The value of a header, several joined by `, `; None: it is missing."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    def text(self) -> str:
        """The body as text, in the character set its header names; what is not text becomes U+FFFD."""
        found = re.search(r"charset=\"?([\w.:-]+)", self.header("Content-Type") or "", re.IGNORECASE)
        try:
            name = codecs.lookup(found[1]).name if found else "utf-8"
            return self.body.decode("utf-8" if name in _NO_CHARSETS else name, "replace")
        except (LookupError, ValueError):
            return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON. Raises ValueError with a sentence on what came instead."""
        if self.cut:
            raise ValueError(f"the body is larger than {BODY_LIMIT // 1024 // 1024} MiB")
        if not self.body.strip():
            raise ValueError("the body is empty")
        try:
            data = json.loads(self.body.decode("utf-8-sig"))
            if deep(data):
                raise RecursionError
            return data
        except RecursionError:
            raise ValueError(f"the body is JSON that is nested more than {DEPTH} levels deep") from None
        except ValueError:
            kind = self.header("Content-Type") or "no Content-Type"
            raise ValueError(f"the body is no JSON ({kind}): {printable(self.text(), 60)}") from None


def parse(facts: Mapping[str, str]) -> Answer:
    """The answer in the facts of a probe: body, mark, then headers, curl's complaint and its exit code."""
    body, _, rest = facts.get("answer", "").rpartition(MARK)
    rest, _, code = rest.replace("\r\n", "\n").rpartition("\n")
    status, headers = _last_response(rest)
    return Answer(status, headers, body.encode("utf-8", "surrogateescape"), _error(code, rest))


def _last_response(text: str) -> tuple[int | None, tuple[tuple[str, str], ...]]:
    status: int | None = None
    headers: list[tuple[str, str]] = []
    for line in text.split("\n"):
        first = re.match(r"HTTP/[\d.]+ (\d{3})", line)
        name, colon, value = line.partition(":")
        if first:
            status, headers = int(first[1]), []
        elif colon and not line.startswith("curl: ("):
            headers.append((name.strip(), value.strip()))
    return status, tuple(headers)


def _error(code: str, rest: str) -> str:
    if code == "0":
        return ""
    number = int(code) if code.isdigit() else -1
    said = re.findall(r"^curl: \(\d+\) (.*)$", rest, re.MULTILINE)
    return _WORDS.get(number) or (said[-1].strip() if said else f"curl ended with {code or 'no exit code'}")
