"""How far the columns of a window have moved from the training data: the population stability index (PSI)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ropewalk.devops.monitoring.profile import Profile, count_expressions, read_counts
from ropewalk.devops.monitoring.sql import Sources, drift_sql

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# An empty bin would make the index infinite; it counts as one row in ten thousand.
LEAST_SHARE = 1e-4


def stability_index(expected: Sequence[int], actual: Sequence[int]) -> float:
    """Return the PSI of two lists of counts over the same bins; 0 when either has no rows."""
    # Without rows there are no shares, and a difference to nothing is none.
    if not sum(expected) or not sum(actual):
        return 0.0
    return sum(
        (after - before) * math.log(after / before)
        for before, after in zip(_shares(expected), _shares(actual), strict=True)
    )


def drift_by_window(
    connection: DuckDBPyConnection, sources: Sources, profile: Profile, columns: Mapping[str, str]
) -> dict[str, dict[str, float]]:
    """Return window -> column -> PSI against `profile`, in one scan of the predictions.

    Args:
        connection: a connection to the lake.
        sources: where the predictions are and how they fall into windows.
        profile: what to compare with.
        columns: the columns that the predictions have; profiled ones that are not there are left out.
    """
    compared = [column for column in profile.columns if column.bins.column in columns]
    if not compared:
        return {}
    # The bins of the training data, not of the window: only counts over the same bins can be compared.
    bins = [column.bins for column in compared]
    rows = connection.execute(drift_sql(sources, count_expressions(bins))).fetchall()
    return {
        str(name): {
            column.bins.column: stability_index(column.counts, counts)
            for column, counts in zip(compared, read_counts(bins, row), strict=True)
        }
        for name, *row in rows
        # Predictions without a readable time are in no window; they are counted with the figures.
        if name is not None
    }


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts)
    return [max(count / total, LEAST_SHARE) for count in counts]
