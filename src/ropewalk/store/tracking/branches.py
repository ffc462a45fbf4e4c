"""Runs by the branch and commit that their tags name."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ropewalk.store.connections import Connection

_AMONG = "IN (SELECT value FROM json_each(?))"


def runs_of_tags(
    connection: Connection, keys: Sequence[str], values: Sequence[str], limit: int, *, unless: str = ""
) -> list[int]:
    """Return the short numbers of active runs, newest first, that have one of the values under one of the keys.

    Those with a tag called `unless` are left out.
    """
    rows = connection.execute(
        "SELECT number FROM run WHERE stage = 'active'"  # noqa: S608
        f" AND number IN (SELECT run FROM run_tag WHERE key {_AMONG} AND value {_AMONG})"  # ours
        " AND number NOT IN (SELECT run FROM run_tag WHERE key = ?)"
        " ORDER BY started_at DESC, number DESC LIMIT ?",
        (json.dumps(list(keys)), json.dumps(list(values)), unless, limit),
    )
    return [row["number"] for row in rows]


def first_with_runs(connection: Connection, keys: Sequence[str], values: Sequence[str]) -> str | None:
    """Return the first of the values that some active run has under one of the keys."""
    rows = connection.execute(
        "SELECT DISTINCT value FROM run_tag JOIN run ON run.number = run_tag.run"  # noqa: S608
        f" WHERE stage = 'active' AND key {_AMONG} AND value {_AMONG}",  # ours
        (json.dumps(list(keys)), json.dumps(list(values))),
    )
    there = {row["value"] for row in rows}
    return next((value for value in values if value in there), None)


def branch_names(connection: Connection, keys: Sequence[str]) -> list[str]:
    """Return every value that active runs have under one of the keys, the most frequent first."""
    rows = connection.execute(
        "SELECT value, count(DISTINCT run) AS runs FROM run_tag JOIN run ON run.number = run_tag.run"  # noqa: S608
        f" WHERE stage = 'active' AND key {_AMONG} GROUP BY value ORDER BY runs DESC, value",  # ours
        (json.dumps(list(keys)),),
    )
    return [row["value"] for row in rows]


def tag_runs(connection: Connection, numbers: Sequence[int], key: str, value: str) -> None:
    """Set one tag of many runs."""
    connection.executemany(
        "INSERT INTO run_tag (run, key, value) VALUES (?, ?, ?)"
        " ON CONFLICT (run, key) DO UPDATE SET value = excluded.value",
        [(number, key, value) for number in numbers],
    )


def untag_runs(connection: Connection, numbers: Sequence[int], key: str) -> int:
    """Remove one tag of many runs and return how many had it."""
    done = connection.execute(
        f"DELETE FROM run_tag WHERE key = ? AND run {_AMONG}",  # noqa: S608  # ours
        (key, json.dumps(list(numbers))),
    )
    return done.rowcount
