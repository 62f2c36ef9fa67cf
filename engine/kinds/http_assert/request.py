"""What `http-assert` sends: the parameters of a request, and curl's configuration made of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import quote_plus

from engine.kit import Check, HostPath, InvalidParameter, Secret, Source
from engine.kit.curl import (
    Text,
    address,
    check_headers,
    check_line,
    configuration,
    header,
    join,
    option,
    reveal,
)

READING = ("GET", "HEAD")
"""Methods that change nothing, so that a plan may use them."""

_ANY_SECRET = {"secret": True}
_BODY = {"type": ["string", "object", "array"], **_ANY_SECRET, "additionalProperties": _ANY_SECRET}


class Request(Check):
    """A request; what its answer must be is for the kind to say."""

    url: Annotated[
        str, "What to ask for, as seen from where the request is made (`from`).", {"pattern": "^https?://[^/]"}
    ]
    from_: Annotated[
        Literal["host", "controller"], "Who asks: the host itself, or the machine the engine runs on."
    ] = "host"
    method: Annotated[
        Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
        "A plan asks with GET and HEAD only; an apply asks all others once.",
    ] = "GET"
    headers: Annotated[Mapping[str, Text], "Headers to send."] = {}
    query: Annotated[
        Mapping[str, Text], "Parameters that are URL-encoded and added to the URL; empty text sends `name=`."
    ] = {}
    bearer: Annotated[Text | None, "Sent as `Authorization: Bearer ...`. One line."] = None
    body: Annotated[
        Any, "What to send: text as it is, a map or a list as JSON (application/json).", _BODY, {"items": _ANY_SECRET}
    ] = None
    body_file: Annotated[
        Source | None,
        "A file on the controller whose content is sent instead, as it is: up to 64 KiB, never rendered.",
    ] = None
    follow: Annotated[bool, "Follow redirects. Without it a redirect is an answer: 302 to /login shows as such."] = (
        False
    )
    insecure: Annotated[bool, "Do not check the server's TLS certificate."] = False
    ca: Annotated[
        HostPath | None, "File of certificates to trust instead of the system's, where the request is made."
    ] = None
    answer_within: Annotated[int | None, "Seconds one request may take: 30, and 5 in a plan.", {"minimum": 1}] = None

    def check_parameters(self) -> None:
        """Raises InvalidParameter for what could never be sent."""
        check_headers(self.headers)
        check_line("bearer", self.bearer or "")
        if self.body_file is None:
            return
        if self.body is not None:
            raise InvalidParameter("body_file", "there is a `body`, too; one of them is sent")
        if self.body_file.tree or self.body_file.files[0].data is None:
            raise InvalidParameter("body_file", "must be one file of up to 64 KiB")
        if b"\0" in self.body_file.files[0].data:
            raise InvalidParameter("body_file", "it contains a NUL byte, which cannot be sent")

    def where(self) -> Literal["host", "controller"]:
        return self.from_

    def effects(self) -> bool:
        return self.method not in READING

    def config(self) -> Text:
        """The options of curl, as a file of its `-K`. A Secret where anything in it is one."""
        lines: list[Text] = [option("url", self._address())]
        payload = self.payload()
        if self.method == "HEAD":
            lines.append("head")
        elif self.method != ("GET" if payload is None else "POST"):
            lines.append(option("request", self.method))
        for name, value in self._sent_headers().items():
            lines.append(header(name, value))
        if payload is not None:
            lines.append('data-binary = "@/dev/fd/5"')
        if self.follow:
            lines += ["location", "max-redirs = 10"]
        if self.insecure:
            lines.append("insecure")
        return configuration(lines)

    def payload(self) -> Text | None:
        """What is sent as a body; None: nothing, not even an empty one."""
        if self.body_file is not None:
            return (self.body_file.files[0].data or b"").decode("utf-8", "surrogateescape")
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

    def _address(self) -> Text:
        pairs: list[Text] = []
        for name, value in self.query.items():
            encoded = quote_plus(reveal(value))
            pairs.append(join([f"{quote_plus(name)}=", Secret(encoded) if isinstance(value, Secret) else encoded]))
        base = address(self.url)
        return join([base, "&" if "?" in base else "?", join(pairs, "&")]) if pairs else base

    def _sent_headers(self) -> dict[str, Text]:
        sent = dict(self.headers)
        if self.bearer is not None:
            sent["Authorization"] = join(["Bearer ", self.bearer])
        if isinstance(self.body, Mapping | list | tuple) and "content-type" not in map(str.lower, sent):
            sent["Content-Type"] = "application/json"
        return sent
