"""Small pictures of values: bars and shares that say in words what they show, and take nothing for markup."""

from __future__ import annotations

from ropewalk.dataops.catalog import Bin, ColumnProfile
from ropewalk.web.histograms import describe, histogram


def test_histogram_has_a_bar_for_each_range_with_values() -> None:
    """Empty ranges have none, and the smallest is still seen."""
    bins = (Bin("0", "1", 1000), Bin("1", "2", 0), Bin("2", "3", 1))
    drawn = histogram(ColumnProfile("x", "DOUBLE", 0.0, 3, "0", "3", 0.5, 0.4, bins))

    assert drawn.count("<rect") == 2
    assert 'height="1.5"' in drawn
    assert 'aria-label="from 0 to 3, mean 0.5000, median 0.4000"' in drawn


def test_frequent_values_have_shares() -> None:
    """Of what is shown; markup in the data is text."""
    drawn = histogram(ColumnProfile("x", "VARCHAR", 0.0, 2, "a", "b", top=(("<b>", 3), ("", 1))))

    assert "&lt;b&gt;" in drawn
    assert "75.0 %" in drawn
    assert "<b>" not in drawn


def test_nothing_known_is_no_picture() -> None:
    """And says so in words."""
    empty, hidden = ColumnProfile("x", "BLOB", 1.0, 0), ColumnProfile("x", "VARCHAR", 0.0, 5, is_hidden=True)

    assert histogram(empty) == ""
    assert describe(empty) == "no values"
    assert describe(hidden) == "personal: its values are not shown"
