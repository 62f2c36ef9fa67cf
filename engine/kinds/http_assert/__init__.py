"""http-assert: a request has the expected answer. It changes nothing; the verify pass is the assertion."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from engine.errors import InvalidParameter
from engine.kinds.http_assert import expect
from engine.kinds.http_assert.answer import BODY_LIMIT, Answer, parse
from engine.kinds.http_assert.request import PROBE, READING, Request, Text
from engine.model import (
    Action,
    Change,
    Facts,
    HostPath,
    Params,
    Place,
    Resource,
    Script,
    Secret,
    State,
    Unknown,
    Value,
)

_JUDGED_BODY = BODY_LIMIT + 1
_UNJUDGED_BODY = 1024
MOST = 20
"""Items of a list that are shown."""

_TEXT_MAP = {"type": "object", "additionalProperties": {"type": "string", "secret": True}}
_ANY_SECRET = {"secret": True}


@dataclass(frozen=True)
class HttpAssert(Resource):
    """A request and what its answer must be; the fields are the parameters that `params` describes."""

    kind: ClassVar[str] = "http-assert"
    summary: ClassVar[str] = "A request has the expected status, headers, JSON and text."
    check: ClassVar[bool] = True
    example: ClassVar[str] = """\
accepts-token:
  timeout: 2m
  http-assert:
    url: http://127.0.0.1:8188/system_stats
    bearer: "{{ secrets.api_token }}"
    status: 200
    json:
      system.comfyui_version: { version: ">=0.3" }
      length(devices): { gte: 1 }
    show: { ComfyUI: system.comfyui_version, RAM: { bytes: system.ram_total }, GPU: "devices[].name" }
