"""Charts as SVG drawn on the server: lines over windows of time with their limits, and a one-sentence summary.

Colour never speaks alone: each line has its own dashes and marks and carries its name at its end, and a point
beyond a limit is a hollow diamond.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ropewalk.web.formats import number, percent

# A drawing's own units; the page scales it to the width there is.
WIDTH, HEIGHT = 460, 232
LEFT, RIGHT, TOP, BOTTOM = 46, 76, 14, 30
LETTER = 6.4
# Values closer together than this are one level: their difference is rounding.
LEAST_SPAN = 1e-6
MARKS = (
    '<circle cx="{x}" cy="{y}" r="3.4"/>',
    '<rect x="{left}" y="{top}" width="6.4" height="6.4"/>',
    '<path d="M{x} {top}l3.8 6.8h-7.6z"/>',
)
BREACH = '<path class="breach" d="M{x} {y}m0-6.5l6.5 6.5l-6.5 6.5l-6.5-6.5z"/>'


@dataclass(frozen=True)
class Series:
    """One line: its name and a value per window, None where there is none."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Limit:
    """A level that the first series must not pass: from below when `is_floor`, else from above."""

    value: float
    is_floor: bool = False

    def is_broken_by(self, value: float | None) -> bool:
        """Return whether `value` lies beyond the limit."""
        return value is not None and (value < self.value if self.is_floor else value > self.value)


@dataclass(frozen=True)
class LineChart:
    """Lines over the same windows.

    Attributes:
        title: what is shown.
        windows: the names of the windows, in order.
        series: the lines; limits are about the first.
        limits: the levels to draw.
        is_share: whether values are shares, to be read as percentages.
        from_zero: whether the scale starts at zero.
    """

    title: str
    windows: tuple[str, ...]
    series: tuple[Series, ...]
    limits: tuple[Limit, ...] = ()
    is_share: bool = False
    from_zero: bool = True


@dataclass(frozen=True)
class Scale:
    """The levels of the vertical axis, and where a value stands between them."""

    ticks: tuple[float, ...]

    def y(self, value: float) -> float:
        """Return the height in pixels of a value."""
        low, high = self.ticks[0], self.ticks[-1]
        share = (value - low) / (high - low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP), 1)


def line_chart(chart: LineChart) -> Markup:
    """Return the chart as a figure: the picture and, below it, the sentence that says what it shows."""
    scale = scale_of(chart)
    parts = [
        Markup(
            '<figure class="chart"><h3>{}</h3><svg viewBox="0 0 {} {}" role="img" aria-label="{}">'
        ).format(chart.title, WIDTH, HEIGHT, f"{chart.title}: {summary(chart)}"),
        *(_tick(level, scale, chart) for level in scale.ticks),
        *(_window(index, chart) for index in _labelled(chart.windows)),
        *(_limit(limit, scale, chart) for limit in chart.limits),
        # The first line is the one that is judged, so it is drawn last, above the others.
        *(_series(index, chart, scale) for index in reversed(range(len(chart.series)))),
        *_names(chart, scale),
        Markup("</svg><figcaption>{}</figcaption></figure>").format(summary(chart)),
    ]
    return Markup("").join(parts)


def summary(chart: LineChart) -> str:
    """Return one sentence on the chart: how each line went, and which windows lie beyond a limit."""
    known = [sentence for sentence in (_course(series, chart) for series in chart.series) if sentence]
    if not known:
        return "No values yet."
    broken = breaches(chart)
    verdict = f"; beyond the limit in {', '.join(broken)}" if broken else ""
    if not broken and chart.limits:
        verdict = "; within the limit throughout"
    return "; ".join(known) + verdict + "."


def breaches(chart: LineChart) -> list[str]:
    """Return the windows in which the first line lies beyond a limit."""
    if not chart.series:
        return []
    pairs = zip(chart.windows, chart.series[0].values, strict=True)
    return [window for window, value in pairs if any(limit.is_broken_by(value) for limit in chart.limits)]


def scale_of(chart: LineChart) -> Scale:
    """Return round levels that hold every value and limit of the chart."""
    values = [v for series in chart.series for v in series.values if v is not None and math.isfinite(v)]
    values += [limit.value for limit in chart.limits]
    if not values:
        return Scale((0.0, 1.0))
    low, high = min(values), max(values)
    if chart.from_zero:
        low = min(low, 0.0)
    span = next(size for size in (high - low, abs(high), 1.0) if size > LEAST_SPAN)
    step = _round_step(span / 4)
    # The small part keeps a value that stands on a level from asking for one more.
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if last == first:
        last = first + 1
    return Scale(tuple(round(level * step, 10) for level in range(first, last + 1)))


def meter(value: float | None, limit: float) -> Markup:
    """Return a small bar of a value against its limit, which stands at two thirds of its length."""
    share = 0.0 if value is None else min(1.0, value / limit / 1.5)
    state = "bad" if value is not None and value > limit else "ok"
    return Markup(
        '<svg class="meter is-{}" viewBox="0 0 90 8" width="90" height="8" aria-hidden="true">'
        '<rect class="track" width="90" height="8" rx="4"/><rect class="fill" width="{:.1f}" height="8" rx="4"/>'
        '<path d="M60 0v8"/></svg>'
    ).format(state, 90 * share)


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)


