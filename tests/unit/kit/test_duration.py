"""The one parser of durations."""

from __future__ import annotations

import pytest

from engine.kit import duration


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (0, 0),
        (5, 5),
        (1.5, 1.5),
        ("90", 90),
        ("90s", 90),
        ("2m", 120),
        ("1 h", 3600),
        (" 1.5h ", 5400),
        ("0.25 m", 15),
    ],
)
def test_a_duration_in_seconds(given: str | float, seconds: float) -> None:
    assert duration.seconds(given) == seconds


@pytest.mark.parametrize("given", ["", "later", "-1", "1d", "1 m s", "s", "1,5", "²", "inf", "1e3", "1m2"])
def test_what_is_none_is_named(given: str) -> None:
    with pytest.raises(ValueError, match="expected a duration such as 90, 90s, 2m or 1h"):
        duration.seconds(given)
