"""Comparing two relations by key: one join that keeps only what differs, and all questions are asked of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from ropewalk.dataops.diff.pairs import Pair

# A key of which each value stands in this many rows would make the join as large as its square.
REPEATED = 3
FEW = 200
BUCKETS = 65_536
_DIFFERING = "ropewalk_differing"
_ONLY_AFTER, _ONLY_BEFORE, _BOTH = "bp IS NULL", "ap IS NULL", "bp AND ap"


Sample = tuple[Mapping[str, object] | None, Mapping[str, object] | None]


@dataclass(frozen=True)
class Sides:
    """The two relations to compare, each as what follows FROM, and how many rows they have."""

    before: str
    after: str
    before_rows: int
    after_rows: int


@dataclass(frozen=True)
class Counted:
    """What differs between two relations.

    Attributes:
        added: rows that only the one after has.
        removed: rows that only the one before has.
        changed: rows that both have, with other values; None where rows have no identity.
        columns: by alias, in how many rows its value differs, and by how much at most.
        sample: a few rows of each kind: (before, after), by alias.
    """

    added: int
    removed: int
    changed: int | None
    columns: Mapping[str, tuple[int, float | None]] = field(default_factory=dict)
    sample: Sequence[Sample] = ()

    def plus(self, other: Counted) -> Counted:
        """Return what is counted here and there together."""
        return Counted(
            self.added + other.added,
            self.removed + other.removed,
            (self.changed or 0) + (other.changed or 0),
            {**self.columns, **other.columns},
            [*self.sample, *other.sample],
        )


def compare_by_key(
    connection: duckdb.DuckDBPyConnection,
    sides: Sides,
    pairs: Sequence[Pair],
    key: Sequence[str],
    sample: int,
) -> Counted | None:
    """Return what differs between the rows that the columns `key` (aliases) identify, or None if they do not.

    The relations have the columns of `pairs` under their aliases, the key among them.
    """
    if _is_repeated(connection, sides, key):
        return None
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {_DIFFERING} AS {_differing_sql(sides, pairs, key)}")
    try:
        return _count(connection, pairs, key, sample) if _identifies(connection, sides, key) else None
    finally:
        connection.execute(f"DROP TABLE {_DIFFERING}")


def _is_repeated(connection: duckdb.DuckDBPyConnection, sides: Sides, key: Sequence[str]) -> bool:
    """Return whether so many rows share a value of the key that joining by it would never end."""
    # Hashes of distinct values fill their buckets evenly, so no bucket can hold many equal values unnoticed.
    columns = ", ".join(key)
    found = connection.execute(
        f"SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM {sides.after} GROUP BY hash({columns}) % {BUCKETS})"  # noqa: S608
    ).fetchone()
    assert found is not None
    return int(found[0]) > REPEATED * sides.after_rows / BUCKETS + FEW


def _differing_sql(sides: Sides, pairs: Sequence[Pair], key: Sequence[str]) -> str:
    match = " AND ".join(f"b.{alias} IS NOT DISTINCT FROM a.{alias}" for alias in key)
    columns = [f"{side}.{pair.alias} AS {side}_{pair.alias}" for pair in pairs for side in "ba"]
    columns += [f"coalesce(b.{alias}, a.{alias}) AS k_{alias}" for alias in key]
    differs = [pair.differs() for pair in pairs if pair.alias not in key]
    return (
        f"SELECT {', '.join(columns)}, b.p AS bp, a.p AS ap "  # noqa: S608  # aliases of ours
        f"FROM (SELECT *, true AS p FROM {sides.before}) b "
        f"FULL JOIN (SELECT *, true AS p FROM {sides.after}) a ON {match} "
        f"WHERE {' OR '.join(['b.p IS NULL', 'a.p IS NULL', *differs])}"
    )


def _identifies(connection: duckdb.DuckDBPyConnection, sides: Sides, key: Sequence[str]) -> bool:
    """Return whether each row that differs stands for one row of either side."""
    # A key that is repeated only among equal rows does no harm, so only those that differ are looked for.
    counts = f"SELECT count(bp), count(ap), count(*) FROM {_DIFFERING}"  # noqa: S608
    before, after, rows = connection.execute(counts).fetchone() or (0, 0, 0)
    if sides.before_rows - (rows - after) != sides.after_rows - (rows - before):
        return False
    return all(
        _standing(connection, relation, key) == found
        for relation, found in ((sides.before, before), (sides.after, after))
    )


def _standing(connection: duckdb.DuckDBPyConnection, relation: str, key: Sequence[str]) -> int:
    """Return how many rows of `relation` have a key of a row that differs."""
    match = " AND ".join(f"r.{alias} IS NOT DISTINCT FROM d.k_{alias}" for alias in key)
    found = connection.execute(
        f"SELECT count(*) FROM {relation} r SEMI JOIN {_DIFFERING} d ON {match}"  # noqa: S608  # aliases of ours
    ).fetchone()
    assert found is not None
    return int(found[0])


def _count(
    connection: duckdb.DuckDBPyConnection, pairs: Sequence[Pair], key: Sequence[str], sample: int
) -> Counted:
    wanted = [f"count(*) FILTER ({condition})" for condition in (_ONLY_AFTER, _ONLY_BEFORE, _BOTH)]
    wanted += [f"count(*) FILTER ({_BOTH} AND {_change(pair)})" for pair in pairs]
    wanted += [_largest(pair) for pair in pairs]
    found = connection.execute(f"SELECT {', '.join(wanted)} FROM {_DIFFERING}").fetchone()  # noqa: S608
    assert found is not None
    counts, largest = found[3 : 3 + len(pairs)], found[3 + len(pairs) :]
    added, removed, changed = (int(count) for count in found[:3])
    return Counted(
        added,
        removed,
        changed,
        {
            pair.alias: (int(count), None if most is None else float(most))
            for pair, count, most in zip(pairs, counts, largest, strict=True)
        },
        [
            row
            for condition in (_ONLY_AFTER, _ONLY_BEFORE, _BOTH)
            for row in _sample(connection, pairs, key, condition, sample)
        ],
    )


def _change(pair: Pair) -> str:
    return f"b_{pair.alias} IS DISTINCT FROM a_{pair.alias}"


def _largest(pair: Pair) -> str:
    if not pair.is_number:
        return "NULL"
    # What is not a number has no difference that could be shown.
    size = f"abs(a_{pair.alias}::DOUBLE - b_{pair.alias}::DOUBLE)"
    return f"max({size}) FILTER ({_BOTH} AND {_change(pair)} AND isfinite({size}))"


def _sample(
    connection: duckdb.DuckDBPyConnection,
    pairs: Sequence[Pair],
    key: Sequence[str],
    condition: str,
    sample: int,
) -> list[Sample]:
    """Return the first few rows, in the order of the key, that meet `condition`."""
    order = ", ".join(f"k_{alias}" for alias in key)
    sides = [", ".join(f"{side}_{pair.alias}" for pair in pairs) for side in "ba"]
    rows = connection.execute(
        f"SELECT bp, ap, {', '.join(sides)} FROM {_DIFFERING} WHERE {condition} ORDER BY {order} LIMIT {sample:d}"  # noqa: S608
    ).fetchall()
    aliases = [pair.alias for pair in pairs]
    return [
        (
            dict(zip(aliases, values[: len(pairs)], strict=True)) if is_before else None,
            dict(zip(aliases, values[len(pairs) :], strict=True)) if is_after else None,
        )
        for is_before, is_after, *values in rows
    ]
