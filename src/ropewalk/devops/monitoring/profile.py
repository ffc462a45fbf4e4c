"""What training data looked like: bins and counts per column, taken once per model version.

Numbers are cut at the deciles of the training data, text into its most frequent values; everything else has
a bin of its own, and so have missing values. The same bins are then counted in every window.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from ropewalk.dataops.lake import literal, quote

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Many rare values would make the index of a small window mostly noise.
MOST_CATEGORIES = 20
DECILES = tuple(i / 10 for i in range(1, 10))
ColumnKind: TypeAlias = Literal["number", "category"]
_NUMBERS = (
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL"),
    *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
)
_CATEGORIES = ("VARCHAR", "BOOLEAN", "ENUM")


class Bins(msgspec.Struct, frozen=True):
    """How the values of one column are counted.

    Attributes:
        column: the column's name.
        kind: whether it holds numbers or categories.
        edges: for numbers, the upper end of each bin, that value included; above the last is one more bin.
        values: for categories, the value of each bin; one more bin takes all others.
    """

    column: str
    kind: ColumnKind
    edges: tuple[float, ...] = ()
    values: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many bins there are, without the one of missing values."""
        return 1 + len(self.edges if self.kind == "number" else self.values)


class ColumnProfile(msgspec.Struct, frozen=True):
    """One column of the training data: rows per bin, missing values last."""

    bins: Bins
    counts: tuple[int, ...]


class Profile(msgspec.Struct, frozen=True):
    """What the training data of one model version looked like.

    Attributes:
        source: the table it was taken from and its snapshot, as SQL writes them after FROM.
        label: the column of outcomes; rows without one are left out where the table has it.
        rows: rows of the table that count.
        positive_rate: share of positive outcomes; None when the table has no such column.
        columns: the columns that the model reads and the table has.
        absent: the columns that the model reads and the table does not have, or not as numbers or text.
        table: the table's name, to tell people of; empty for rows that are no table of the lake.
        snapshot: the snapshot it was read at.
    """

    source: str
    label: str
    rows: int
    positive_rate: float | None
    columns: tuple[ColumnProfile, ...]
    absent: tuple[str, ...] = ()
    table: str = ""
    snapshot: int = 0


def take_profile(connection: DuckDBPyConnection, source: str, label: str, wanted: Sequence[str]) -> Profile:
    """Return the profile of the rows of `source`, the text that follows FROM.

    Args:
        connection: a connection to the lake.
        source: the training data.
        label: the column of outcomes; when `source` has it, rows without an outcome are left out.
        wanted: the columns to profile.
    """
    types = column_types(connection, source)
    kinds = _kinds(types, wanted)
    has_label = label in types
    rows = f"(FROM {source} WHERE {quote(label)} IS NOT NULL)" if has_label else source
    rate = f"avg(TRY_CAST({quote(label)} AS DOUBLE))" if has_label else "NULL"
    row = connection.execute(f"FROM {rows} SELECT count(*), {rate}").fetchone()
    assert row is not None
    return Profile(
        source=source,
        label=label,
        rows=row[0],
        positive_rate=row[1],
        columns=count_columns(connection, rows, find_bins(connection, rows, kinds)),
        absent=tuple(name for name in wanted if name not in kinds),
    )


def _kinds(types: Mapping[str, str], wanted: Iterable[str]) -> dict[str, ColumnKind]:
    found = {name: kind_of(types[name]) for name in wanted if name in types}
    return {name: kind for name, kind in found.items() if kind}


def column_types(connection: DuckDBPyConnection, source: str) -> dict[str, str]:
    """Return name -> DuckDB type of the columns of `source`, the text that follows FROM."""
    rows = connection.execute(f"DESCRIBE FROM {source}").fetchall()
    return {str(row[0]): str(row[1]) for row in rows}


def kind_of(duckdb_type: str) -> ColumnKind | None:
    """Return how a column of this type is profiled; None for times, lists and the like."""
    if duckdb_type.endswith("]"):  # a list of what stands before the brackets
        return None
    if duckdb_type.startswith(_NUMBERS):
        return "number"
    return "category" if duckdb_type.startswith(_CATEGORIES) else None