"""
    params: ClassVar[Params] = {
        "url": {
            "type": "string",
            "pattern": "^https?://[^/]",
            "required": True,
            "description": "What to ask for, as seen from where the request is made (`from`).",
        },
        "from": {
            "enum": ["host", "controller"],
            "description": "Who asks: the host itself (default), or the machine the engine runs on.",
        },
        "method": {
            "enum": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
            "description": "GET unless given. A plan asks with GET and HEAD only; an apply asks all others once.",
        },
        "headers": {
            **_TEXT_MAP,
            "description": "Headers to send.",
        },
        "query": {
            **_TEXT_MAP,
            "description": "Parameters that are URL-encoded and added to the URL; empty text sends `name=`.",
        },
        "bearer": {
            "type": "string",
            "secret": True,
            "description": "Sent as `Authorization: Bearer ...`. One line.",
        },
        "body": {
            "type": ["string", "object", "array"],
            "secret": True,
            "additionalProperties": _ANY_SECRET,
            "items": _ANY_SECRET,
            "description": "What to send: text as it is, a map or a list as JSON (application/json).",
        },
        "follow": {
            "type": "boolean",
            "description": "Follow redirects. Without it a redirect is an answer: 302 to /login shows as such.",
        },
        "insecure": {"type": "boolean", "description": "Do not check the server's TLS certificate."},
        "ca": {
            "type": "string",
            "host_path": True,
            "description": "File of certificates to trust instead of the system's, where the request is made.",
        },
        "answer_within": {
            "type": "integer",
            "minimum": 1,
            "description": "Seconds one request may take; 30, and 5 in a plan, unless given.",
        },
        "status": {
            "anyOf": [
                {"type": "integer", "minimum": 100, "maximum": 599},
                {"type": "array", "items": {"type": "integer", "minimum": 100, "maximum": 599}, "minItems": 1},
            ],
            "description": "The expected status, or a list of them; 200 unless given.",
        },
        "json": {
            "type": "object",
            "additionalProperties": expect.EXPECTATION,
            "description": f"JMESPath → what is expected there: {expect.MEANING}.",
        },
        "text": {
            **expect.TEXT_EXPECTATION,
            "description": "What is expected of the body as text, as in `json`; numbers stand for their spelling.",
        },
        "response_headers": {
            "type": "object",
            "additionalProperties": expect.TEXT_EXPECTATION,
            "description": "Header → what is expected of its value, as in `text`.",
        },
        "show": {
            "type": "object",
            "additionalProperties": {
                "anyOf": [
                    {"type": "string"},
                    {
                        "type": "object",
                        "properties": {"bytes": {"type": "string"}},
                        "required": ["bytes"],
                        "additionalProperties": False,
                    },
                ]
            },
            "description": "Label → JMESPath of a value to print in the report; `{bytes: PATH}` prints GiB.",
        },
    }

    url: str
    from_: Literal["host", "controller"] = "host"
    method: str = "GET"
    headers: Mapping[str, Text] = field(default_factory=dict)
    query: Mapping[str, Text] = field(default_factory=dict)
    bearer: Text | None = None
    body: Any = None
    follow: bool = False
    insecure: bool = False
    ca: HostPath | None = None
    answer_within: int | None = None
    status: int | Sequence[int] = 200
    json: Mapping[str, Any] = field(default_factory=dict)
    text: Any = None
    response_headers: Mapping[str, Any] = field(default_factory=dict)
    show_: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises InvalidParameter for what could never be asked or judged."""
        self._request().check()
        for path, expectation in self.json.items():
            _search(path, {})
            _named("json", path, expectation)
        for name, expectation in self.response_headers.items():
            _named("response_headers", name, expectation)
        if self.text is not None:
            _named("text", "", self.text)
        for path, _ in self._labels().values():
            _search(path, {})

    def places(self) -> tuple[Place, ...]:
        return ()

    def where(self) -> Literal["host", "controller"]:
        return self.from_

    def effects(self) -> bool:
        return self.method not in READING

    def judge(self) -> Literal["host", "controller"]:
        beyond = self.json or self.text is not None or self.response_headers
        return "controller" if beyond else "host"

    def probe(self) -> Script:
        request = self._request()
        variables: dict[str, str | int | bool | Secret] = {
            "config": request.config(),
            "body": request.payload() or "",
            "reading": self.method in READING,
            "ca": self.ca or "",
            "within": self.answer_within or "",
            "statuses": " ".join(map(str, self._statuses())),
            "keep": _JUDGED_BODY if self.json or self.text is not None or self.show_ else _UNJUDGED_BODY,
        }
        return Script(PROBE, variables)

    def actual(self, facts: Facts) -> State:
        if facts.get("asked") != "yes":
            return {name: Unknown("asked only after apply") for name in self.desired(facts)}
        answer = self._answer(facts)
        state: dict[str, Value] = {"status": self._got(answer)}
        if self._arrived(answer):
            state |= {name: value for name, (_, value) in self._judged(answer).items()}
        return state

    def desired(self, facts: Facts) -> State:
        """Where the status is wrong it is the only attribute: what an error page says of the rest is noise."""
        statuses = self._statuses()
        state: dict[str, Value] = {"status": statuses[0] if len(statuses) == 1 else " or ".join(map(str, statuses))}
        if facts.get("asked") == "yes":
            answer = self._answer(facts)
            if self._arrived(answer):
                state |= {name: wanted for name, (wanted, _) in self._judged(answer).items()}
        return state

    def actions(self, change: Change) -> Iterator[Action]:
        return iter(())

    def show(self, facts: Facts) -> Mapping[str, str]:
        """The values to show; where the status is wrong, the first line of the body, which often says why."""
        if facts.get("asked") != "yes":
            return {}
        answer = self._answer(facts)
        if not self._arrived(answer):
            first = answer.first_line(_UNJUDGED_BODY)
            return {"answer": first} if first else {}
        if not self.show_:
            return {}
        try:
            data = answer.json()
        except ValueError:
            return {}
        found = {label: _shown(_search(path, data), size) for label, (path, size) in self._labels().items()}
        return {label: expect.printable(text, MOST * expect.LONGEST) for label, text in found.items()}

    def _request(self) -> Request:
        return Request(
            self.url, self.method, self.headers, self.query, self.bearer, self.body, self.follow, self.insecure
        )

    def _statuses(self) -> tuple[int, ...]:
        return (self.status,) if isinstance(self.status, int) else tuple(self.status)

    def _answer(self, facts: Facts) -> Answer:
        answer = parse(facts)
        # For HEAD curl prints the headers where a body would be.
        return replace(answer, body=b"") if self.method == "HEAD" else answer

    def _arrived(self, answer: Answer) -> bool:
        return answer.status in self._statuses() and not answer.error

    def _got(self, answer: Answer) -> Value:
        """The status as it is compared: that of `desired` where it is one of those expected."""
        if self._arrived(answer):
            return self.desired({})["status"]
        if answer.status is None:
            return f"no answer: {answer.error}"
        if answer.error:
            return f"{answer.status}, but {answer.error}"
        target = answer.header("Location")
        if target is not None and 300 <= answer.status < 400:
            return f"{answer.status} to {expect.printable(target)}"
        return answer.status

    def _judged(self, answer: Answer) -> dict[str, tuple[Value, Value]]:
        """Attribute → (wanted, found), the same twice where it is as expected."""
        found: dict[str, tuple[Value, Value]] = {}
        for name, expectation in self.response_headers.items():
            found[f"header {name}"] = _verdict(expectation, answer.header(name))
        if self.json:
            try:
                data = answer.json()
            except ValueError as error:
                return {**found, "json": ("JSON", str(error))}
            for path, expectation in self.json.items():
                found[f"json {path}"] = _verdict(expectation, _search(path, data))
        if self.text is not None:
            found["text"] = _verdict(self.text, answer.text().removesuffix("\n"))
        return found

    def _labels(self) -> dict[str, tuple[str, bool]]:
        """Label → (JMESPath, whether the value is a number of bytes)."""
        return {
            label: (path, False) if isinstance(path, str) else (str(path["bytes"]), True)
            for label, path in self.show_.items()
        }


def _named(parameter: str, name: str, expectation: object) -> None:
    try:
        expect.check(expectation)
    except ValueError as error:
        raise InvalidParameter(parameter, f"`{name}`: {error}" if name else str(error)) from None


def _search(path: str, data: object) -> Any:
    """Raises InvalidParameter where `path` is no JMESPath; None where it leads nowhere or does not fit the data."""
    import jmespath
    from jmespath.exceptions import JMESPathError, ParseError, UnknownFunctionError

    try:
        compiled = jmespath.compile(path)
    except ParseError as error:
        raise InvalidParameter("", f"`{path}` is no JMESPath: {str(error).splitlines()[0]}") from None
    try:
        return compiled.search(data)
    except UnknownFunctionError as error:
        raise InvalidParameter("", f"`{path}` is no JMESPath: {error}") from None
    except (JMESPathError, ArithmeticError, TypeError, ValueError):
        return None


def _verdict(expectation: object, found: object) -> tuple[Value, Value]:
    wanted = expect.wanted(expectation)
    return wanted, wanted if expect.holds(expectation, found) else expect.spell(expectation, found)


def _shown(value: object, size: bool) -> str:
    if isinstance(value, list):
        more = ["…"] if len(value) > MOST else []
        return ", ".join([*(_shown(item, size) for item in value[:MOST]), *more]) or "none"
    if value is None:
        return "none"
    if size and isinstance(value, int | float) and abs(value) < 2**100:
        return f"{value / 2**30:.1f} GiB"
    return expect.printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
