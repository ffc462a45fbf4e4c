"""Intervals of a partitioned table: what to call them in SQL, which there are, and which of them to compute now."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from ropewalk.dataops.lake import Column, literal, quote
from ropewalk.dataops.transform.values import Partition

FORMATS = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "month": "%Y-%m"}
# Many intervals are computed by one statement, and a year of days still fits into memory.
MOST_AT_ONCE = 400
_ALL = "coalesce(CAST(getvariable('ropewalk_all') AS BOOLEAN), true)"
_NULL = "CAST(getvariable('ropewalk_null') AS BOOLEAN)"
# The last month of the calendar has no end that a date could hold.
_FIRST, _END = "TIMESTAMP '1000-01-01'", "TIMESTAMP '9999-12-01'"
# The name of an interval: its start, a value of the key, or None for rows without one.
Label = str | None


@dataclass(frozen=True)
class Cut:
    """How one table is cut into intervals: by a column of it."""

    partition: Partition
    column: Column

    @property
    def label(self) -> str:
        """The SQL expression for the name of a row's interval."""
        name = quote(self.column.name)
        if self.partition.by == "key":
            return f"CAST({name} AS VARCHAR)"
        # Infinity, and years of more digits than a date has, are no times that an interval could hold.
        moment = f"CAST({name} AS TIMESTAMP)"
        shown = f"strftime({moment}, {literal(FORMATS[self.partition.by])})"
        return f"CASE WHEN {moment} >= {_FIRST} AND {moment} < {_END} THEN {shown} END"

    @property
    def condition(self) -> str:
        """The SQL condition of the rows that the connection's variables ask for; all of them while none is set."""
        name, kind = quote(self.column.name), self.column.type
        rest = f"({_NULL} AND ({self.label}) IS NULL)"
        if self.partition.by == "key":
            keys = f"list_contains(CAST(getvariable('ropewalk_keys') AS VARCHAR[]), {self.label})"
            return f"{_ALL} OR {keys} OR {rest}"
        # In the column's own type, so that files without such rows are not even opened; but a day has no hours.
        limit = "TIMESTAMP" if kind == "DATE" and self.partition.by == "hour" else kind
        since = f"{name} >= CAST(getvariable('ropewalk_from') AS {limit})"
        return f"{_ALL} OR ({since} AND {name} < CAST(getvariable('ropewalk_until') AS {limit})) OR {rest}"

    def only(self, label: Label) -> str:
        """Return the SQL condition of the rows of one interval."""
        if label is None or self.partition.by == "key":
            return self.among([label])
        # In the column's own type, as above.
        kind = "TIMESTAMP" if self.column.type == "DATE" and self.partition.by == "hour" else self.column.type
        name, start, end = quote(self.column.name), _start(self.partition, label), _end(self.partition, label)
        since, until = (f"CAST(TIMESTAMP '{moment}' AS {kind})" for moment in (start, end))
        return f"({name} >= {since} AND {name} < {until})"

    def among(self, labels: Collection[Label]) -> str:
        """Return the SQL condition of the rows in any of these intervals."""
        named = ", ".join(literal(label) for label in sorted_labels(labels) if label is not None)
        parts = [f"({self.label}) IN ({named})"] if named else []
        parts += [f"({self.label}) IS NULL"] if None in labels else []
        return f"({' OR '.join(parts) or 'false'})"


def can_cut(partition: Partition, column: Column) -> bool:
    """Return whether the values of `column` have a place in intervals of `partition`."""
    return partition.by == "key" or column.type == "DATE" or column.type.startswith("TIMESTAMP")


def find_cut(partition: Partition, columns: Sequence[Column]) -> Cut | None:
    """Return how a table with `columns` is cut, or None when it lacks the column or has no times in it."""
    found = (column for column in columns if column.name.lower() == partition.column.lower())
    return next((Cut(partition, column) for column in found if can_cut(partition, column)), None)


def sorted_labels(labels: Collection[Label]) -> list[Label]:
    """Return the labels in order of time, or of their texts; that of rows without one comes last."""
    return [*sorted(label for label in labels if label is not None), *([None] if None in labels else [])]


def is_inside(partition: Partition, label: Label, span: tuple[datetime, datetime] | None) -> bool:
    """Return whether the interval starts within `span`, whose end is excluded; keys always do."""
    if span is None or partition.by == "key":
        return True
    # Rows without a time belong to no span; they are computed when all is.
    return label is not None and span[0] <= _start(partition, label) < span[1]


def batches(
    partition: Partition, wanted: Collection[Label], every: Collection[Label]
) -> Iterator[list[Label]]:
    """Yield the `wanted` intervals in groups that one statement computes: no other of `every` lies between them."""
    for labels in _runs(partition, wanted, every):
        for start in range(0, len(labels), MOST_AT_ONCE):
            yield labels[start : start + MOST_AT_ONCE]
    if None in wanted:
        yield [None]


def _runs(partition: Partition, wanted: Collection[Label], every: Collection[Label]) -> Iterator[list[Label]]:
    """Yield the named ones of `wanted` that follow each other among `every`; keys need not, they are listed."""
    order = [label for label in sorted_labels(every) if label is not None]
    # The distance between the place among all and that among the wanted grows with each gap.
    gaps = {label: index for index, label in enumerate(order)}
    known = enumerate(label for label in order if label in wanted)
    for _, run in groupby(known, lambda item: 0 if partition.by == "key" else gaps[item[1]] - item[0]):
        yield [label for _, label in run]


def variables(partition: Partition, labels: Sequence[Label]) -> str:
    """Return the SQL that makes `Cut.condition` mean these intervals, which follow each other."""
    known = [label for label in labels if label is not None]
    keys = ", ".join(map(literal, known)) if partition.by == "key" else ""
    start = end = "1970-01-01"
    if known and partition.by != "key":
        start, end = str(_start(partition, known[0])), str(_end(partition, known[-1]))
    return (
        "SET VARIABLE ropewalk_all = false;"
        f"SET VARIABLE ropewalk_null = {str(None in labels).lower()};"
        f"SET VARIABLE ropewalk_from = TIMESTAMP '{start}';"
        f"SET VARIABLE ropewalk_until = TIMESTAMP '{end}';"
        f"SET VARIABLE ropewalk_keys = CAST([{keys}] AS VARCHAR[])"
    )


def describe(labels: Collection[Label], every: Collection[Label]) -> str:
    """Return `labels` in words: the first and the last of each row of them without a gap among `every`."""
    order = sorted_labels(every)
    runs: list[list[Label]] = []
    for is_there, run in groupby(order, lambda label: label in labels):
        if is_there:
            runs.append(list(run))
    return ", ".join(f"{run[0]}..{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _start(partition: Partition, label: str) -> datetime:
    return datetime.strptime(label, FORMATS[partition.by])  # noqa: DTZ007  # the lake's times are UTC without saying so


def _end(partition: Partition, label: str) -> datetime:
    start = _start(partition, label)
    if partition.by == "month":
        return (start + timedelta(days=31)).replace(day=1)
    return start + (timedelta(hours=1) if partition.by == "hour" else timedelta(days=1))
