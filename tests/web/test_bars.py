"""Bars and drawn answers: every value has its bar, and nothing is drawn of what is no number."""

from __future__ import annotations

import pytest

from ropewalk.web.bars import bar_chart
from ropewalk.web.charts import LineChart, Series
from ropewalk.web.grid import make_grid
from ropewalk.web.views.drawn import MOST_LINES, draw

COLUMNS = [("month", "DATE"), ("carrier", "VARCHAR"), ("share", "DOUBLE")]
ROWS = [("2024-01", "UA", 0.2), ("2024-02", "UA", 0.4), ("2024-01", "AA", None)]


def test_each_value_has_its_bar():
    """Missing values have none, and each bar says what it is."""
    chart = LineChart("Late", ("a", "b"), (Series("x", (0.5, None)), Series("y", (0.1, -0.2))), is_share=True)

    drawn = bar_chart(chart)

    assert drawn.count("<rect") == 3
    assert "x, a: 50.0 %" in drawn


def test_names_are_nobodys_markup():
    """Whatever a value is called, it is text."""
    chart = LineChart("<b>", ("<i>",), (Series("<script>", (1.0,)),))

    assert "<script>" not in bar_chart(chart)
    assert "<b>" not in bar_chart(chart)


def test_many_places_have_few_names():
    """Names below the axis do not run into each other."""
    places = tuple(f"place {number}" for number in range(100))

    assert (
        bar_chart(LineChart("Many", places, (Series("n", (1.0,) * 100),))).count('text-anchor="middle"') < 10
    )


def test_a_line_for_each_colour():
    """One line for each value of the column that tells lines apart, over the same places."""
    chart = draw(make_grid(COLUMNS, ROWS), "Late", "month", ["share"], "carrier", is_share=True)

    assert chart is not None
    assert chart.windows == ("2024-01", "2024-02")
    assert [(line.name, line.values) for line in chart.series] == [("UA", (0.2, 0.4))]


@pytest.mark.parametrize(
    ("x", "y", "color"),
    [("mont", "share", None), ("month", "shar", None), ("month", "share", "x"), ("month", "carrier", None)],
)
def test_nothing_to_draw(x, y, color):
    """A column that is not there, or holds no numbers, is not drawn."""
    assert draw(make_grid(COLUMNS, ROWS), "Late", x, [y], color, is_share=False) is None


def test_no_more_lines_than_can_be_told_apart():
    """The greatest are drawn."""
    rows = [("2024-01", f"c{number}", float(number)) for number in range(20)]

    chart = draw(make_grid(COLUMNS, rows), "Late", "month", ["share"], "carrier", is_share=False)

    assert chart is not None
    assert [line.name for line in chart.series] == [f"c{number}" for number in range(19, 19 - MOST_LINES, -1)]
