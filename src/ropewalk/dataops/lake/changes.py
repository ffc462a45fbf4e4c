"""What changed in a table between two snapshots, told row by row by the lake's own record of changes.

DuckLake gives each row a number that it keeps when it is changed in place, moved by compaction, or read later. A row
that is deleted and inserted again gets a new one; numbers only grow.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass

import duckdb

from ropewalk.dataops.lake.digest import Column, read_columns
from ropewalk.dataops.lake.errors import EXPIRED, ChangesMissing, SnapshotMissing, TableMissing
from ropewalk.dataops.lake.names import LAKE, TableName, literal, quote

# Where most rows were written anew, the whole table is read sooner than its changes are.
KEPT_SHARE = 0.5
# Hidden columns that a column of the same name would hide.
_HIDDEN = frozenset({"rowid", "snapshot_id"})
_TABLES = """
    SELECT n.snapshot_id, t.table_id FROM __ducklake_metadata_lake.ducklake_snapshot n
    LEFT JOIN (
        SELECT t.* FROM __ducklake_metadata_lake.ducklake_table t
        JOIN __ducklake_metadata_lake.ducklake_schema s USING (schema_id)
        WHERE lower(s.schema_name) = lower({schema}) AND lower(t.table_name) = lower({name})
    ) t ON t.begin_snapshot <= n.snapshot_id AND coalesce(t.end_snapshot > n.snapshot_id, true)
    WHERE n.snapshot_id IN ({since:d}, {since:d} + 1, {until:d})
"""
# DuckLake gives a row that one commit inserts and then updates a number of that commit's own, which the next one gives
# again.
_FIRST_LOCAL = 10**18
# A limit that keeps all rows, and filters from being pushed into the record's own scan: there those on numbers of rows
# and snapshots, also the ones that joins make up, lose rows of files that had lost rows before, or end in an error.
_ALL = 2**62
# DuckLake's own `ducklake_table_changes` tells rows several times that one commit wrote more than once, with what they
# were in the middle of it. So what went and what came is put together here, and such rows are looked up in the table. A
# row was there before if its number was given by then; it is there after if it came more often than it went. Rows that
# came once at most, and went once at most, are most of them: they are spared the sorting.
_NET = """
    WITH gone AS MATERIALIZED (
        FROM (SELECT snapshot_id, rowid, * FROM ducklake_table_deletions({feed}) LIMIT {all:d})
        WHERE snapshot_id > {since:d} AND rowid < {local:d}
    ),
    come AS MATERIALIZED (
        FROM (SELECT snapshot_id, rowid, * FROM ducklake_table_insertions({feed}) LIMIT {all:d})
        WHERE snapshot_id > {since:d} AND rowid < {local:d}
    ),
    repeated AS MATERIALIZED (
        SELECT rowid FROM come GROUP BY rowid HAVING count(*) > 1
        UNION SELECT rowid FROM gone GROUP BY rowid HAVING count(*) > 1
    ),
    gone_again AS (FROM gone SEMI JOIN repeated USING (rowid)),
    come_again AS (FROM come SEMI JOIN repeated USING (rowid)),
    unclear AS (
        SELECT rowid FROM come_again GROUP BY rowid, snapshot_id HAVING count(*) > 1
        UNION SELECT rowid FROM gone_again GROUP BY rowid, snapshot_id HAVING count(*) > 1
    ),
    left_over AS (
        SELECT rowid FROM (
            SELECT rowid, snapshot_id, 1 AS balance FROM come_again
            UNION ALL SELECT rowid, snapshot_id, -1 FROM gone_again
        )
        GROUP BY rowid HAVING sum(balance) + if(rowid <= {newest:d}, 1, 0) > 0
    ),
    first AS (SELECT DISTINCT ON (rowid) * FROM gone_again WHERE rowid <= {newest:d} ORDER BY rowid, snapshot_id),
    latest AS (
        SELECT DISTINCT ON (rowid) * FROM (FROM come_again SEMI JOIN left_over USING (rowid))
        ORDER BY rowid, snapshot_id DESC
    ),
    before AS (
        FROM (FROM gone ANTI JOIN repeated USING (rowid)) WHERE rowid <= {newest:d}
        UNION ALL BY NAME FROM first ANTI JOIN unclear USING (rowid) UNION ALL BY NAME
        SELECT {until:d} AS snapshot_id, rowid, * FROM {then} WHERE rowid IN (FROM unclear)
    ),
    after AS (
        SELECT * EXCLUDE (is_gone)
        FROM (SELECT *, rowid IN (SELECT rowid FROM gone) AS is_gone FROM come ANTI JOIN repeated USING (rowid))
        WHERE rowid <= {newest:d} OR NOT is_gone
        UNION ALL BY NAME FROM latest ANTI JOIN unclear USING (rowid) UNION ALL BY NAME
        SELECT {until:d} AS snapshot_id, rowid, * FROM {now} WHERE rowid IN (FROM unclear)
    )
    SELECT snapshot_id, rowid, if(is_both, 'update_preimage', 'delete') AS change_type, {columns}
    FROM (SELECT *, rowid IN (SELECT rowid FROM after) AS is_both FROM before)
    UNION ALL
    SELECT snapshot_id, rowid, if(is_both, 'update_postimage', 'insert') AS change_type, {columns}
    FROM (SELECT *, rowid IN (SELECT rowid FROM before) AS is_both FROM after)
