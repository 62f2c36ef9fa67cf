"""http-assert: a request has the expected answer. It changes nothing; the verify pass is the assertion."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from engine import bounds
from engine.kinds.http_assert import expect
from engine.kinds.http_assert.answer import Answer, parse
from engine.kinds.http_assert.request import READING, Request
from engine.kit import Facts, InvalidParameter, State, Unknown, Variables
from engine.kit.curl import CURL
from engine.kit.fields import Schema
from engine.kit.services import AWAITED
from engine.kit.shell import texts
from engine.model import Outside, Value

_UNJUDGED_BODY = 1024
MOST = 20
"""Items of a list that are shown."""

_Status = Annotated[int, Schema(minimum=100, maximum=599)]
_SIZE = {
    "type": "object",
    "properties": {"bytes": {"type": "string"}},
    "required": ["bytes"],
    "additionalProperties": False,
}


class HttpAssert(Request):
    """A request has the expected status, headers, JSON and text.

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

    status: Annotated[
        _Status | Annotated[Sequence[_Status], Schema(minItems=1)], "The expected status, or a list of them."
    ] = 200
    json: Annotated[
        Mapping[str, Any],
        "JMESPath, maybe a template → what is expected there: a scalar means equal, a map has one operator.",
        {"additionalProperties": expect.EXPECTATION, "template_keys": True},
    ] = {}
    text: Annotated[
        Any,
        "What is expected of the body as text, as in `json`; numbers stand for their spelling.",
        expect.TEXT_EXPECTATION,
    ] = None
    response_headers: Annotated[
        Mapping[str, Any],
        "Header → what is expected of its value, as in `text`.",
        {"additionalProperties": expect.TEXT_EXPECTATION},
    ] = {}
    show_: Annotated[
        Mapping[str, Any],
        "Label → JMESPath of a value to print in the report; `{bytes: PATH}` prints GiB.",
        {"additionalProperties": {"anyOf": [{"type": "string"}, _SIZE]}},
    ] = {}

    # One request, asked until it is answered.
    probe_sh = CURL + AWAITED + texts(__file__)("probe.sh")

    def check_parameters(self) -> None:
        """Raises InvalidParameter for what could never be asked or judged."""
        super().check_parameters()
        for path in (*self.json, *(path for path, _ in self._labels().values())):
            _search(path, {})
        expected = [("json", *each) for each in self.json.items()]
        expected += [("response_headers", *each) for each in self.response_headers.items()]
        for parameter, name, expectation in [*expected, ("text", "", self.text)]:
            try:
                expect.check(expectation)
            except ValueError as error:
                raise InvalidParameter(parameter, f"`{name}`: {error}" if name else str(error)) from None

    def judge(self) -> Literal["host", "controller"]:
        beyond = self.json or self.text is not None or self.response_headers
        return "controller" if beyond else "host"

    def variables(self) -> Variables:
        return {
            "config": self.config(),
            "body": self.payload() or "",
            "reading": self.method in READING,
            "ca": self.ca or "",
            "within": self.answer_within or "",
            "statuses": " ".join(map(str, self._statuses())),
            "keep": bounds.BODY + 1 if self.json or self.text is not None or self.show_ else _UNJUDGED_BODY,
        }

    def actual(self, facts: Facts) -> State:
        if facts.get("asked") != "yes":
            return {name: Unknown("asked only after apply") for name in self.desired(facts)}
        answer = self._answer(facts)
        found = {name: expect.verdict(*pair) for name, pair in self._expected(answer).items()}
        return {"status": self._got(answer), **found}

    def desired(self, facts: Facts) -> State:
        """Where the status is wrong it is the only attribute: what an error page says of the rest is noise."""
        wanted = {name: expect.wanted(each) for name, (each, _) in self._expected(self._answer(facts)).items()}
        return {"status": self._wanted_status(), **wanted}

    def show(self, facts: Facts) -> Mapping[str, str]:
        """The values to show; where the status is wrong, the first line of the body, which often says why."""
        answer = self._answer(facts)
        if not self._arrived(answer):
            first = answer.first_line(_UNJUDGED_BODY)
            return {"answer": first} if first else {}
        data, problem = answer.json if self.show_ else (None, "nothing to show")
        if problem:
            return {}
        found = {label: _shown(_search(path, data), size) for label, (path, size) in self._labels().items()}
        return {label: expect.printable(text, MOST * expect.LONGEST) for label, text in found.items()}

    def explain(self, facts: Facts) -> str:
        return Outside(facts.get("ended", ""))

    def _statuses(self) -> tuple[int, ...]:
        return (self.status,) if isinstance(self.status, int) else tuple(self.status)

    def _wanted_status(self) -> Value:
        statuses = self._statuses()
        return statuses[0] if len(statuses) == 1 else " or ".join(map(str, statuses))

    def _answer(self, facts: Facts) -> Answer:
        answer = parse(facts.get("answer", ""))
        # For HEAD curl prints the headers where a body would be.
        return replace(answer, body=b"") if self.method == "HEAD" else answer

    def _arrived(self, answer: Answer) -> bool:
        return answer.status in self._statuses() and not answer.error

    def _got(self, answer: Answer) -> Value:
        """The status as it is compared: that of `desired` where it is one of those expected."""
        if self._arrived(answer):
            return self._wanted_status()
        if answer.status is None:
            return f"no answer: {answer.error}"
        if answer.error:
            return f"{answer.status}, but {answer.error}"
        target = answer.header("Location")
        if target is not None and 300 <= answer.status < 400:
            return f"{answer.status} to {expect.printable(target)}"
        return answer.status

    def _expected(self, answer: Answer) -> dict[str, tuple[Any, Any]]:
        """Attribute → (what is expected of it, the value found); nothing where the status is wrong."""
        if not self._arrived(answer):
            return {}
        headers = self.response_headers.items()
        found = {f"header {name}": (expectation, answer.header(name)) for name, expectation in headers}
        data, problem = answer.json if self.json else (None, "")
        if problem:
            return {**found, "json": ("JSON", problem)}
        found |= {f"json {path}": (expectation, _search(path, data)) for path, expectation in self.json.items()}
        if self.text is not None:
            found["text"] = (self.text, answer.text().removesuffix("\n"))
        return found

    def _labels(self) -> dict[str, tuple[str, bool]]:
        """Label → (JMESPath, whether the value is a number of bytes)."""
        return {
            label: (path, False) if isinstance(path, str) else (str(path["bytes"]), True)
            for label, path in self.show_.items()
        }


def _search(path: str, data: object) -> Any:
    """Raises InvalidParameter where `path` is not JMESPath; None where it leads nowhere or does not fit the data."""
    import jmespath
    from jmespath.exceptions import JMESPathError, ParseError, UnknownFunctionError

    try:
        compiled = jmespath.compile(path)
    except ParseError as error:
        raise InvalidParameter("", f"`{path}` is not JMESPath: {str(error).splitlines()[0]}") from None
    try:
        return compiled.search(data)
    except UnknownFunctionError as error:
        raise InvalidParameter("", f"`{path}` is not JMESPath: {error}") from None
    except (JMESPathError, ArithmeticError, TypeError, ValueError):
        return None


def _shown(value: object, size: bool) -> str:
    if isinstance(value, list):
        more = ["…"] if len(value) > MOST else []
        return ", ".join([*(_shown(item, size) for item in value[:MOST]), *more]) or "none"
    if value is None:
        return "none"
    if size and isinstance(value, int | float) and abs(value) < 2**100:
        return f"{value / 2**30:.1f} GiB"
    return expect.printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
