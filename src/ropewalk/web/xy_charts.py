"""Charts over a number: lines of metrics over their steps, drawn on the server, with a sentence and the levels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ropewalk.web.charts import HEIGHT, LEFT, RIGHT, WIDTH, LineChart, Scale, scale_of
from ropewalk.web.charts import Series as Levels
from ropewalk.web.formats import number

BOTTOM = 30
# More lines than this cannot be told apart by colour and dashes; the rest are drawn thin and grey.
NAMED = 6


@dataclass(frozen=True)
class Line:
    """One line: its name, where it leads, and its points by step; values that are no numbers break it."""

    name: str
    points: tuple[tuple[float, float], ...]
    note: str = ""
    address: str | None = None


@dataclass(frozen=True)
class XYChart:
    """Lines over a number such as the step."""

    title: str
    lines: tuple[Line, ...]
    x_name: str = "step"


def xy_chart(chart: XYChart) -> Markup:
    """Return the chart as a figure: the picture, what the lines are called, and a sentence on what they show."""
    finite = [[p for p in line.points if math.isfinite(p[1])] for line in chart.lines]
    xs = [p[0] for points in finite for p in points]
    if not xs:
        return Markup(
            '<figure class="chart"><h3>{}</h3><figcaption>No values yet.</figcaption></figure>'
        ).format(chart.title)
    scale = _scale(finite)
    low, high = min(xs), max(xs)
    parts = [
        Markup(
            '<figure class="chart"><h3>{}</h3><svg viewBox="0 0 {} {}" role="img" aria-label="{}">'
        ).format(chart.title, WIDTH, HEIGHT, f"{chart.title} by {chart.x_name}: {sentence(chart)}"),
        *(_tick(level, scale) for level in scale.ticks),
        *(_x_tick(at, low, high) for at in ({low, high} if high > low else {low})),
        # The first is drawn last, above the others.
        *(_line(place, chart.lines[place], low, high, scale) for place in reversed(range(len(chart.lines)))),
        Markup("</svg>"),
        _legend(chart),
        Markup("<figcaption>{}</figcaption></figure>").format(sentence(chart)),
    ]
    return Markup("").join(parts)


def sentence(chart: XYChart) -> str:
    """Return one sentence on the chart: of one line how it went, of several which ended highest and lowest."""
    ends = [(line, known[0], known[-1]) for line in chart.lines if (known := _finite(line))]
    if not ends:
        return "No values yet."
    if len(ends) == 1:
        line, first, last = ends[0]
        values = [value for _, value in _finite(line)]
        said = f"{number(first[1])} at {chart.x_name} {_whole(first[0])}"
        if len(values) > 1:
            said += f", {number(last[1])} at {_whole(last[0])}; least {number(min(values))}, greatest {number(max(values))}"
        return f"{said}. {line.note}".strip() if line.note else f"{said}."
    top, bottom = max(ends, key=lambda end: end[2][1]), min(ends, key=lambda end: end[2][1])
    notes = sorted({line.note for line, _, _ in ends if line.note})
    said = (
        f"{len(ends)} lines; {top[0].name} ends highest at {number(top[2][1])},"
        f" {bottom[0].name} lowest at {number(bottom[2][1])}."
    )
    return " ".join([said, *notes[:1]])


def _finite(line: Line) -> list[tuple[float, float]]:
    return [point for point in line.points if math.isfinite(point[1])]


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _scale(finite: Sequence[Sequence[tuple[float, float]]]) -> Scale:
    values = tuple(value for points in finite for _, value in points)
    levels = LineChart("", tuple(map(str, range(len(values)))), (Levels("", values),), from_zero=False)
    return scale_of(levels)


def _x(at: float, low: float, high: float) -> float:
    share = (at - low) / (high - low) if high > low else 0.5
    return round(LEFT + share * (WIDTH - LEFT - RIGHT / 4), 1)


def _tick(level: float, scale: Scale) -> Markup:
    return Markup(
        '<path class="grid" d="M{} {}H{}"/><text class="axis" x="{}" y="{}" text-anchor="end">{}</text>'
    ).format(LEFT, scale.y(level), WIDTH - RIGHT / 4, LEFT - 7, scale.y(level) + 4, f"{level:g}")


def _x_tick(at: float, low: float, high: float) -> Markup:
    anchor = "start" if at == low and high > low else "end" if high > low else "middle"
    return Markup('<text class="axis" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        _x(at, low, high), HEIGHT - BOTTOM + 20, anchor, _whole(at)
    )


def _line(place: int, line: Line, low: float, high: float, scale: Scale) -> Markup:
    pieces: list[list[str]] = [[]]
    for at, value in line.points:
        if math.isfinite(value):
            pieces[-1].append(f"{_x(at, low, high)},{scale.y(value)}")
        elif pieces[-1]:
            pieces.append([])
    kind = f"line-{place}" if place < NAMED else "line-more"
    drawn = [
        Markup('<polyline points="{}"/>').format(" ".join(piece))
        if len(piece) > 1
        else Markup('<circle cx="{}" cy="{}" r="3"/>').format(*piece[0].split(","))
        for piece in pieces
        if piece
    ]
    return Markup('<g class="xy {}"><title>{}</title>{}</g>').format(kind, line.name, Markup("").join(drawn))


def _legend(chart: XYChart) -> Markup:
    if len(chart.lines) < 2:
        return Markup("")
    entries = [
        Markup(
            '<li class="xy line-{}"><svg viewBox="0 0 22 8" aria-hidden="true"><path d="M1 4h20"/></svg>{}</li>'
        ).format(
            place,
            Markup('<a href="{}">{}</a>').format(line.address, line.name) if line.address else line.name,
        )
        for place, line in enumerate(chart.lines[:NAMED])
    ]
    if len(chart.lines) > NAMED:
        entries.append(Markup("<li>and {} more, in grey</li>").format(len(chart.lines) - NAMED))
    return Markup('<ul class="legend">{}</ul>').format(Markup("").join(entries))
