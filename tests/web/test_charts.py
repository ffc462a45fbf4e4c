"""Charts: their scale, their limits, their words, and that everything is inside the picture."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ropewalk.web.charts import (
    HEIGHT,
    WIDTH,
    Limit,
    LineChart,
    Series,
    breaches,
    line_chart,
    meter,
    scale_of,
    summary,
)

MONTHS = ("2013-10", "2013-11", "2013-12")
values = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False, min_value=-1e6, max_value=1e6))


def make_chart(*points: float | None, limits: tuple[Limit, ...] = (), **options: bool) -> LineChart:
    """Return a chart of one line over as many windows as there are points."""
    windows = MONTHS[: len(points)]
    return LineChart("Drift", windows, (Series("PSI", points),), limits, **options)


def test_scale_has_round_levels() -> None:
    """The axis has few levels, evenly spaced, around all values."""
    assert scale_of(make_chart(0.11, 0.32)).ticks == (0.0, 0.1, 0.2, 0.3, 0.4)


def test_scale_need_not_start_at_zero() -> None:
    """Where zero tells nothing, the scale starts near the values."""
    assert scale_of(make_chart(0.707, 0.771, from_zero=False)).ticks == (0.7, 0.72, 0.74, 0.76, 0.78)


def test_scale_holds_limits() -> None:
    """A limit far above all values is inside the picture too."""
    assert scale_of(make_chart(0.01, limits=(Limit(0.25),))).ticks[-1] >= 0.25


@pytest.mark.parametrize("points", [(), (None,), (0.0,), (5.0, 5.0), (-3.0, -3.0)])
def test_scale_of_few_values(points: tuple[float | None, ...]) -> None:
    """No value, one value and equal values have a scale too."""
    ticks = scale_of(make_chart(*points)).ticks

    assert len(ticks) >= 2
    assert ticks[0] < ticks[-1]


@given(st.lists(values, min_size=1, max_size=3), st.booleans())
def test_all_points_are_inside(points: list[float | None], from_zero: bool) -> None:
    """Whatever the values, the scale holds them and the picture too."""
    chart = make_chart(*points, from_zero=from_zero)
    scale = scale_of(chart)

    assert 2 <= len(scale.ticks) <= 12
    # A value that stands on a level but for a billionth of the steps between them asks for no other.
    slack = 1e-8 * (scale.ticks[-1] - scale.ticks[0])
    for value in (v for v in points if v is not None):
        assert scale.ticks[0] - slack <= value <= scale.ticks[-1] + slack
        assert 0 <= scale.y(value) <= HEIGHT


def test_higher_values_stand_higher() -> None:
    """The axis points upwards."""
    scale = scale_of(make_chart(0.1, 0.3))

    assert scale.y(0.3) < scale.y(0.1)


@pytest.mark.parametrize(
    ("limit", "value", "is_broken"),
    [
        (Limit(0.25), 0.3, True),
        (Limit(0.25), 0.25, False),
        (Limit(0.7, is_floor=True), 0.69, True),
        (Limit(0.7, is_floor=True), 0.7, False),
        (Limit(0.25), None, False),
    ],
)
def test_limit(limit: Limit, value: float | None, is_broken: bool) -> None:
    """A limit is broken beyond it, not at it, and never by nothing."""
    assert limit.is_broken_by(value) is is_broken


def test_breaches_name_their_windows() -> None:
    """The windows beyond any limit are named, in order."""
    band = (Limit(0.3), Limit(0.1, is_floor=True))

    assert breaches(make_chart(0.05, 0.2, 0.4, limits=band)) == ["2013-10", "2013-12"]


def test_only_the_first_line_has_limits() -> None:
    """Limits are about the first line; a second one beyond them breaks nothing."""
    lines = (Series("actual", (0.1,)), Series("predicted", (0.9,)))

    assert breaches(LineChart("Rate", MONTHS[:1], lines, (Limit(0.5),))) == []


def test_summary_says_the_course() -> None:
    """The sentence has the first and last value, an extreme between them, and the broken limit."""
    chart = make_chart(0.1, 0.05, 0.3, limits=(Limit(0.25),))

    assert summary(chart) == (
        "PSI 0.1000 in 2013-10, 0.3000 in 2013-12 (lowest 0.0500 in 2013-11); beyond the limit in 2013-12."
    )


@pytest.mark.parametrize(
    ("chart", "said"),
    [
        (make_chart(), "No values yet."),
        (make_chart(None, None), "No values yet."),
        (make_chart(0.5), "PSI 0.5000 in 2013-10."),
        (make_chart(0.5, 0.6, is_share=True), "PSI 50.0 % in 2013-10, 60.0 % in 2013-11."),
        (make_chart(0.5, limits=(Limit(1.0),)), "PSI 0.5000 in 2013-10; within the limit throughout."),
    ],
)
def test_summary_of_less(chart: LineChart, said: str) -> None:
    """Nothing, one value, and values within their limit read as well."""
    assert summary(chart) == said


def test_picture_says_what_it_shows() -> None:
    """The drawing's name holds the sentence that also stands below it."""
    chart = make_chart(0.1, 0.3)

    html = str(line_chart(chart))

    assert f'aria-label="Drift: {summary(chart)}"' in html
    assert f"<figcaption>{summary(chart)}</figcaption>" in html


