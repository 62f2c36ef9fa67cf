"""Batches of a rollout: cumulative counts, shares and patterns, and the rule that stops it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InvalidInput
from engine.run.batches import RolloutRule, rollout_rule

HOSTS = [f"gpu{number:02}" for number in range(1, 31)]


def rule(spec: dict[str, Any], hosts: list[str] = HOSTS, limited: bool = False) -> RolloutRule:
    return rollout_rule(hosts, spec, lambda pattern: {"canary": ["gpu07", "other"]}.get(pattern, []), limited)


def sizes(spec: dict[str, Any]) -> list[int]:
    return [len(batch) for batch in rule(spec).batches]


def test_without_batches_there_is_one() -> None:
    assert rule({}).batches == (tuple(HOSTS),)


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        ([1, "10%", "50%", "100%"], [1, 2, 12, 15]),
        (["1"], [1, 29]),
        (["canary", "100%"], [1, 29]),
        (["canary", "1"], [1, 29]),
        ([100], [30]),
        (["0.1%"], [1, 29]),
    ],
)
def test_entries_are_cumulative(batches: list[object], expected: list[int]) -> None:
    assert sizes({"batches": batches}) == expected


def test_a_pattern_comes_first_and_is_not_repeated() -> None:
    batches = rule({"batches": ["canary", "2"]}).batches
    assert batches[0] == ("gpu07",)
    assert batches[1] == ("gpu01",)
    assert "gpu07" not in batches[2]


def test_a_pattern_that_names_no_host_is_a_mistake_unless_hosts_were_left_out_on_purpose() -> None:
    with pytest.raises(InvalidInput, match="batch `canary` matches none of the hosts"):
        rule({"batches": ["canary", "100%"]}, hosts=["gpu01", "gpu02"])
    assert rule({"batches": ["canary", "100%"]}, hosts=["gpu01", "gpu02"], limited=True).batches == (
        ("gpu01", "gpu02"),
    )
    # Its host is in a batch already.
    assert sizes({"batches": ["50%", "canary", "100%"]}) == [15, 15]


@pytest.mark.parametrize(("given_", "expected"), [(0, 0), (2, 2), ("10%", 3), ("1%", 0), ("33%", 9)])
def test_failures_are_a_count_or_a_share_rounded_down(given_: object, expected: int) -> None:
    assert rule({"max_failures": given_}).max_failures == expected


@pytest.mark.parametrize(("given_", "expected"), [(5, 5), ("90s", 90), ("2m", 120), ("1.5h", 5400)])
def test_a_pause_is_a_duration(given_: object, expected: float) -> None:
    assert rule({"pause": given_}).pause == expected


@pytest.mark.parametrize(
    "spec",
    [
        {"batches": ["0%"]},
        {"batches": ["200%"]},
        {"batches": ["²"]},
        {"max_failures": "many"},
        {"max_failures": "²"},
        {"pause": "later"},
    ],
)
def test_what_makes_no_sense_is_said(spec: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="rollout"):
        rule(spec)


@given(
    st.integers(1, 60),
    st.lists(st.one_of(st.integers(0, 80), st.integers(1, 100).map(lambda share: f"{share}%")), max_size=5),
)
def test_every_host_is_in_exactly_one_batch(count: int, batches: list[object]) -> None:
    hosts = [f"h{number}" for number in range(count)]
    found = rule({"batches": batches}, hosts).batches
    assert sorted(host for batch in found for host in batch) == sorted(hosts)
    assert all(found)
