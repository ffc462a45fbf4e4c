"""Halving finds the first that is bad."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.pipeline import NothingToBisect
from ropewalk.pipeline.bisect import first_bad


@given(goods=st.integers(0, 60), bads=st.integers(1, 60))
def test_first_bad(goods, bads):
    """Wherever the sequence turns, the turn is found, with few questions."""
    asked = []

    def is_good(number):
        asked.append(number)
        return number < goods

    assert first_bad(range(goods + bads), is_good) == goods
    assert len(asked) <= (goods + bads).bit_length()


def test_nothing_between():
    """Two ends without anything between them have no culprit."""
    with pytest.raises(NothingToBisect, match="nothing lies between"):
        first_bad([], bool)
