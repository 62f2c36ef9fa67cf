"""Requests that a script makes: what curl is told on its standard input, so that no credential is in its arguments.

`CURL` is the text of the shell functions; its head says what they take.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias
from urllib.parse import quote

from engine.errors import InvalidParameter
from engine.kit.shell import texts
from engine.model import Secret

Text: TypeAlias = str | Secret
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

CURL = texts(__file__)("curl.sh")


def configuration(lines: Sequence[Text]) -> Text:
    """The options of curl, as a file of its `-K`. A Secret where anything in it is one."""
    return join(["globoff", "path-as-is", *lines], "\n")


def address(url: str) -> str:
    """A URL as it is asked for: without its fragment, and with what no URL may hold encoded."""
    return quote(url.partition("#")[0], safe="%/:?#[]@!$&'()*+,;=~-._")


def reveal(value: Text) -> str:
    """The text itself."""
    return value.reveal() if isinstance(value, Secret) else value


def join(parts: Sequence[Text], between: str = "") -> Text:
    """The parts as one text; a Secret where one of them is."""
    text = between.join(map(reveal, parts))
    return Secret(text) if any(isinstance(part, Secret) for part in parts) else text


def option(name: str, value: Text) -> Text:
    """A line of curl's configuration: in double quotes, with what is special there escaped."""
    text = reveal(value)
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(plain, escaped)
    line = f'{name} = "{text}"'
    return Secret(line) if isinstance(value, Secret) else line


def header(name: str, value: Text) -> Text:
    """The line that has a header sent."""
    # A header without a value is written with a semicolon; with a colon curl would leave it out.
    return option("header", join([f"{name}: ", value]) if reveal(value) else f"{name};")


def check_headers(headers: Mapping[str, Text]) -> None:
    """Raise InvalidParameter for what could never be sent as a header."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise InvalidParameter("headers", f"`{name}` is not the name of a header")
        check_line(f"headers: `{name}`", value)


def check_line(where: str, value: Text) -> None:
    """Raise InvalidParameter, which names `where`, for a value that is more than one line."""
    try:
        text = reveal(value)
    except ValueError:
        return  # known by its digest alone, as where secrets are not read: then nothing is sent either
    if re.search(r"[\r\n\0]", text):
        raise InvalidParameter("", f"{where} has a line break in it; a header is one line")
