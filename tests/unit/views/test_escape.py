"""Nothing from a host reaches a terminal, a browser or a reader as anything but what it is."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.views.escape import cells, json_text, lines, middle, to_ascii, valid, visible
from engine.views.layout import wrapped


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("ünï ✓ 日本", "ünï ✓ 日本"),
        ("a\nb\rc\td", "a\\nb\\rc\\td"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x9b31m", "\\x9b31m"),
        ("admin\u202egnp.exe", "admin\\u202egnp.exe"),
        ("\u2066x\u2069\u200f", "\\u2066x\\u2069\\u200f"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("hidden\u3164filler", "hidden\\u3164filler"),
        ("no\xa0break", "no\\xa0break"),
        ("line\u2028end", "line\\u2028end"),
        ("tag\U000e0041", "tag\\U000e0041"),
        (b"caf\xe9".decode("utf-8", "surrogateescape"), "caf\\xe9"),
        ("null\0", "null\\x00"),
        ("::error file=x::y", "\\x3a:error file=x::y"),
        ("   ::set-output name=a::b", "   \\x3a:set-output name=a::b"),
        ("see ::stop-commands::x", "see \\x3a:stop-commands::x"),
        ("std::vector ::1 fe80::1", "std::vector ::1 fe80::1"),
        ("a ##[group]b", "a #\\x23[group]b"),
        ("###[b] ##vso[c] ## [d]", "##\\x23[b] #\\x23vso[c] ## [d]"),
    ],
)
def test_what_does_not_print_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_visible_text_is_printable_and_stays_as_it_is(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    assert visible(shown) == shown
    assert not any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in shown)


@given(st.text(alphabet=":# [v\n\u2028\u200b\xa0e"))
def test_no_visible_text_is_a_command(text: str) -> None:
    shown = visible(text)
    assert visible(shown) == shown
    assert not re.search(r"^\s*::e|##v*\[", shown)


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_is_the_same_data_and_no_command(data: object) -> None:
    data = {"x": [data, "::error::x ##[y] ::a"]}
    text = json_text(data)
    assert visible(text) == text
    assert text.isascii()
    assert json.loads(text) == valid(data)


@given(st.text())
def test_ascii_is_ascii(text: str) -> None:
    assert to_ascii(visible(text)).isascii()


def test_marks_have_an_ascii_form() -> None:
    assert to_ascii("✓ ✗ → … ·") == "= x -> ... ."


def test_lines_drop_the_carriage_returns_of_a_terminal() -> None:
    assert lines("one\r\ntwo\x07\n") == ["one", "two\\x07"]


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "Zs"])), st.integers(1, 40))
def test_a_cut_fits_and_keeps_both_ends(text: str, width: int) -> None:
    text = visible(text)
    cut = middle(text, width)
    assert cells(cut) <= width
    if cut != text:
        at = next(
            at
            for at in range(len(cut))
            if cut[at] == "…" and text.startswith(cut[:at]) and text.endswith(cut[at + 1 :])
        )
        assert abs(cells(cut[:at]) - cells(cut[at + 1 :])) <= 3


def test_wide_characters_take_two_columns() -> None:
    assert cells("日本") == 4
    assert cells("e\u0301") == 1


@given(st.text(alphabet="ab 日/", max_size=80), st.integers(2, 20))
def test_wrapping_loses_nothing_but_blanks(text: str, room: int) -> None:
    pieces = wrapped(text, room)
    assert all(cells(piece) <= room for piece in pieces) or cells(text) <= room
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")