"""


@dataclass(frozen=True)
class Changes:
    """The net changes of a table after one snapshot, up to and with another.

    Attributes:
        table: the table.
        since: the snapshot to start from.
        until: the snapshot to arrive at.
        columns: the table's columns, as it has them at `until`.
        sql: a SELECT for any connection to this lake (`Lake.cursor()`, `LakeTransaction.connection`). Its columns
            are `snapshot_id` (when it changed), `rowid`, `change_type`, and then `columns`. A row that was there
            before and is there after has two lines, `update_preimage` and `update_postimage`, with one `rowid`; their
            values may be equal. One that went is a `delete`, one that came an `insert`, what came and went
            in between is not told.
    """

    table: TableName
    since: int
    until: int
    columns: tuple[Column, ...]
    sql: str


@dataclass(frozen=True)
class Span:
    """What is asked about: a table, after the snapshot `since`, up to and with `until`."""

    table: TableName
    since: int
    until: int


@dataclass(frozen=True)
class Numbers:
    """What the numbers of a table's rows tell of a span: it never changes, and is known by reading the table.

    Attributes:
        newest: the greatest one that it had before; -1 when it had no rows. As numbers only grow, and what is gone
            stays gone, those up to this one were given by then.
        came: how often a row was written in between, at least.
        is_shared: whether it has, before or after, one that several rows can have; see `_FIRST_LOCAL`.
    """

    newest: int
    came: int
    is_shared: bool


# By what was asked; reading them takes a scan of a column as long as the table.
Known = MutableMapping[Span, Numbers]


@dataclass(frozen=True)
class _Ends:
    """A table at both ends: the lake's own number of it, and whether the snapshot after the first is still there."""

    before: int
    after: int
    is_gapless: bool


def find_changes(connection: duckdb.DuckDBPyConnection, span: Span, known: Known) -> Changes:
    """Return what changed in the span's table. Numbers of rows are taken from `known`, or read and put there.

    Raises:
        TableMissing, SnapshotMissing: the lake does not have the table at one of the two.
        ChangesMissing: its rows cannot be followed from one to the other.
    """
    table, since, until = span.table, span.since, span.until
    ends = _find_ends(connection, span)
    columns = tuple(read_columns(connection, table.at(until)))
    _require_followed(span, ends, columns)
    numbers = _read_numbers(connection, span, ends, known)
    if numbers.is_shared:
        raise ChangesMissing(
            f"a commit inserted rows into {table} and then updated them: these cannot be followed",
            hint="compare the two snapshots by key",
        )
    sql = _NET.format(
        feed=_feed(span, ends),
        since=since,
        until=until,
        then=table.at(since),
        now=table.at(until),
        local=_FIRST_LOCAL,
        all=_ALL,
        newest=numbers.newest,
        columns=", ".join(quote(column.name) for column in columns),
    )
    return Changes(table, since, until, columns, sql)


