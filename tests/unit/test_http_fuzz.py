"""What a web service may answer, and what curl may print: http-assert has a verdict, never an accident."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import pytest

from engine.bounds import BODY, DEPTH
from engine.kinds.http_assert import HttpAssert
from engine.kinds.http_assert.answer import MARK, parse
from engine.model import DeclaredResource, Host, HostDeclaration, Step
from engine.plan.planner import Observation, plan_host
from tests.measured import measured

ANSWERS, SAMPLE = 30_000, 1_500
SEED = 20_260_101
MB = 1 << 20
URL = "http://127.0.0.1:8188/x"
SCHEMA: dict[str, Any] = {
    "type": ["object", "array", "string"],
    "properties": {"a": {"$ref": "#"}, "b": {"type": "string", "maxLength": 9}},
    "items": {"$ref": "#"},
    "additionalProperties": {"anyOf": [{"type": "number"}, {"$ref": "#"}]},
}
CHECKS = [
    HttpAssert(url=URL),
    HttpAssert(
        url=URL, status=(200, 204), response_headers={"Content-Type": "application/json", "X": {"exists": False}}
    ),
    HttpAssert(url=URL, json={"a": 1, "a.b[0]": {"gte": 1}, "b": {"version": ">=0.3"}, "length(@)": {"lt": 5}}),
    HttpAssert(url=URL, json={"@": {"schema": SCHEMA}}, show_={"all": "@", "size": {"bytes": "a"}}),
    HttpAssert(
        url=URL,
        json={
            "sum(*)": {"gt": 1}, "ceil(a)": 1, "sort_by(@, &b)[0]": {"contains": "x"}, "to_number(b)": {"lte": 3},
            "max(@)": {"exists": True}, "avg(*.a)": {"ne": 0}, "a": {"equals": {"b": [1]}}, "b": {"one_of": [1, "x"]},
        },
    ),
    HttpAssert(url=URL, text={"contains": "ready"}, show_={"RAM": {"bytes": "*"}, "names": "*[].b"}),
    HttpAssert(url=URL, text={"version": ">=1"}, json={"a": {"matches": "^x+$"}, "b": {"min_length": 2}}),
    HttpAssert(url=URL, method="HEAD", response_headers={"Location": {"matches": "x"}}),
]  # fmt: skip
ATOMS: list[str] = [
    "1", "-1", "0", "1e999", "-1e999", "1" * 4000, "1" * 5000, "NaN", "Infinity", "true", "null", '""', '"x"',
    "1.5e-999",
    '"' + "1" * 5000 + '"', '"\\ud800"', '"\\u0000"', '"1.2.3-x"', '"\\u202e"', "{", "]", "'", "", '"v1!2.0"',
]  # fmt: skip
TYPES = [
    "application/json", "text/html; charset=utf-8", "text/plain; charset=punycode", "x; charset=idna",
    "x; charset=utf-7",
    "x; charset=undefined", "x; charset=unicode_escape", "x; charset=utf-16", "x; charset=iso-8859-99",
    "x; charset=zlib",
    'x; charset="', "x; charset=utf-8-sig", "x; charset=" + "a" * 5000, "", "\x1b[2J", "charset=big5hkscs",
]  # fmt: skip
CODES = ["0", "6", "7", "28", "52", "56", "60", "99", "", "²", "٣", "-1", "0x0", "1" * 5000, "0\n0", "curl"]


def value(rng: random.Random, depth: int = 0) -> str:
    """Something like JSON."""
    kind = rng.randrange(6)
    if depth > 4 or kind < 2:
        return rng.choice(ATOMS)
    if kind == 2:
        return "[" * (many := rng.choice([3, DEPTH - 5, DEPTH + 5, 1200, 5000])) + "]" * many
    if kind == 3:
        return '{"a":' * (many := rng.choice([3, DEPTH - 5, DEPTH + 5, 1200])) + "1" + "}" * many
    items = [value(rng, depth + 1) for _ in range(rng.randrange(5))]
    if kind == 4:
        return "[" + ",".join(items) + "]"
    return "{" + ",".join(f'"{name}":{item}' for name, item in zip("abxy", items, strict=False)) + "}"


def answer(rng: random.Random) -> dict[str, str]:
    """The facts of a probe."""
    if rng.random() < 0.2:
        return {"asked": "yes", "answer": f'{{"a": 1, "b": "x"}}{MARK}HTTP/1.1 200 OK\r\n\r\n\n0'}
    body = value(rng)
    if rng.random() < 0.2:
        body = bytes(rng.randrange(256) for _ in range(200)).decode("utf-8", "surrogateescape")
    status = rng.choice(["200", "200", "200", "204", "301", "500", "999", "٢٠٠", "20", "", "2000"])
    head = [f"HTTP/{rng.choice(['1.1', '2', '', '1.1.1'])} {status} x", f"Content-Type: {rng.choice(TYPES)}"]
    head += [
        rng.choice(["X: " + "y" * 3000, "no colon", ":", "Location: \x1b[31m", "curl: (7) no", ": x", "\ud800: 1"])
    ]
    said = rng.choice(["", "", "curl: (56) reset", "curl: (99) " + "z" * 5000, "curl: (x"])
    parts = [body, MARK, rng.choice(["\r\n", "\n", "\r"]).join([*head, "", said]), "\n", rng.choice(["0", *CODES])]
    if rng.random() < 0.2:
        del parts[rng.randrange(len(parts))]
    facts = {"asked": rng.choice(["yes", "yes", "yes", "no", ""]), "answer": "".join(parts)}
    if rng.random() < 0.05:
        del facts[rng.choice(list(facts))]
    return facts


def judged(check: HttpAssert, facts: dict[str, str]) -> Step:
    """As a verify pass has it."""
    host = HostDeclaration(Host("here"), (DeclaredResource("it", check),))
    (step,) = plan_host(host, {"it": Observation(facts)}, fingerprint=str, settled=True).steps
    return step


def sound(step: Step) -> None:
    """What holds of every verdict."""
    assert step.outlook in ("converged", "failing"), step.reason
    for attribute in step.attributes:
        assert len(str(attribute.before)) < 5000
    assert all(len(text) < 20_000 for text in step.show.values())
    json.dumps([str(step.now), step.show])


def test_answers(full: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_DEBUG", "1")
    began, converged = time.monotonic(), 0
    count = ANSWERS if full else SAMPLE
    for n in range(count):
        rng = random.Random(SEED + n)  # noqa: S311
        check, facts = rng.choice(CHECKS), answer(rng)
        if facts.get("asked") != "yes":
            continue
        try:
            step = judged(check, facts)
            sound(step)
        except Exception as problem:
            raise AssertionError(f"answer {SEED + n}: {facts}, {check}") from problem
        converged += step.outlook == "converged"
    assert converged > count / 100, "none is right"
    assert (time.monotonic() - began) / count < 0.05


@pytest.mark.parametrize("code", CODES)
def test_whatever_curl_ends_with(code: str) -> None:
    error = parse(f"{{}}{MARK}HTTP/1.1 200 OK\r\n\r\n\n{code}").error
    assert bool(error) == (code not in ("0", "0\n0"))
    assert len(error) < 200


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":['])
@pytest.mark.parametrize("closed", [True, False])
def test_lists_within_lists(opening: str, closed: bool) -> None:
    """Ten bytes a level would do to end a host's run."""
    closing = opening[::-1].translate(str.maketrans("[{", "]}")).replace('"', "").replace("a", "").replace(":", "")
    for many in (DEPTH + 1, 500, 990, 100_000):
        body = opening * many + ("1" + closing * many if closed else "")
        for check in CHECKS[2:4]:
            step = judged(check, {"asked": "yes", "answer": f"{body}{MARK}HTTP/1.1 200 OK\r\n\r\n\n0"})
            assert step.outlook == "failing", step.reason
            assert "more than" in str(step.attributes) or "not JSON" in str(step.attributes)


