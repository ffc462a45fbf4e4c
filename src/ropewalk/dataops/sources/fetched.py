"""Landing rows that are here already, by the shortest way that comes to the same."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from ropewalk.dataops.lake import LakeTransaction, TableName, digest_relation, literal, quote, read_columns
from ropewalk.dataops.sources.books import Mark
from ropewalk.dataops.sources.landing import Landed, LandingRules, land
from ropewalk.dataops.sources.remote_rows import FetchedRows
from ropewalk.dataops.sources.spec import SourceSpec


def land_fetched(
    transaction: LakeTransaction,
    spec: SourceSpec,
    rules: LandingRules,
    fetched: FetchedRows,
    mark: Mark | None,
) -> Landed:
    """Land the rows as `land` does.

    Into a new table they are written as they are, when no two of them have one key and none lacks a key or cursor.
    Rows that are just what the table holds are not written at all.
    """
    is_plain = not rules.types and rules.write != "history"
    if is_plain and mark is None and _fit_as_they_are(transaction.connection, rules, fetched):
        as_they_are = replace(rules, write="append", key=(), cursor=None)
        landed = land(transaction, spec, as_they_are, fetched.relation, None)
        return replace(landed, watermark=fetched.watermark)
    if mark is None:
        return land(transaction, spec, rules, fetched.relation, None)
    if is_plain and rules.write == "replace" and not rules.key:
        made = digest_relation(transaction.connection, f"({fetched.relation.sql})")
        if made == transaction.digest(spec.table):
            return Landed(made, 0, 0, 0, 0, fetched.watermark)
    return land(transaction, spec, rules, fetched.relation, mark.watermark)


def count_late(
    transaction: LakeTransaction,
    spec: SourceSpec,
    rules: LandingRules,
    fetched: FetchedRows,
    mark: Mark | None,
) -> int:
    """Return how many rows have the value of the watermark and are not loaded, where rows are known by it alone."""
    if rules.write != "append" or rules.overlap is not None or mark is None or mark.watermark is None:
        return 0
    assert rules.cursor is not None
    cursor, table = quote(rules.cursor), TableName.parse(spec.table).sql
    kind = next(
        c.type for c in read_columns(transaction.connection, table) if c.name.lower() == rules.cursor.lower()
    )
    same = f"WHERE {cursor} = CAST({literal(mark.watermark)} AS {kind})"
    row = transaction.connection.execute(
        f"SELECT (SELECT count(*) FROM ({fetched.relation.sql}) {same}) - (SELECT count(*) FROM {table} {same})"
    ).fetchone()
    return max(0, int(row[0])) if row else 0


def _fit_as_they_are(
    connection: duckdb.DuckDBPyConnection, rules: LandingRules, fetched: FetchedRows
) -> bool:
    """Return whether every row has key and cursor, and no two have one key."""
    names = [*rules.key, *([rules.cursor] if rules.cursor else [])]
    known = {column.name.lower() for column in fetched.relation.columns}
    if not known.issuperset(name.lower() for name in names):
        return False
    checks = [f"count({quote(name)}) = count(*)" for name in names]
    if rules.key:
        keys = ", ".join(map(quote, rules.key))
        checks.append(
            f"count(DISTINCT ({keys})) = count(*)"
            if len(rules.key) > 1
            else f"count(DISTINCT {keys}) = count(*)"
        )
    row = connection.execute(
        f"SELECT {' AND '.join(checks) or 'true'} FROM ({fetched.relation.sql})"
    ).fetchone()
    return bool(row and row[0])