def find_bins(connection: DuckDBPyConnection, source: str, kinds: Mapping[str, ColumnKind]) -> list[Bins]:
    """Return the bins of each column of `source`, in the order of `kinds`."""
    edges = _edges(connection, source, [name for name, kind in kinds.items() if kind == "number"])
    return [
        Bins(name, "number", edges=edges[name])
        if kind == "number"
        else Bins(name, "category", values=_frequent(connection, source, name))
        for name, kind in kinds.items()
    ]


def count_expressions(bins: Iterable[Bins]) -> str:
    """Return the select list that counts every bin: for each column a list of counts, then missing values."""
    return ", ".join(
        f"map_values({_histogram(b)}) AS counts_{i}, count(*) - count({_value(b)}) AS missing_{i}"
        for i, b in enumerate(bins)
    )


def read_counts(bins: Sequence[Bins], row: Sequence[object]) -> list[tuple[int, ...]]:
    """Return the counts per column, missing values last, from what `count_expressions` selected."""
    found = []
    for i, column in enumerate(bins):
        counts, missing = row[2 * i], row[2 * i + 1]
        filled = [int(count) for count in counts] if isinstance(counts, list) else []
        # DuckDB leaves out the bin of all other values when it is empty, and all bins when no value is there.
        filled += [0] * (column.size - len(filled))
        assert isinstance(missing, int)
        found.append((*filled, missing))
    return found


def count_columns(
    connection: DuckDBPyConnection, source: str, bins: Sequence[Bins]
) -> tuple[ColumnProfile, ...]:
    """Return the rows per bin of each column of `source`, in one scan."""
    if not bins:
        return ()
    row = connection.execute(f"FROM {source} SELECT {count_expressions(bins)}").fetchone()
    assert row is not None
    return tuple(ColumnProfile(*pair) for pair in zip(bins, read_counts(bins, row), strict=True))


def _value(bins: Bins) -> str:
    column = quote(bins.column)
    if bins.kind == "category":
        # The equals sign keeps an empty text apart from DuckDB's bin of all others, which has that name.
        return f"('=' || CAST({column} AS VARCHAR))"
    # NaN and infinity have no place among sorted edges: DuckDB would count NaN in the first bin.
    number = f"TRY_CAST({column} AS DOUBLE)"
    return f"(CASE WHEN isfinite({number}) THEN {number} END)"


def _histogram(bins: Bins) -> str:
    if bins.kind == "number":
        # Read from text, because an SQL literal such as 0.1 would be a decimal with fewer digits.
        edges = literal("[" + ", ".join(map(repr, bins.edges)) + "]")
        return f"histogram({_value(bins)}, CAST({edges} AS DOUBLE[]))"
    values = ", ".join(literal("=" + value) for value in bins.values)
    return f"histogram_exact({_value(bins)}, CAST([{values}] AS VARCHAR[]))"


def _edges(connection: DuckDBPyConnection, source: str, names: Sequence[str]) -> dict[str, tuple[float, ...]]:
    if not names:
        return {}
    columns = ", ".join(f"quantile_cont({_value(Bins(name, 'number'))}, {list(DECILES)!r})" for name in names)
    row = connection.execute(f"FROM {source} SELECT {columns}").fetchone()
    assert row is not None
    return {name: tuple(sorted(set(found or ()))) for name, found in zip(names, row, strict=True)}


def _frequent(connection: DuckDBPyConnection, source: str, name: str) -> tuple[str, ...]:
    column = quote(name)
    rows = connection.execute(
        f"FROM {source} SELECT CAST({column} AS VARCHAR) AS value WHERE {column} IS NOT NULL"
        f" GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT {MOST_CATEGORIES}"
    ).fetchall()
    # In the order in which DuckDB returns the bins.
    return tuple(sorted(row[0] for row in rows))
