"""What the values of a table's columns are like: a profile over a sample of bounded size."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

import duckdb

from ropewalk.dataops.catalog.errors import NotProfiled
from ropewalk.dataops.catalog.values import Bin, ColumnProfile, TableProfile
from ropewalk.dataops.lake import Column, Lake, TableInfo, TableName, quote, translate_error

# More rows make no histogram of twelve bars any truer.
SAMPLE_ROWS = 100_000
# The same rows at each look.
SEED = 42
BINS = 12
TOP = 5
LONGEST = 60
_SAMPLE = "ropewalk_profile"
NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DECIMAL", "FLOAT", "DOUBLE")
MOMENTS = ("DATE", "TIMESTAMP")


def compute_profile(lake: Lake, table: TableName, snapshot: int, hidden: Collection[str]) -> TableProfile:
    """Return the profile of `table` at `snapshot`, with no value of the columns `hidden` (in lower case).

    Raises:
        NotProfiled: the lake does not have it there, or the engine could not compute it.
    """
    try:
        infos = lake.tables_at({str(table): snapshot})
        if not infos:
            raise NotProfiled(
                f"{table} is not in the lake's snapshot {snapshot}", hint="`ropewalk run` makes it"
            )
        with lake.cursor() as connection:
            return _profile(connection, infos[0], snapshot, hidden)
    except duckdb.Error as error:
        told = translate_error(error)
        raise NotProfiled(f"{table} cannot be profiled: {told.message}", detail=told.detail) from error


def _profile(
    connection: duckdb.DuckDBPyConnection, info: TableInfo, snapshot: int, hidden: Collection[str]
) -> TableProfile:
    name = TableName(info.schema, info.name)
    share = 100 * SAMPLE_ROWS / max(info.rows, 1)
    sample = f" USING SAMPLE {share:.6f} PERCENT (bernoulli, {SEED})" if share < 100 else ""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {_SAMPLE} AS SELECT * FROM {name.at(snapshot)}{sample}")  # noqa: S608
    try:
        rows = _one(connection, f"SELECT count(*) FROM {_SAMPLE}")[0]  # noqa: S608  # a name of ours
        columns = tuple(
            _hidden(connection, column) if column.name.lower() in hidden else _column(connection, column)
            for column in info.columns
        )
    finally:
        connection.execute(f"DROP TABLE {_SAMPLE}")
    return TableProfile(str(name), snapshot, info.rows, int(str(rows)), columns)


def _hidden(connection: duckdb.DuckDBPyConnection, column: Column) -> ColumnProfile:
    """Return what may be said of a column whose values are nobody's business."""
    nulls, distinct = _one(connection, f"SELECT {_nulls(column)}, {_distinct(column)} FROM {_SAMPLE}")  # noqa: S608
    return ColumnProfile(column.name, column.type, _share(nulls), int(str(distinct)), is_hidden=True)


def _column(connection: duckdb.DuckDBPyConnection, column: Column) -> ColumnProfile:
    is_ordered = _is_number(column) or _is_moment(column)
    statement = f"SELECT {', '.join(_figures(column))} FROM {_SAMPLE}"  # noqa: S608  # quoted names
    nulls, distinct, least, most, mean, median = _one(connection, statement)
    # Of an ordered column with many values no single one says anything.
    has_top = int(str(distinct)) <= BINS if is_ordered else _is_plain(column)
    return ColumnProfile(
        name=column.name,
        type=column.type,
        null_share=_share(nulls),
        distinct=int(str(distinct)),
        least=_short(least),
        most=_short(most),
        mean=_float(mean),
        median=_float(median),
        bins=tuple(_bins(connection, column)) if is_ordered else (),
        top=tuple(_top(connection, column)) if has_top else (),
    )


def _figures(column: Column) -> Iterator[str]:
    """Yield the SQL of shares, least, greatest, mean and median, or NULL for what values of its type do not have."""
    name, is_plain, is_number = quote(column.name), _is_plain(column), _is_number(column)
    yield _nulls(column)
    yield _distinct(column)
    for function in ("min", "max"):
        yield f"CAST({function}({name}) AS VARCHAR)" if is_plain else "NULL"
    for function in (f"avg({name}::DOUBLE)", f"quantile_cont({name}::DOUBLE, 0.5)"):
        yield f"{function} FILTER (isfinite({name}::DOUBLE))" if is_number else "NULL"