def _course(series: Series, chart: LineChart) -> str | None:
    known = [(w, v) for w, v in zip(chart.windows, series.values, strict=True) if v is not None]
    if not known:
        return None
    (first, start), (last, end) = known[0], known[-1]
    if len(known) == 1:
        return f"{series.name} {_said(start, chart)} in {first}"
    peak_at, peak = max(known, key=lambda pair: pair[1])
    low_at, low = min(known, key=lambda pair: pair[1])
    extremes = [f"highest {_said(peak, chart)} in {peak_at}", f"lowest {_said(low, chart)} in {low_at}"]
    # An extreme at either end is told already.
    shown = [e for e in extremes if not (e.endswith((f"in {first}", f"in {last}")))]
    inside = f" ({', '.join(shown)})" if shown else ""
    return f"{series.name} {_said(start, chart)} in {first}, {_said(end, chart)} in {last}{inside}"


def _said(value: float, chart: LineChart) -> str:
    return percent(value) if chart.is_share else number(float(value))


def _x(index: int, count: int) -> float:
    room = WIDTH - LEFT - RIGHT
    return round(LEFT + room * (index + 0.5) / count, 1)


def _tick(level: float, scale: Scale, chart: LineChart) -> Markup:
    said = f"{100 * level:g} %" if chart.is_share else f"{level:g}"
    return Markup(
        '<path class="grid" d="M{} {}H{}"/><text class="axis" x="{}" y="{}" text-anchor="end">{}</text>'
    ).format(LEFT, scale.y(level), WIDTH - RIGHT, LEFT - 7, scale.y(level) + 4, said)


def _labelled(windows: Sequence[str]) -> Sequence[int]:
    """Return the windows that get a name below the axis: the last, and as many before it as have room."""
    count = len(windows)
    most = (WIDTH - LEFT - RIGHT) / (LETTER * max(map(len, windows), default=1) + 14)
    every = max(1, math.ceil(count / most))
    return [index for index in range(count) if (count - 1 - index) % every == 0]


def _window(index: int, chart: LineChart) -> Markup:
    return Markup('<text class="axis" x="{}" y="{}" text-anchor="middle">{}</text>').format(
        _x(index, len(chart.windows)), HEIGHT - 10, chart.windows[index]
    )


def _limit(limit: Limit, scale: Scale, chart: LineChart) -> Markup:
    y = scale.y(limit.value)
    word = "min" if limit.is_floor else "max"
    said = f"{100 * limit.value:.3g} %" if chart.is_share else f"{limit.value:g}"
    return Markup(
        '<path class="limit" d="M{} {}H{}"/><text class="limit-name" x="{}" y="{}">{} {}</text>'
    ).format(LEFT, y, WIDTH - RIGHT, WIDTH - RIGHT + 6, y + 4, word, said)


def _series(index: int, chart: LineChart, scale: Scale) -> Markup:
    series, count = chart.series[index], len(chart.windows)
    points = [
        (_x(at, count), scale.y(value), chart.windows[at], value)
        for at, value in enumerate(series.values)
        if value is not None and math.isfinite(value)
    ]
    line = " ".join(f"{x},{y}" for x, y, _, _ in points)
    marks = [
        _mark(
            index, x, y, f"{series.name} {_said(value, chart)} in {window}", _is_beyond(index, chart, value)
        )
        for x, y, window, value in points
    ]
    return Markup('<g class="series-{}"><polyline points="{}"/>{}</g>').format(
        index, line, Markup("").join(marks)
    )


def _is_beyond(index: int, chart: LineChart, value: float) -> bool:
    return index == 0 and any(limit.is_broken_by(value) for limit in chart.limits)


def _mark(index: int, x: float, y: float, said: str, is_beyond: bool) -> Markup:
    shape = BREACH if is_beyond else MARKS[index % len(MARKS)]
    drawn = shape.format(x=x, y=y, left=round(x - 3.2, 1), top=round(y - 3.2, 1))
    return Markup("<g><title>{}</title>{}</g>").format(said, Markup(drawn))  # noqa: S704  # numbers in shapes of ours


def _names(chart: LineChart, scale: Scale) -> list[Markup]:
    """Return each line's name at its end, moved apart from one another and from the limits' names."""
    # Limits have their names in the same margin.
    taken = [scale.y(limit.value) for limit in chart.limits]
    names: list[Markup] = []
    for index, series in enumerate(chart.series):
        ends = [v for v in series.values if v is not None and math.isfinite(v)]
        if ends:
            y = _free(scale.y(ends[-1]), taken)
            taken.append(y)
            names.append(
                Markup('<text class="series-name series-{}" x="{}" y="{}">{}</text>').format(
                    index, WIDTH - RIGHT + 6, y + 4, series.name
                )
            )
    return names


def _free(wanted: float, taken: Sequence[float], room: float = 14) -> float:
    """Return the height nearest to `wanted` that is `room` away from every taken one."""
    choices = [wanted, *(t + side * room for t in taken for side in (-1, 1))]
    free = [c for c in choices if all(abs(c - t) >= room - 0.01 for t in taken) and 0 < c < HEIGHT]
    return min(free, key=lambda c: abs(c - wanted), default=wanted)
