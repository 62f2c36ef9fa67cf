"""Diffs that show every difference, even one that is not to be seen."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from engine.views.diff import unified


def shown(before: str, after: str, **options: object) -> list[str]:
    return [f"{line.sign}{line.text}" for line in unified(before, after, **options).lines]  # type: ignore[arg-type]


def test_whitespace_is_visible() -> None:
    assert shown("a\tb\nc\n", "a\tb  \nc\r\n") == ["@@ -1,2 +1,2 @@", "-a→   b", "-c", "+a→   b··", "+c\\r"]


def test_whitespace_is_visible_in_ascii() -> None:
    assert shown("a\n", "\ta \n", plain=True) == ["@@ -1 +1 @@", "-a", "+\\ta\\x20"]


def test_a_missing_final_newline_is_told() -> None:
    assert shown("a\n", "a") == ["@@ -1 +1 @@", "-a", "+a", "\\ no newline at the end"]


def test_escapes_and_bidi_are_visible() -> None:
    assert shown("", "\x1b[2J\u202e<script>\n")[-1] == "+\\x1b[2J\\u202e<script>"


def test_only_the_surroundings_of_a_change_are_shown() -> None:
    before = "".join(f"{number}\n" for number in range(1, 101))
    after = before.replace("50\n", "fifty\n")
    assert shown(before, after) == ["@@ -47,7 +47,7 @@", " 47", " 48", " 49", "-50", "+fifty", " 51", " 52", " 53"]


def test_a_new_and_an_emptied_file() -> None:
    assert shown("", "a\nb\n") == ["@@ -0,0 +1,2 @@", "+a", "+b"]
    assert shown("a\nb\n", "") == ["@@ -1,2 +0,0 @@", "-a", "-b"]


def test_long_diffs_are_folded_with_a_count() -> None:
    after = "".join(f"{number}\n" for number in range(500))
    diff = unified("", after, fold=60)
    assert (diff.added, diff.removed) == (500, 0)
    assert [line.text for line in diff.lines if line.sign == "~"] == [" 441 more lines: 441 added, 0 removed"]
    assert len(diff.lines) == 61
    assert diff.lines[-1].text == "499"
    assert len(unified("", after, fold=None).lines) == 501


def test_binary_content_is_told_by_size_and_digest() -> None:
    assert shown("a\0", "text") == [
        "-binary, 2 bytes, sha256 ffe9aaeaa2a2",
        "+binary, 4 bytes, sha256 982d9e3eb996",
    ]


def test_large_files_do_not_take_long() -> None:
    before = "".join(f"{number % 7}\n" for number in range(20_000))
    after = "".join(f"{number % 11}\n" for number in range(20_000))
    start = time.process_time()
    assert unified(before, after).added
    assert time.process_time() - start < 3


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_a_diff_leads_from_one_text_to_the_other(old: list[str], new: list[str]) -> None:
    before, after = ("".join(f"{line}\n" for line in lines) for lines in (old, new))
    diff = unified(before, after, fold=None)
    position, built = 0, []
    for line in diff.lines:
        if line.sign == "@":
            start, _, length = line.text.split()[1][1:].partition(",")
            begin = int(start) - (1 if length != "0" else 0)
            built += old[position:begin]
            position = begin
        elif line.sign in " -":
            assert old[position] == line.text
            position += 1
            built += [line.text] if line.sign == " " else []
        else:
            built.append(line.text)
    assert built + old[position:] == new