def _bins(connection: duckdb.DuckDBPyConnection, column: Column) -> Iterator[Bin]:
    """Yield the counts of values in ranges of equal width, from the least value to the greatest."""
    value = (
        f"{quote(column.name)}::DOUBLE" if _is_number(column) else f"epoch({quote(column.name)}::TIMESTAMP)"
    )
    values = f"(SELECT {value} AS v FROM {_SAMPLE} WHERE isfinite({quote(column.name)}))"  # noqa: S608  # quoted name
    if _is_number(column):
        values = f"(SELECT {value} AS v FROM {_SAMPLE} WHERE isfinite({value}))"  # noqa: S608  # quoted name
    least, most = _one(connection, f"SELECT min(v), max(v) FROM {values}")  # noqa: S608  # a relation of ours
    low, high = _float(least), _float(most)
    if low is None or high is None:
        return
    width = (high - low) / BINS
    if not math.isfinite(width) or width <= 0:
        count = _one(connection, f"SELECT count(*) FROM {values}")[0]  # noqa: S608  # as above
        yield Bin(_edge(column, low), _edge(column, high), int(str(count)))
        return
    place = f"least(greatest(floor((v - {low!r}) / {width!r}), 0), {BINS - 1})::INTEGER"
    found = connection.execute(f"SELECT {place} AS bin, count(*) FROM {values} GROUP BY 1").fetchall()  # noqa: S608
    counts = {int(number): int(count) for number, count in found}
    for number in range(BINS):
        edges = (_edge(column, low + number * width), _edge(column, low + (number + 1) * width))
        yield Bin(*edges, counts.get(number, 0))


def _top(connection: duckdb.DuckDBPyConnection, column: Column) -> Iterator[tuple[str, int]]:
    name = quote(column.name)
    rows = connection.execute(
        f"SELECT CAST({name} AS VARCHAR), count(*) FROM {_SAMPLE} WHERE {name} IS NOT NULL "  # noqa: S608  # quoted name
        f"GROUP BY {name} ORDER BY 2 DESC, 1 LIMIT {TOP:d}"
    ).fetchall()
    for value, count in rows:
        yield _short(value) or "", int(count)


def _edge(column: Column, value: float) -> str:
    if _is_number(column):
        return f"{value:.6g}"
    try:
        moment = datetime(1970, 1, 1) + timedelta(seconds=value)  # noqa: DTZ001  # the lake's times have no zone
    except OverflowError:
        # The engine's calendar is longer than Python's.
        return ""
    return (
        moment.date().isoformat() if column.type == "DATE" else moment.isoformat(sep=" ", timespec="seconds")
    )


def _is_plain(column: Column) -> bool:
    # Of what is nested or binary neither the least value nor a common one can be shown in a line.
    is_enum = column.type.startswith("ENUM") and not column.type.endswith("]")
    is_scalar = is_enum or column.type in ("BOOLEAN", "VARCHAR", "UUID", "TIME")
    return is_scalar or _is_number(column) or _is_moment(column)


def _is_number(column: Column) -> bool:
    # The brackets of a list come last, and a list of numbers is none.
    return column.type.partition("(")[0].removeprefix("U") in NUMBERS and not column.type.endswith("]")


def _is_moment(column: Column) -> bool:
    return column.type.partition(" ")[0].partition("_")[0] in MOMENTS and not column.type.endswith("]")


def _nulls(column: Column) -> str:
    return f"avg(CAST({quote(column.name)} IS NULL AS INTEGER))"


def _distinct(column: Column) -> str:
    return f"least(approx_count_distinct({quote(column.name)}), count({quote(column.name)}))"


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[object, ...]:
    found = connection.execute(sql).fetchone()
    assert found is not None
    return found


def _share(value: object) -> float:
    return _float(value) or 0.0


def _float(value: object) -> float | None:
    found = float(str(value)) if value is not None else None
    # The mean of very great numbers is infinite to the engine; no page and no JSON can show that.
    return found if found is not None and math.isfinite(found) else None


def _short(value: object) -> str | None:
    if value is None:
        return None
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