def keeps_rows(connection: duckdb.DuckDBPyConnection, span: Span, known: Known) -> bool:
    """Return whether most rows that the span's table had at its start, and has at its end, kept their numbers.

    Raises:
        TableMissing, SnapshotMissing: the lake does not have the table at one of the two.
    """
    then, now = span.table.at(span.since), span.table.at(span.until)
    ends = _find_ends(connection, span)
    columns = {column.name.lower() for column in read_columns(connection, now)}
    if ends.before != ends.after or span.since > span.until or columns & _HIDDEN:
        return False
    numbers = _read_numbers(connection, span, ends, known)
    if numbers.is_shared:
        return False
    then_rows, now_rows = (_one(connection, f"SELECT count(*) FROM {end}") for end in (then, now))
    wanted = KEPT_SHARE * min(then_rows, now_rows)
    # Where little was written it need not be counted what was there before.
    if now_rows - numbers.came >= wanted:
        return True
    # As an aggregate's condition: one of WHERE would be pushed into the scan; see `_ALL`.
    return _one(connection, f"SELECT count(*) FILTER (rowid <= {numbers.newest:d}) FROM {now}") >= wanted


def _require_followed(span: Span, ends: _Ends, columns: Sequence[Column]) -> None:
    """Refuse a span whose rows have no numbers by which they could be followed."""
    table, since, until = span.table, span.since, span.until
    if since > until:
        raise ChangesMissing(
            f"snapshot {until} is older than {since}: changes of {table} are told forwards only",
            hint=f"ask from {until} to {since}",
        )
    if ends.before != ends.after:
        raise ChangesMissing(
            f"{table} was made anew between the snapshots {since} and {until}: its rows cannot be followed",
            hint="compare the two snapshots by key",
        )
    hidden = sorted(_HIDDEN & {column.name.lower() for column in columns})
    if hidden:
        raise ChangesMissing(
            f"the column {hidden[0]!r} of {table} hides the one by which rows are followed",
            hint="give it another name",
        )


def _read_numbers(connection: duckdb.DuckDBPyConnection, span: Span, ends: _Ends, known: Known) -> Numbers:
    if span in known:
        return known[span]
    newest = _greatest(connection, span.table.at(span.since))
    feed = f"ducklake_table_insertions({_feed(span, ends)})"
    row = connection.execute(f"SELECT coalesce(max(rowid), -1), count(*) FROM {feed}").fetchone()
    assert row is not None
    latest, came = (int(number) for number in row)
    if max(newest, latest) >= _FIRST_LOCAL:
        # What was given such a number in between may be gone by the end.
        latest = _greatest(connection, span.table.at(span.until))
    known[span] = Numbers(newest, came, max(newest, latest) >= _FIRST_LOCAL)
    return known[span]


def _feed(span: Span, ends: _Ends) -> str:
    """Return the arguments of DuckLake's functions that tell what came and what went."""
    # A range of the record must begin at a snapshot that is there; the first one's own changes are left out again.
    first = span.since + 1 if ends.is_gapless else span.since
    return f"{literal(LAKE)}, {literal(span.table.schema)}, {literal(span.table.name)}, {first:d}, {span.until:d}"


def _find_ends(connection: duckdb.DuckDBPyConnection, span: Span) -> _Ends:
    table, since, until = span.table, span.since, span.until
    sql = _TABLES.format(schema=literal(table.schema), name=literal(table.name), since=since, until=until)
    found = {int(snapshot): identity for snapshot, identity in connection.execute(sql).fetchall()}
    for snapshot in (since, until):
        if snapshot not in found:
            raise SnapshotMissing(f"the lake has no snapshot {snapshot}", hint=EXPIRED)
        if found[snapshot] is None:
            raise TableMissing(f"there is no table {str(table)!r} at snapshot {snapshot}")
    return _Ends(int(found[since]), int(found[until]), since + 1 in found)


def _greatest(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    """Return the greatest number of a row in `relation`; -1 when it has none."""
    return _one(connection, f"SELECT coalesce(max(rowid), -1) FROM {relation}")


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    assert row is not None
    return int(row[0])
