"""The request of `http-assert`: what curl is told, and the script that asks. Pure.

Everything about a request travels as configuration on curl's standard input, so that no address, header or body
ever shows in a process list, and no file is written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus

from engine.errors import InvalidParameter
from engine.kit.shell import texts
from engine.model import Secret

sh = texts(__file__)

Text = str | Secret

READING = ("GET", "HEAD")
"""Methods that change nothing, so that a plan may use them."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

# One request. Nothing touches the disk and nothing but constants stands in curl's arguments: its options come on
# standard input, a body to send on descriptor 5. The answer's body goes to descriptor 4, what else there is to
# say (headers, complaint, exit code) is held back until the body is through, so that the two do not mix.
# `answer` ends with 0 (the status is as expected), 75 (no answer yet) or 76 (a wrong answer).
_REQUEST = sh("request.sh")

PROBE = sh("request.sh", "probe.sh")


@dataclass(frozen=True)
class Request:
    """What is asked; the fields are the parameters of `http-assert` of the same names."""

    url: str
    method: str = "GET"
    headers: Mapping[str, Text] = field(default_factory=dict)
    query: Mapping[str, Text] = field(default_factory=dict)
    bearer: Text | None = None
    body: Any = None
    follow: bool = False
    insecure: bool = False

    def check(self) -> None:
        """Raises InvalidParameter for what could never be sent."""
        for name, value in self.headers.items():
            if not _NAME.fullmatch(name):
                raise InvalidParameter("headers", f"`{name}` is no name of a header")
            _one_line(f"headers: `{name}`", value)
        _one_line("bearer", self.bearer or "")

    def config(self) -> Text:
        """The options of curl, as a file of its `-K`. A Secret where anything in it is one."""
        lines: list[Text] = ["globoff", "path-as-is", _option("url", self._address())]
        payload = self.payload()
        if self.method == "HEAD":
            lines.append("head")
        elif self.method != ("GET" if payload is None else "POST"):
            lines.append(_option("request", self.method))
        for name, value in self._sent_headers().items():
            # A header without a value is written with a semicolon; with a colon curl would leave it out.
            lines.append(_option("header", _join([f"{name}: ", value]) if _reveal(value) else f"{name};"))
        if payload is not None:
            lines.append('data-binary = "@/dev/fd/5"')
        if self.follow:
            lines += ["location", "max-redirs = 10"]
        if self.insecure:
            lines.append("insecure")
        return _join(lines, "\n")

    def _address(self) -> Text:
        base, _, _ = self.url.partition("#")
        pairs: list[Text] = []
        for name, value in self.query.items():
            encoded = quote_plus(_reveal(value))
            pairs.append(_join([f"{quote_plus(name)}=", Secret(encoded) if isinstance(value, Secret) else encoded]))
        address = quote(base, safe="%/:?#[]@!$&'()*+,;=~-._")
        if not pairs:
            return address
        return _join([address, "&" if "?" in address else "?", _join(pairs, "&")])

    def _sent_headers(self) -> dict[str, Text]:
        sent = dict(self.headers)
        if self.bearer is not None:
            sent["Authorization"] = _join(["Bearer ", self.bearer])
        if isinstance(self.body, Mapping | list | tuple) and "content-type" not in map(str.lower, sent):
            sent["Content-Type"] = "application/json"
        return sent

    def payload(self) -> Text | None:
        """What is sent as a body; None: nothing, not even an empty one."""
        if self.body is None:
            return "" if self.method in ("POST", "PUT", "PATCH") else None
        if isinstance(self.body, str | Secret):
            return self.body
        secrets: list[Secret] = []

        def revealed(value: object) -> str:
            if not isinstance(value, Secret):
                raise TypeError(f"{type(value).__name__} cannot be sent as JSON")
            secrets.append(value)
            return value.reveal()

        text = json.dumps(self.body, ensure_ascii=False, default=revealed)
        return Secret(text) if secrets else text


def _one_line(where: str, value: Text) -> None:
    try:
        text = _reveal(value)
    except ValueError:
        return  # known by its digest alone, as where secrets are not read: then nothing is sent either
    if re.search(r"[\r\n\0]", text):
        raise InvalidParameter("", f"{where} has a line break in it; a header is one line")


def _reveal(value: Text) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def _join(parts: Sequence[Text], between: str = "") -> Text:
    """The parts as one text; a Secret where one of them is."""
    text = between.join(map(_reveal, parts))
    return Secret(text) if any(isinstance(part, Secret) for part in parts) else text


def _option(name: str, value: Text) -> Text:
    """A line of curl's configuration: in double quotes, with what is special there escaped."""
    text = _reveal(value)
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(plain, escaped)
    line = f'{name} = "{text}"'
    return Secret(line) if isinstance(value, Secret) else line