def test_as_deep_as_allowed() -> None:
    body = '{"a":' * DEPTH + "1" + "}" * DEPTH
    step = judged(CHECKS[3], {"asked": "yes", "answer": f"{body}{MARK}HTTP/1.1 200 OK\r\n\r\n\n0"})
    assert step.show["all"].startswith('{"a": {"a":')


IMPORTS = """
import engine.plan.planner
from tests.unit.test_http_fuzz import BODY, CHECKS, MARK, judged, sound
import jmespath, jsonschema, packaging.version
def look(body, head="Content-Type: application/json"):
    for check in CHECKS[3], CHECKS[4], CHECKS[6]:
        sound(judged(check, {"asked": "yes", "answer": f"{body}{MARK}HTTP/1.1 200 OK\\r\\n{head}\\r\\n\\r\\n\\n0"}))
"""
LARGE = {
    "opened and never closed": "look('[' * BODY)",
    "many empty lists": "look('[' + '[],' * (BODY // 3 - 2) + '1]')",
    "many maps": "look('[' + '{\"b\":1},' * (BODY // 8 - 2) + '1]')",
    "digits": "look('1' * BODY)",
    "a string of digits": "look('{\"b\":\"' + '1' * (BODY - 10) + '\"}')",
    "punycode": "look('a-' + '9' * (BODY - 2), 'Content-Type: text/plain; charset=punycode')",
    "headers": "look('{}', '\\r\\n'.join(f'X-{n}: y' for n in range(200_000)))",
    "one header": "look('{}', 'X: ' + 'y' * 20_000_000)",
    "more than is looked at": "look('x' * (BODY + 1))",
}


@pytest.mark.parametrize("name", LARGE)
def test_a_large_answer(name: str) -> None:
    took = measured(IMPORTS, LARGE[name])
    assert took.said is None
    assert took.seconds < 20
    assert took.memory < 300 * MB
    assert BODY == 2 * MB
