"""Many host names in few words, losing none."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.counting import count
from engine.views.fold import alike, few, folded, listed, names


@pytest.mark.parametrize(
    ("hosts", "folded"),
    [
        (["gpu1"], "gpu1"),
        (["gpu02", "gpu03"], "gpu[02:03]"),
        (["gpu1", "gpu2", "gpu4"], "gpu[1:2], gpu4"),
        (["n8", "n9", "n10", "n11"], "n[8:11]"),
        (["n08", "n09", "n10"], "n[08:10]"),
        (["n9", "n010"], "n9, n010"),
        (["web1.lan", "web2.lan", "db1"], "web[1:2].lan, db1"),
        (["rack1-a", "rack2-a"], "rack[1:2]-a"),
        (["10.0.0.1", "10.0.0.2"], "10.0.0.[1:2]"),
        (["b", "a"], "b, a"),
        (["x\x1b[2J1", "x\x1b[2J2"], "x\\x1b[2J[1:2]"),
    ],
)
def test_ranges(hosts: list[str], folded: str) -> None:
    assert names(hosts) == folded


def unfolded(text: str) -> list[str]:
    found = []
    for part in text.split(", "):
        span = re.search(r"\[(\d+):(\d+)\]", part)
        if not span:
            found.append(part)
            continue
        for number in range(int(span[1]), int(span[2]) + 1):
            width = len(span[1]) if len(span[1]) == len(span[2]) else 0
            found.append(part.replace(span[0], f"{number:0{width}}"))
    return found


@given(st.lists(st.from_regex(r"(a|bc)(0|0?[1-9][0-9]{0,2})?(\.x)?", fullmatch=True), unique=True))
def test_unfolding_gives_back_every_host(hosts: list[str]) -> None:
    assert sorted(unfolded(names(hosts))) == sorted(hosts) or not hosts


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (40, "gpu[02:03], gpu7.example.org, web1"),
        (33, "gpu[02:03], gpu7.example.org, …"),
        (20, "gpu[02:03], …"),
        (9, "gpu…3], …"),
    ],
)
def test_few_names_where_there_is_little_room(width: int, shown: str) -> None:
    hosts = folded(["gpu02", "gpu03", "gpu7.example.org", "web1"])
    assert few(hosts, width) == shown
    assert len(few(["a-single-host.example.org"], width)) <= width


def test_alike_keeps_the_order_of_first_appearance() -> None:
    assert alike([3, 1, 4, 5, 9, 2], lambda number: number % 2) == [[3, 1, 5, 9], [4, 2]]


def test_words() -> None:
    assert [count(1, "host"), count(2, "host"), count(0, "batch"), count(1, "batch")] == [
        "1 host",
        "2 hosts",
        "0 batches",
        "1 batch",
    ]
    assert [listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
