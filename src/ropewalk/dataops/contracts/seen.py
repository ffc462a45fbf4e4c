"""What the rows of a table look like, column by column: what a first draft of its contract is written from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import duckdb

from ropewalk.dataops.contracts.compile import INTEGERS, TableColumn, logical_type_of
from ropewalk.dataops.contracts.rules import FORMATS
from ropewalk.dataops.lake import literal

# Texts that all look alike: the standard's formats, moments written as texts, codes and numbers of one length.
SHAPES: Mapping[str, str] = {
    **{name: FORMATS[name] for name in ("email", "uuid", "uri", "ipv4")},
    "date": r"^\d{4}-\d{2}-\d{2}$",
    "timestamp": r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$",
    "capitals": "^[A-Z]+$",
    "digits": r"^\d+$",
    "code": "^[A-Z0-9]+$",
}
# So few values are listed.
MOST_VALUES = 12
# So often, on average, a value comes again when the values are a list to choose from.
LEAST_REPEATS = 10
# An estimate of distinct values is this near; what may be unique is then counted exactly.
NEARLY = 0.9


@dataclass(frozen=True)
class SeenColumn:
    """One column as it was seen.

    Attributes:
        logical_type: the standard's word for its type; None when it has none.
        values: how many rows have a value.
        distinct: how many different ones, exact where `is_exact`.
        least: the smallest value as text; None for what has no order.
        greatest: the greatest value as text.
        lengths: the shortest and the longest text.
        shapes: which of `SHAPES` all values have.
        listed: all values, when there are few and they come again and again.
    """

    name: str
    type: str
    logical_type: str | None
    rows: int
    values: int
    distinct: int
    is_exact: bool = False
    least: str | None = None
    greatest: str | None = None
    lengths: tuple[int, int] | None = None
    shapes: frozenset[str] = field(default_factory=frozenset)
    listed: tuple[str, ...] = ()

    @property
    def is_full(self) -> bool:
        """Whether every row has a value."""
        return self.rows > 0 and self.values == self.rows

    @property
    def is_unique(self) -> bool:
        """Whether no value comes twice, among enough rows to mean something."""
        return self.is_exact and 2 <= self.values == self.distinct

    @property
    def is_whole(self) -> bool:
        """Whether its type is one of whole numbers."""
        return self.type.lstrip("U") in INTEGERS


def look(connection: duckdb.DuckDBPyConnection, relation: str) -> tuple[SeenColumn, ...]:
    """Return what the rows of `relation`, which follows FROM, look like; the same rows are always seen alike."""
    described = connection.execute(f"DESCRIBE {relation}").fetchall()
    columns = [TableColumn(str(name), str(kind)) for name, kind, *_ in described]
    expressions = [part for column in columns for part in _first_look(column)]
    row = connection.execute(f"SELECT count(*), {', '.join(expressions)} FROM {relation}").fetchone()  # noqa: S608  # quoted names
    assert row is not None  # an aggregate without groups
    rows, values = int(row[0]), iter(row[1:])
    seen = [_seen(column, rows, values) for column in columns]
    return tuple(_closer(connection, relation, column) for column in seen)


def _first_look(column: TableColumn) -> Iterator[str]:
    """Yield the aggregates that `_seen` takes, in its order."""
    name, kind = column.sql, logical_type_of(column.name, column.type)
    yield f"count({name})"
    yield f"approx_count_distinct({name})"
    if kind in ("date", "timestamp", "time", "integer", "number"):
        yield f"CAST(min({name}) AS VARCHAR)"
        yield f"CAST(max({name}) AS VARCHAR)"
    if kind == "string":
        text = f"CAST({name} AS VARCHAR)"
        yield f"min(length({text}))"
        yield f"max(length({text}))"
        for pattern in SHAPES.values():
            yield f"count(*) FILTER (WHERE regexp_matches({text}, {literal(pattern)}))"


def _seen(column: TableColumn, rows: int, found: Iterator[object]) -> SeenColumn:
    kind = logical_type_of(column.name, column.type)
    values, distinct = int(str(next(found))), int(str(next(found)))
    seen = SeenColumn(column.name, column.type, kind, rows, values, distinct)
    if kind in ("date", "timestamp", "time", "integer", "number"):
        least, greatest = next(found), next(found)
        if values:
            seen = replace(seen, least=str(least), greatest=str(greatest))
    if kind == "string":
        shortest, longest = next(found), next(found)
        counts = {name: int(str(next(found))) for name in SHAPES}
        if values:
            shapes = frozenset(name for name, count in counts.items() if count == values)
            seen = replace(seen, lengths=(int(str(shortest)), int(str(longest))), shapes=shapes)
    return seen


def _closer(connection: duckdb.DuckDBPyConnection, relation: str, seen: SeenColumn) -> SeenColumn:
    """Return the column with what the first look could only estimate: whether it is unique, or which values it has."""
    if seen.logical_type not in ("string", "integer", "date", "timestamp") or not seen.values:
        return seen
    name = TableColumn(seen.name, seen.type).sql
    if seen.distinct >= NEARLY * seen.values:
        found = connection.execute(f"SELECT count(DISTINCT {name}) FROM {relation}").fetchone()  # noqa: S608  # quoted names
        return replace(seen, distinct=int(found[0]) if found else 0, is_exact=True)
    if seen.logical_type != "string" or seen.distinct > 2 * MOST_VALUES:
        return seen
    rows = connection.execute(
        f"SELECT DISTINCT CAST({name} AS VARCHAR) FROM {relation} WHERE {name} IS NOT NULL"  # noqa: S608  # quoted names
        f" LIMIT {MOST_VALUES + 1}"
    ).fetchall()
    if len(rows) > MOST_VALUES or len(rows) * LEAST_REPEATS > seen.values:
        return seen
    return replace(
        seen, distinct=len(rows), is_exact=True, listed=tuple(sorted(str(value) for (value,) in rows))
    )
