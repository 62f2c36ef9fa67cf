"""What an expectation says of a value."""

from __future__ import annotations

from typing import Any

import pytest

from engine.kinds.http_assert import expect

HOLDS: list[tuple[Any, Any, bool]] = [
    ("a", "a", True),
    ("a", "A", False),
    (1, 1.0, True),
    (1, True, False),
    (True, 1, False),
    (True, True, True),
    (None, None, True),
    (None, 0, False),
    ({"equals": (1, "x")}, [1, "x"], True),
    ({"equals": {"a": (True,)}}, {"a": [1]}, False),
    ({"ne": 3}, 4, True),
    ({"ne": 3}, 3, False),
    ({"version": ">=0.3"}, "0.3.64", True),
    ({"version": ">=0.3,<0.3.64"}, "0.3.64", False),
    ({"version": ">=1.9"}, "1.10", True),
    ({"version": ">=0.3"}, "v0.3.64-12-gabc", True),
    ({"version": ">=0.3"}, "0.4.0rc1", True),
    ({"version": ">=0.3"}, "unknown", False),
    ({"version": ">=0.3"}, None, False),
    ({"gte": 2}, 2, True),
    ({"gt": 2}, 2, False),
    ({"lte": 2.5}, 2, True),
    ({"lt": 2}, 2, False),
    ({"gte": 0}, "5", False),
    ({"gte": 0}, True, False),
    ({"matches": "^NVIDIA (RTX|A)"}, "NVIDIA RTX 3090", True),
    ({"matches": "RTX$"}, "NVIDIA RTX 3090", False),
    ({"matches": "."}, 3, False),
    ({"contains": "oo"}, "foobar", True),
    ({"contains": "x"}, "foobar", False),
    ({"contains": 1}, [True, 2], False),
    ({"contains": 2}, [1, 2], True),
    ({"contains": "key"}, {"key": None}, True),
    ({"contains": 1}, 1, False),
    ({"one_of": ("a", 2)}, 2, True),
    ({"one_of": ("a", 2)}, "2", False),
    ({"length": 2}, [1, 2], True),
    ({"length": 2}, "abc", False),
    ({"min_length": 1}, {}, False),
    ({"min_length": 1}, 5, False),
    ({"exists": True}, 0, True),
    ({"exists": True}, None, False),
    ({"exists": False}, None, True),
    ({"schema": {"type": "object", "required": ("a",)}}, {"a": 1}, True),
    ({"schema": {"type": "object", "required": ("a",)}}, {"b": 1}, False),
]


@pytest.mark.parametrize(("expectation", "found", "holds"), HOLDS)
def test_holds(expectation: Any, found: Any, holds: bool) -> None:
    expect.check(expectation)
    assert expect.is_met(expectation, found) is holds


@pytest.mark.parametrize(("expectation", "found"), [row[:2] for row in HOLDS if not row[2]])
def test_what_is_found_never_looks_like_what_is_wanted(expectation: Any, found: Any) -> None:
    wanted, spelled = expect.wanted(expectation), expect.spell(expectation, found)
    assert wanted != spelled
    assert str(wanted) != str(spelled)


@pytest.mark.parametrize(
    ("expectation", "wanted"),
    [
        (401, 401),
        ("x", "x"),
        (True, True),
        (None, "null"),
        ({"version": ">=0.3"}, ">=0.3"),
        ({"gte": 1}, ">=1"),
        ({"matches": "^a"}, "matches ^a"),
        ({"one_of": ("a", 1)}, 'one of "a", 1'),
        ({"exists": False}, "missing"),
        ({"min_length": 2}, "min length 2"),
        ({"equals": ("a",)}, 'equals ["a"]'),
    ],
)
def test_in_words(expectation: Any, wanted: Any) -> None:
    assert expect.wanted(expectation) == wanted


def test_found_values_are_short_and_printable() -> None:
    assert expect.spell("x", "a\x1b[31m\nb" + "c" * 500) == "a [31m b" + "c" * 112 + "…"
    assert expect.spell("x", None) == "missing"
    assert expect.spell("x", "") == "empty"
    assert expect.spell({"schema": {"properties": {"a": {"type": "string"}}}}, {"a": 1}) == (
        "a: 1 is not of type 'string'"
    )


@pytest.mark.parametrize(
    ("expectation", "said"),
    [
        ({"matches": "("}, "`(` is not a regular expression: missing ), unterminated subpattern"),
        ({"version": "0.3"}, "`0.3` gives no bounds of a version; write for example `>=0.3,<1`"),
        ({"schema": {"type": "text"}}, "the schema is not a JSON Schema: 'text' is not valid"),
    ],
)
def test_expectations_that_could_never_be_judged(expectation: Any, said: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011  # the text is compared whole
        expect.check(expectation)
    assert str(raised.value).startswith(said)
