"""How results reach people and programs: one JSON object, or aligned columns; progress goes to stderr."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click


def emit_json(value: object) -> None:
    """Print one JSON document to stdout."""
    click.echo(json.dumps(value, indent=2, default=str))


def emit_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under a header in aligned columns; numbers to the right, the rest to the left."""
    if not rows:
        return
    texts = [[_text(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *texts, strict=True)]
    numeric = [
        all(isinstance(row[i], int | float) or row[i] is None for row in rows) for i in range(len(header))
    ]
    click.echo(click.style(_line(header, widths, numeric), bold=True))
    for row in texts:
        click.echo(_line(row, widths, numeric))


def _line(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    parts = [
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(cells, widths, numeric, strict=True)
    ]
    return "  ".join(parts).rstrip()


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return f"{cell:.4g}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
