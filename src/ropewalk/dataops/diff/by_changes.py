"""Comparing by the lake's own record of changes: only what was written in between is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb

from ropewalk.dataops.diff.by_content import compare_by_content
from ropewalk.dataops.diff.by_key import Counted, Sides, compare_by_key
from ropewalk.dataops.diff.pairs import Pair
from ropewalk.dataops.lake import Changes, narrowed

ROW = "row_number"
_LAID_OUT = "ropewalk_changes"
_BEFORE = ("delete", "update_preimage")
_AFTER = ("insert", "update_postimage")


def compare_changes(
    connection: duckdb.DuckDBPyConnection,
    changes: Changes,
    pairs: Sequence[Pair],
    key: Sequence[str],
    sample: int,
) -> Counted:
    """Return what differs according to `changes`.

    Rows belong together by the columns `key` (aliases); without any, or where they do not identify rows, those that
    were changed in place do, and all others are compared as whole rows.
    """
    with _laid_out(connection, changes, pairs):
        found = (
            compare_by_key(connection, _part(connection, _BEFORE, _AFTER), pairs, key, sample)
            if key
            else None
        )
        if found is not None:
            return found
        in_place = _part(connection, _BEFORE[1:], _AFTER[1:])
        rest = compare_by_content(connection, _part(connection, _BEFORE[:1], _AFTER[:1]), pairs, sample)
        updated = compare_by_key(connection, in_place, pairs, (ROW,), sample)
        return rest if updated is None else updated.plus(rest)


@contextmanager
def _laid_out(
    connection: duckdb.DuckDBPyConnection, changes: Changes, pairs: Sequence[Pair]
) -> Iterator[None]:
    """Keep the changes in a table of the connection's own during the block: they are read more than once."""
    columns = ", ".join(pair.read(pair.new) for pair in pairs)
    # The record of changes is read by one thread at a time.
    with narrowed(connection):
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {_LAID_OUT} AS "  # noqa: S608  # quoted names
            f"SELECT change_type, rowid AS {ROW}, {columns} FROM ({changes.sql})"
        )
    try:
        yield
    finally:
        connection.execute(f"DROP TABLE {_LAID_OUT}")


def _part(connection: duckdb.DuckDBPyConnection, before: Sequence[str], after: Sequence[str]) -> Sides:
    one, other = (
        f"(SELECT * EXCLUDE (change_type) FROM {_LAID_OUT} WHERE change_type IN ({_listed(kinds)}))"  # noqa: S608
        for kinds in (before, after)
    )
    return Sides(one, other, _rows(connection, one), _rows(connection, other))


def _rows(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    found = connection.execute(f"SELECT count(*) FROM {relation}").fetchone()  # noqa: S608  # a relation of ours
    assert found is not None
    return int(found[0])


def _listed(kinds: Sequence[str]) -> str:
    return ", ".join(f"'{kind}'" for kind in kinds)
