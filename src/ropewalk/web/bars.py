"""Bars as SVG drawn on the server: a bar for each value, beside each other where several share a place."""

from __future__ import annotations

import math

from markupsafe import Markup

from ropewalk.web.charts import (
    HEIGHT,
    LEFT,
    LETTER,
    RIGHT,
    WIDTH,
    LineChart,
    Scale,
    scale_of,
    summary,
)
from ropewalk.web.formats import number, percent

LONGEST = 12
# The style sheet has colours for so many series.
COLOURS = 3


def bar_chart(chart: LineChart) -> Markup:
    """Return the chart as a figure of bars and, below it, the sentence that says what it shows."""
    scale, told = scale_of(chart), f"{chart.title}: {summary(chart)}"
    parts = [
        Markup(
            '<figure class="chart"><h3>{}</h3><svg viewBox="0 0 {} {}" role="img" aria-label="{}">'
        ).format(chart.title, WIDTH, HEIGHT, told),
        *(_level(level, scale, chart) for level in scale.ticks),
        *(_group(index, chart, scale) for index in range(len(chart.series))),
        *_places(chart),
        Markup("</svg><figcaption>{}</figcaption></figure>").format(summary(chart)),
    ]
    return Markup("").join(parts)


def _level(level: float, scale: Scale, chart: LineChart) -> Markup:
    said = f"{100 * level:g} %" if chart.is_share else f"{level:g}"
    return Markup(
        '<path class="grid" d="M{} {}H{}"/><text class="axis" x="{}" y="{}" text-anchor="end">{}</text>'
    ).format(LEFT, scale.y(level), WIDTH - RIGHT, LEFT - 7, scale.y(level) + 4, said)


def _room(chart: LineChart) -> float:
    return (WIDTH - LEFT - RIGHT) / max(1, len(chart.windows))


def _group(index: int, chart: LineChart, scale: Scale) -> Markup:
    series, room = chart.series[index], _room(chart)
    width = max(1.0, room * 0.7 / len(chart.series))
    bars = []
    for at, value in enumerate(series.values):
        if value is not None and math.isfinite(value):
            shown = percent(value) if chart.is_share else number(value)
            said = f"{series.name}, {chart.windows[at]}: {shown}"
            left = LEFT + room * (at + 0.15) + width * index
            bars.append(_bar((left, width), scale.y(0.0), scale.y(value), said))
    return Markup('<g class="series-{}">{}</g>').format(index % COLOURS, Markup("").join(bars))


def _places(chart: LineChart) -> list[Markup]:
    room, count = _room(chart), len(chart.windows)
    # As many names as there is room for, each cut to a length.
    every = max(1, math.ceil(LONGEST * LETTER / room))
    return [
        Markup('<text class="axis" x="{}" y="{}" text-anchor="middle">{}</text>').format(
            round(LEFT + room * (at + 0.5), 1), HEIGHT - 10, chart.windows[at][:LONGEST]
        )
        for at in range(0, count, every)
    ]


def _bar(across: tuple[float, float], ground: float, top: float, said: str) -> Markup:
    left, width = across
    return Markup('<g><title>{}</title><rect x="{}" y="{}" width="{}" height="{}"/></g>').format(
        said, round(left, 1), min(top, ground), round(width, 1), round(abs(ground - top), 1)
    )
