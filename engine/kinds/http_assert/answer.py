"""One answer as curl handed it over, taken apart: pure text work for `http-assert`."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from engine import bounds
from engine.kinds.http_assert.expect import printable

FIRST_LINE = 500
"""Characters of an unexpected answer that are shown: as much as ComfyUI needs to name the model that is missing."""

MARK = "\n\x1e"
"""What the probe puts between the body and the rest."""

_CHARSET = re.compile(
    r"""charset="?(utf-?(?:8|16|32)(?:[lb]e)?|(?:us-)?ascii|iso-8859-\d+|latin-?\d|windows-\d+|koi8-[ru]|gbk|gb2312|gb18030"""
    r"""|big5|shift_jis|euc-(?:jp|kr))(?![\w-])""",
    re.IGNORECASE | re.ASCII,
)
"""Character sets of the web. Python knows others, among them some that take hours for a body of a megabyte."""

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

    def header(self, name: str) -> str | None:
        """The value of a header, several joined by `, `; None: it is missing."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    def text(self) -> str:
        """The body as text, in the character set its header names; what is not text becomes U+FFFD."""
        found = _CHARSET.search(self.header("Content-Type") or "")
        try:
            return self.body.decode(found[1] if found else "utf-8", "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")

    def first_line(self, limit: int) -> str:
        """The first line of the body: of JSON all of it on one line, of a page its title. The body may have been cut
        off after `limit` bytes. Where something is cut off, the word it was cut in is left out: it might be a part of
        a secret, which nobody would know again."""
        text = self.text().strip()
        title = re.search(r"<title[^>]*>(.+?)</title", text, re.IGNORECASE | re.DOTALL)
        line = text if text.startswith(("{", "[")) else text.split("\n", 1)[0]
        if title and text.startswith("<"):
            line = html.unescape(title[1])
        clean = printable(line, len(line))
        if len(clean) <= FIRST_LINE and (len(self.body) < limit or line != text):
            return clean
        return re.sub(r"[^\s\"'<>&,;]*$", "", clean[:FIRST_LINE]) + "…"

    @cached_property
    def json(self) -> tuple[Any, str]:
        """The body as JSON, read once, and a sentence on what came instead; one of them is empty."""
        if len(self.body) > bounds.BODY:
            return None, f"the body is larger than {bounds.size(bounds.BODY)}"
        if not self.body.strip():
            return None, "the body is empty"
        try:
            data = json.loads(self.body.decode("utf-8-sig"), parse_constant=_no_json)
            bounds.check_json(data, bounds.VALUES)
        except RecursionError:
            return None, f"the body is {bounds.TOO_DEEP}"
        except bounds.Exceeded as error:
            return None, f"the body {error}"
        except ValueError:
            kind = printable(self.header("Content-Type") or "no Content-Type", 60)
            return None, f"the body is not JSON ({kind}): {printable(self.text(), 60)}"
        return data, ""


def _no_json(word: str) -> Any:
    """`NaN` and `Infinity`, which Python would take. Raises ValueError."""
    raise ValueError(word)


@lru_cache(maxsize=4)
def parse(text: str) -> Answer:
    """The answer as a probe reports it: body, mark, then headers, curl's complaint and its exit code.

    A plan asks for the same one several times: the last few are remembered, so that each is taken apart once.
    """
    body, _, rest = text.rpartition(MARK)
    if len(rest) > bounds.HEADERS:
        return Answer(None, (), b"", f"the headers are larger than {bounds.size(bounds.HEADERS)}")
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
    number = int(code) if re.fullmatch("[0-9]{1,3}", code) else -1
    said = re.findall(r"^curl: \(\d+\) (.*)$", rest, re.MULTILINE)
    ended = f"curl ended with {printable(code, 20) or 'no exit code'}"
    return _WORDS.get(number) or (printable(said[-1]) if said else ended)
