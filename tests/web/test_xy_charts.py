"""Charts over steps: what is drawn, what is said, and what is no number."""

from __future__ import annotations

import math

import pytest

from ropewalk.web.xy_charts import Line, XYChart, sentence, xy_chart


def test_one_line() -> None:
    """One line is drawn and told in a sentence, with what was left out."""
    chart = XYChart("loss", (Line("loss", ((0, 1.0), (5, 0.25), (10, 0.5)), "Drawn from 3 of 9 points."),))

    drawn = xy_chart(chart)

    assert drawn.count("<polyline") == 1
    assert sentence(chart) == (
        "1.000 at step 0, 0.5000 at 10; least 0.2500, greatest 1.000. Drawn from 3 of 9 points."
    )


def test_many_lines() -> None:
    """Of many lines the first have a colour and a name each, and the rest are counted."""
    lines = tuple(Line(f"run-{n}", ((0, n), (1, n + 1)), address=f"/runs/{n}") for n in range(9))

    drawn = xy_chart(XYChart("auc", lines))

    assert drawn.count("line-more") == 3
    assert "and 3 more" in drawn
    assert '<a href="/runs/0">run-0</a>' in drawn
    assert "run-8 ends highest at 9" in drawn


def test_gaps_and_single_points() -> None:
    """What is no number breaks the line, and a point by itself is a dot."""
    chart = XYChart("x", (Line("x", ((0, 1.0), (1, math.nan), (2, 2.0), (3, 3.0), (4, math.inf), (5, 1.0))),))

    drawn = xy_chart(chart)

    assert (drawn.count("<polyline"), drawn.count("<circle")) == (1, 2)


@pytest.mark.parametrize("points", [(), ((0, math.nan),)])
def test_nothing_to_draw(points: tuple[tuple[float, float], ...]) -> None:
    """Without a number there is a sentence and no picture."""
    assert "No values yet." in xy_chart(XYChart("x", (Line("x", points),)))


def test_names_are_text() -> None:
    """A name cannot bring markup along."""
    hostile = "<script>alert(1)</script>"

    assert "<script" not in xy_chart(XYChart(hostile, (Line(hostile, ((0, 1.0),), hostile, hostile),) * 2))


def test_one_value_only() -> None:
    """A line of one point, or of equal values, has a scale."""
    assert "<circle" in xy_chart(XYChart("x", (Line("x", ((3, 0.5),)),)))
    assert "<polyline" in xy_chart(XYChart("x", (Line("x", ((3, 0.5), (4, 0.5))),)))