def test_points_tell_their_value() -> None:
    """Each mark has its line, value and window to read."""
    html = str(line_chart(make_chart(0.1, None, 0.3)))

    assert re.findall(r"<g><title>(.*?)</title>", html) == ["PSI 0.1000 in 2013-10", "PSI 0.3000 in 2013-12"]


def test_breach_has_another_shape() -> None:
    """A point beyond the limit differs in shape, not in colour alone."""
    html = str(line_chart(make_chart(0.1, 0.3, limits=(Limit(0.25),))))

    assert html.count('class="breach"') == 1
    assert html.count("<circle") == 1
    assert "max 0.25" in html


def test_lines_differ_in_marks() -> None:
    """A second line has other marks and its name at its end."""
    lines = (Series("actual", (0.1, 0.2)), Series("predicted", (0.2, 0.1)))

    html = str(line_chart(LineChart("Rate", MONTHS[:2], lines, is_share=True)))

    assert html.count("<circle") == html.count('width="6.4"') == 2
    assert re.findall(r'class="series-name[^>]*>([^<]*)<', html) == ["actual", "predicted"]


def test_names_at_the_ends_do_not_overlap() -> None:
    """Lines that end together have their names apart, and apart from a limit's."""
    lines = tuple(Series(name, (0.5, 0.5)) for name in ("one", "two", "three"))

    html = str(line_chart(LineChart("Rate", MONTHS[:2], lines, (Limit(0.5),))))

    heights = sorted(float(y) for y in re.findall(r'-name[^"]*" x="[\d.]+" y="([\d.]+)"', html))
    assert all(later - earlier >= 13.9 for earlier, later in itertools.pairwise(heights))


def test_many_windows_share_the_axis() -> None:
    """When not every window's name has room, the last one has, and some before it."""
    days = tuple(f"2013-01-{day:02}" for day in range(1, 32))

    html = str(line_chart(LineChart("Drift", days, (Series("PSI", (0.1,) * 31),))))

    named = re.findall(r'text-anchor="middle">([^<]+)<', html)
    assert named[-1] == "2013-01-31"
    assert 2 <= len(named) <= 6


def test_nothing_is_drawn_outside() -> None:
    """Every coordinate of a chart is inside its box."""
    html = str(line_chart(make_chart(0.0, 1e5, 3.0, limits=(Limit(2e5),))))

    for x, y in re.findall(r'\sx="([\d.]+)" y="([\d.]+)"', html):
        assert 0 <= float(x) <= WIDTH
        assert 0 <= float(y) <= HEIGHT


def test_meter_shows_its_limit_at_two_thirds() -> None:
    """A value at the limit fills two thirds; more than that is marked as bad."""
    assert 'width="60.0"' in str(meter(0.25, 0.25))
    assert "is-bad" in str(meter(0.26, 0.25))
    assert 'width="90.0"' in str(meter(99.0, 0.25))
    assert 'width="0.0"' in str(meter(None, 0.25))


def test_foreign_names_are_escaped() -> None:
    """A column's name cannot become markup of the picture."""
    html = str(line_chart(LineChart("<b>", ("<i>",), (Series("<u>", (0.5,)),))))

    assert not re.search(r"<[biu]>", html)
