"""What a column is like before and after: how much is missing, the mean, about how many distinct values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import duckdb

from ropewalk.dataops.diff.pairs import is_number
from ropewalk.dataops.diff.values import Figures
from ropewalk.dataops.lake import Column, quote

# Counting distinct values costs more than all else; above this many values it is left out.
DISTINCT_VALUES = 4_000_000


def read_figures(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[Column], rows: int
) -> list[Figures]:
    """Return the figures of `columns` of `relation`, which is what follows FROM and has `rows` rows."""
    if not columns:
        return []
    is_small = rows * len(columns) <= DISTINCT_VALUES
    found = _ask(connection, relation, [_expressions(column, is_small=is_small) for column in columns])
    if any(isinstance(value, float) and not math.isfinite(value) for value in found):
        # A single NaN or infinity would hide how all others moved; few columns have any, and looking costs time.
        finite = [_expressions(column, is_small=is_small, is_finite=True) for column in columns]
        found = _ask(connection, relation, finite)
    triples = zip(found[::3], found[1::3], found[2::3], strict=True)
    return [
        Figures(
            null_share=1 - int(values) / rows if rows else 0.0,
            # The mean of very great numbers is infinite to the engine, which JSON cannot say.
            mean=None if mean is None or not math.isfinite(mean) else float(mean),
            distinct=None if distinct is None else min(int(distinct), int(values)),
        )
        for values, mean, distinct in triples
    ]


def _ask(
    connection: duckdb.DuckDBPyConnection, relation: str, expressions: Sequence[Sequence[str]]
) -> tuple[Any, ...]:
    wanted = ", ".join(expression for of_column in expressions for expression in of_column)
    found = connection.execute(f"SELECT {wanted} FROM {relation}").fetchone()  # noqa: S608  # quoted names
    assert found is not None
    return found


def _expressions(column: Column, *, is_small: bool, is_finite: bool = False) -> tuple[str, str, str]:
    name = quote(column.name)
    distinct = f"approx_count_distinct({name})" if is_small else "NULL"
    return f"count({name})", _mean(column, is_finite=is_finite), distinct


def _mean(column: Column, *, is_finite: bool) -> str:
    name = quote(column.name)
    if column.type == "BOOLEAN":
        return f"avg({name}::INTEGER)"
    if not is_number(column.type):
        return "NULL"
    return f"avg({name}::DOUBLE)" + (f" FILTER (isfinite({name}::DOUBLE))" if is_finite else "")
