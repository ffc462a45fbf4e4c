"""What a column's values are like, as a small picture: a histogram, or bars of its most frequent values."""

from __future__ import annotations

from markupsafe import Markup

from ropewalk.dataops.catalog import ColumnProfile
from ropewalk.web.formats import number, percent

WIDTH, HEIGHT, GAP = 132, 30, 2


def histogram(column: ColumnProfile) -> Markup:
    """Return the picture of a column's values, which says in words what it shows; nothing where nothing is known."""
    if len(column.bins) > 1:
        return _bars([item.count for item in column.bins], describe(column))
    if column.top:
        return _shares(column)
    return Markup("")


def describe(column: ColumnProfile) -> str:
    """Return one sentence on a column's values."""
    if column.is_hidden:
        return "personal: its values are not shown"
    parts = [f"from {column.least} to {column.most}"] if column.least is not None else []
    parts += [f"mean {number(column.mean)}"] if column.mean is not None else []
    parts += [f"median {number(column.median)}"] if column.median is not None else []
    parts += [f"mostly {column.top[0][0]}"] if column.top else []
    return ", ".join(parts) or "no values"


def _bars(counts: list[int], words: str) -> Markup:
    most, step = max(counts) or 1, WIDTH / len(counts)
    bars = [
        # A count that is there is seen, however small it is beside the greatest.
        Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="1"/>').format(
            index * step, HEIGHT - _height(count, most), step - GAP, _height(count, most)
        )
        for index, count in enumerate(counts)
        if count
    ]
    frame = Markup(
        '<svg class="spark" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">'
    )
    base = Markup('<path class="base" d="M0 {}h{}"/></svg>').format(HEIGHT, WIDTH)
    return Markup("").join([frame.format(WIDTH, HEIGHT, WIDTH, HEIGHT, words), *bars, base])


def _height(count: int, most: int) -> float:
    return max(1.5, (HEIGHT - 2) * count / most)


def _shares(column: ColumnProfile) -> Markup:
    """Return the most frequent values with a bar for the share of each."""
    total = sum(count for _, count in column.top) or 1
    lines = [
        Markup(
            '<li><span class="value">{}</span><svg class="share-bar" viewBox="0 0 60 6" width="60" height="6" '
            'aria-hidden="true"><rect class="track" width="60" height="6" rx="3"/>'
            '<rect class="fill" width="{:.1f}" height="6" rx="3"/></svg><span class="note">{}</span></li>'
        ).format(value or "''", max(1.0, 60 * count / total), percent(count / total))
        for value, count in column.top
    ]
    return Markup('<ul class="top-values">{}</ul>').format(Markup("").join(lines))
