"""Ages as people write them."""

from __future__ import annotations

import pytest

from ropewalk.pipeline import parse_age


@pytest.mark.parametrize(("text", "expected"), [("90s", 90_000), ("36h", 129_600_000), ("2w", 1_209_600_000)])
def test_age(text: str, expected: int) -> None:
    """A number and a unit."""
    assert parse_age(text) == expected


@pytest.mark.parametrize("text", ["", "14", "d", "1.5d", "-1d", "14 d", "14D", "1y"])
def test_no_age(text: str) -> None:
    """Nothing is guessed."""
    assert parse_age(text) is None
