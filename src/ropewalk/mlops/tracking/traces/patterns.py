"""Regular expressions in filters of traces, read by an engine that no pattern can slow down.

Python's and the databases' own engines take for ever on some patterns; DuckDB's (RE2) takes time by the length of the
text only. So the values that a condition is about are read, and those that match stand in its place.
"""

from __future__ import annotations

from dataclasses import replace

from ropewalk.mlops.tracking.errors import InvalidFilter
from ropewalk.store import Connection
from ropewalk.store.search import Condition
from ropewalk.store.tracking.traces_search import named_values

# As many different values as one condition looks through.
MOST_VALUES = 100_000


def without_patterns(connection: Connection, condition: Condition) -> Condition:
    """Return a condition that finds the same without a regular expression.

    Raises:
        InvalidFilter: the pattern is none, or there are too many values to look through.
    """
    if condition.operator != "RLIKE":
        return condition
    values = named_values(connection, condition, MOST_VALUES + 1)
    if len(values) > MOST_VALUES:
        raise InvalidFilter(
            f"{condition.entity} '{condition.key}' has more than {MOST_VALUES} different values, which is too many for"
            " RLIKE",
            hint="use LIKE",
        )
    return replace(condition, operator="IN", value=tuple(_matching(values, str(condition.value))))


def _matching(values: list[str], pattern: str) -> list[str]:
    # Only who asks for a pattern waits for the engine to load.
    import duckdb

    with duckdb.connect(":memory:") as engine:
        try:
            rows = engine.execute(
                "SELECT value FROM (SELECT unnest(?) AS value) WHERE regexp_matches(value, ?)",
                [values, pattern],
            ).fetchall()
        except duckdb.Error as error:
            raise InvalidFilter(f"Invalid regular expression {pattern[:80]!r}: {str(error)[:200]}") from None
    return [str(value) for (value,) in rows]
