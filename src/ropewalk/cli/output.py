"""How results reach people and programs: one JSON object, or aligned columns; progress goes to stderr."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence

import click

WIDE = ("W", "F")
_HEX = re.compile(r"[0-9a-f]{12,}")


def emit_json(value: object) -> None:
    """Print one JSON document to stdout."""
    click.echo(json_text(value), nl=False)


def json_text(value: object) -> str:
    """Return one JSON document as it is printed."""
    return json.dumps(value, indent=2, default=str) + "\n"


def emit_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under a header in aligned columns; numbers to the right, the rest to the left."""
    if not rows:
        return
    titles = [plain(title) for title in header]
    texts = [[_text(cell) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(titles, *texts, strict=True)]
    # A column is one of numbers also where some of its values are missing.
    numeric = [all(_is_number(row[i]) or row[i] is None for row in rows) for i in range(len(header))]
    click.echo(click.style(_line(titles, widths, numeric), bold=True))
    for row in texts:
        click.echo(_line(row, widths, numeric))


def count(number: int, thing: str) -> str:
    """Return `1 row` or `2,000 rows`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def plain(text: str) -> str:
    """Return `text` with its control characters spelled out."""
    # Data may hold line breaks, which tear a table apart, or what a terminal takes for commands.
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shorten(text: str, width: int) -> str:
    """Return `text`, cut to at most `width` characters, the last of which then says so."""
    return text if len(text) <= width else f"{text[: width - 1].rstrip()}…"


def short_ids(text: str) -> str:
    """Return `text` with its long ids cut to the digits that tell them apart; --json has them whole."""
    return _HEX.sub(lambda found: found[0][:8], text)


def _line(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    parts = [
        _padding(cell, width) + cell if right else cell + _padding(cell, width)
        for cell, width, right in zip(cells, widths, numeric, strict=True)
    ]
    return "  ".join(parts).rstrip()


def _padding(text: str, width: int) -> str:
    return " " * (width - _width(text))


def _width(text: str) -> int:
    # Chinese and Japanese characters take two columns of a terminal.
    return len(text) if text.isascii() else sum(1 + (unicodedata.east_asian_width(c) in WIDE) for c in text)


def _is_number(cell: object) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    # Without separators between thousands: a year or an order's number is not a quantity.
    return f"{cell:.10g}" if isinstance(cell, float) else plain(str(cell))
