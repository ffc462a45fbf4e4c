"""Comparing two relations without a key: equal rows cancel each other out, what is left came or went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from ropewalk.dataops.diff.by_key import Counted, Sides
from ropewalk.dataops.diff.pairs import Pair


def compare_by_content(
    connection: duckdb.DuckDBPyConnection, sides: Sides, pairs: Sequence[Pair], sample: int
) -> Counted:
    """Return how many rows came and went, equal rows counted as often as they stand there.

    Rows are compared by a hash of 64 bits over all columns of `pairs`: among ten million rows one pair that
    differs is taken for equal about once in a hundred thousand comparisons.
    """
    hashed = f"hash({', '.join(pair.comparable for pair in pairs)})"
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE ropewalk_differing AS "  # noqa: S608  # aliases of ours
        f"SELECT h, sum(s)::BIGINT AS n FROM (SELECT {hashed} AS h, 1::TINYINT AS s FROM {sides.after} "
        f"UNION ALL SELECT {hashed}, (-1)::TINYINT FROM {sides.before}) GROUP BY h HAVING sum(s) <> 0"
    )
    found = connection.execute(
        "SELECT coalesce(sum(n) FILTER (n > 0), 0), coalesce(-sum(n) FILTER (n < 0), 0) FROM ropewalk_differing"
    ).fetchone()
    assert found is not None
    added, removed = (int(count) for count in found)
    rows = [(None, row) for row in _sample(connection, sides.after, hashed, "n > 0", sample if added else 0)]
    gone = [
        (row, None) for row in _sample(connection, sides.before, hashed, "n < 0", sample if removed else 0)
    ]
    connection.execute("DROP TABLE ropewalk_differing")
    return Counted(added, removed, None, sample=[*rows, *gone])


def _sample(
    connection: duckdb.DuckDBPyConnection, relation: str, hashed: str, sign: str, sample: int
) -> list[Mapping[str, object]]:
    if not sample:
        return []
    differing = f"SELECT h FROM ropewalk_differing WHERE {sign}"  # noqa: S608  # a condition of ours
    cursor = connection.execute(
        f"SELECT * FROM {relation} WHERE {hashed} IN ({differing}) ORDER BY ALL LIMIT {sample:d}"  # noqa: S608  # aliases
    )
    names = [str(column[0]) for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
