"""Comparing one table: which way is taken, and what is told of it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from ropewalk.dataops.diff.by_changes import compare_changes
from ropewalk.dataops.diff.by_content import compare_by_content
from ropewalk.dataops.diff.by_key import Counted, Sides, compare_by_key
from ropewalk.dataops.diff.figures import read_figures
from ropewalk.dataops.diff.keys import Declared
from ropewalk.dataops.diff.pairs import Pair, pair_columns, schema_changes
from ropewalk.dataops.diff.sides import Held
from ropewalk.dataops.diff.values import (
    ColumnDiff,
    Figures,
    Method,
    Row,
    SampleRow,
    TableDiff,
    Version,
)
from ropewalk.dataops.lake import Changes, Lake, TableInfo, TableMissing, TableName, translate_error
from ropewalk.pipeline import JSON

MASKED = "***"
# From this share of rows on, what came and went can move the figures of columns in which no value was changed.
MOVED_SHARE = 0.01
# And a column in which no value was changed is told of when its mean moved by this share, or its missing values.
MOVED_MEAN = 0.01
MOVED_MISSING = 0.005


@dataclass(frozen=True)
class _Work:
    """One table to compare, with what is needed for it."""

    lake: Lake
    name: TableName
    before: TableInfo
    after: TableInfo
    snapshots: tuple[int, int]
    pairs: tuple[Pair, ...]
    key: tuple[Pair, ...]
    sample: int
    # What is said of rows that no key tells apart.
    without_key: str

    @property
    def aliases(self) -> tuple[str, ...]:
        """The key's columns as SQL calls them here."""
        return tuple(pair.alias for pair in self.key)

    def sides(self) -> Sides:
        """Return both versions of the whole table, with the columns they share."""
        old = ", ".join(pair.read(pair.old) for pair in self.pairs)
        new = ", ".join(pair.read(pair.new) for pair in self.pairs)
        before, after = (self.name.at(snapshot) for snapshot in self.snapshots)
        return Sides(
            f"(SELECT {old} FROM {before})",  # noqa: S608  # quoted names
            f"(SELECT {new} FROM {after})",  # noqa: S608  # as above
            self.before.rows,
            self.after.rows,
        )


def diff_table(
    lake: Lake, table: str, held: tuple[Held | None, Held | None], declared: Declared, sample: int
) -> TableDiff:
    """Return how `table` differs between the two places where it is held; at least one of them has it.

    Raises:
        TableMissing: the lake has it at neither of the two.
    """
    before, after = (_info(lake, table, item) for item in held)
    old, new = (_version(info, item) for info, item in zip((before, after), held, strict=True))
    name = _spelled(before or after, table)
    if before is None or after is None or old is None or new is None:
        return _one_sided(name, before, after, (old, new))
    pairs = pair_columns(before.columns, after.columns)
    wanted = declared.keys.get(table, ())
    key = _key_pairs(wanted, pairs)
    without = f"not both versions have the key {', '.join(wanted)}" if wanted else "no key is declared"
    versions = (old.snapshot, new.snapshot)
    work = _Work(lake, TableName.parse(table), before, after, versions, pairs, key, sample, without)
    masked = declared.hidden(table, [*before.columns, *after.columns])
    return replace(_compared(work, masked), table=name, before=old, after=new)


def _compared(work: _Work, masked: Collection[str]) -> TableDiff:
    """Return what differs between the two versions, with no value of the columns `masked`."""
    method, counted, notes = _count(work)
    schema = schema_changes(work.before.columns, work.after.columns)
    differs = counted.added or counted.removed or counted.changed or schema
    return TableDiff(
        table=str(work.name),
        state="changed" if differs else "same",
        method=method,
        key=tuple(pair.name for pair in work.key) if method in ("key", "changes") else (),
        added=counted.added,
        removed=counted.removed,
        changed=counted.changed,
        schema=schema,
        columns=_columns(work, counted, masked),
        sample=_shown(counted, work.pairs, masked),
        masked=tuple(pair.name for pair in work.pairs if pair.name.lower() in masked),
        notes=notes,
    )


def _info(lake: Lake, table: str, held: Held | None) -> TableInfo | None:
    found = lake.tables_at({table: held.snapshot}) if held else []
    return found[0] if found else None


def _version(info: TableInfo | None, held: Held | None) -> Version | None:
    return Version(held.snapshot, info.rows) if info and held else None


def _spelled(info: TableInfo | None, table: str) -> str:
    return f"{info.schema}.{info.name}" if info else table


def _one_sided(
    name: str,
    before: TableInfo | None,
    after: TableInfo | None,
    versions: tuple[Version | None, Version | None],
) -> TableDiff:
    if before is None and after is None:
        # Both point at what the lake has lost; `ropewalk run` makes it anew.
        raise TableMissing(f"the lake has {name!r} at neither of the two snapshots")
    schema = schema_changes(before.columns if before else (), after.columns if after else ())
    return TableDiff(
        table=name,
        state="removed" if after is None else "added",
        before=versions[0],
        after=versions[1],
        added=after.rows if after else 0,
        removed=before.rows if before else 0,
        schema=schema,
    )


def _key_pairs(key: Sequence[str], pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """Return the key's columns; none when one of the versions lacks one of them."""
    by_name = {pair.name.lower(): pair for pair in pairs}
    found = tuple(by_name[name.lower()] for name in key if name.lower() in by_name)
    return found if len(found) == len(key) else ()


def _count(work: _Work) -> tuple[Method, Counted, tuple[str, ...]]:
    """Return how the rows were told apart, what was counted, and what is to be said about it."""
    if not work.pairs:
        return "rows", Counted(work.after.rows, work.before.rows, None), ("the versions share no column",)
    with work.lake.cursor() as connection:
        try:
            return _count_on(connection, work)
        except duckdb.Error as error:
            raise translate_error(error) from error


def _count_on(connection: duckdb.DuckDBPyConnection, work: _Work) -> tuple[Method, Counted, tuple[str, ...]]:
    changes = _changes(work)
    if changes is not None:
        counted = compare_changes(connection, changes, work.pairs, work.aliases, work.sample)
        return "changes", _turned(counted) if _is_backwards(work) else counted, ()
    if work.key:
        found = compare_by_key(connection, work.sides(), work.pairs, work.aliases, work.sample)
        if found is not None:
            return "key", found, ()
    counted = compare_by_content(connection, work.sides(), work.pairs, work.sample)
    names = ", ".join(pair.name for pair in work.key)
    why = f"{names} does not identify rows" if names else work.without_key
    return "rows", counted, (f"{why}: a changed row counts as one removed and one added",)


def _changes(work: _Work) -> Changes | None:
    """Return the lake's own record of changes, from the earlier to the later snapshot, where it is short."""
    since, until = sorted(work.snapshots)
    # A column that one version lacks, or has with another type, is in the record in one form only.
    if work.before.columns != work.after.columns:
        return None
    try:
        follows = work.lake.can_follow(str(work.name), since, until)
        return work.lake.changes(str(work.name), since, until) if follows else None
    except TableMissing:
        # A view has rows and no record of them.
        return None


def _is_backwards(work: _Work) -> bool:
    return work.snapshots[0] > work.snapshots[1]


def _turned(counted: Counted) -> Counted:
    return replace(
        counted,
        added=counted.removed,
        removed=counted.added,
        sample=[(after, before) for before, after in counted.sample],
    )


def _columns(work: _Work, counted: Counted, masked: Collection[str]) -> tuple[ColumnDiff, ...]:
    """Return the columns that differ: in rows that both versions have, or in what they are like as a whole."""
    looked_at = _looked_at(work, counted)
    before, after = _figures(work, looked_at)
    found = [
        ColumnDiff(pair.name, pair.new.type, *_change(counted, pair), before=old, after=new)
        for pair, old, new in zip(looked_at, before, after, strict=True)
    ]
    key = {pair.name for pair in work.key}
    return tuple(
        _without_values(column) if column.name.lower() in masked else column
        for column in found
        if column.changed or _has_moved(column, key)
    )


def _looked_at(work: _Work, counted: Counted) -> list[Pair]:
    """Return the columns whose figures are worth their time: those with changes, or all when many rows came or went."""
    rows = max(work.before.rows, work.after.rows, 1)
    has_moved = (counted.added + counted.removed) / rows >= MOVED_SHARE
    changed = {alias for alias, (count, _) in counted.columns.items() if count}
    return [pair for pair in work.pairs if has_moved or pair.alias in changed]


def _has_moved(column: ColumnDiff, key: Collection[str]) -> bool:
    """Return whether a column in which no value was changed is another one as a whole."""
    old, new = column.before, column.after
    # What identifies rows moves with every row that comes; that says nothing.
    if old is None or new is None or column.name in key:
        return False
    if abs(old.null_share - new.null_share) >= MOVED_MISSING or (old.mean is None) != (new.mean is None):
        return True
    if old.mean is None or new.mean is None:
        return False
    return abs(old.mean - new.mean) > MOVED_MEAN * max(abs(old.mean), abs(new.mean))


def _without_values(column: ColumnDiff) -> ColumnDiff:
    """Return what may be said of a column whose values are hidden: means and greatest changes are made of values."""
    shown = [figures and replace(figures, mean=None) for figures in (column.before, column.after)]
    return replace(column, largest=None, before=shown[0], after=shown[1])


def _change(counted: Counted, pair: Pair) -> tuple[int | None, float | None]:
    if counted.changed is None:
        return None, None
    return counted.columns.get(pair.alias, (0, None))


def _figures(work: _Work, pairs: Sequence[Pair]) -> tuple[list[Figures], list[Figures]]:
    before, after = (work.name.at(snapshot) for snapshot in work.snapshots)
    with work.lake.cursor() as connection:
        return (
            read_figures(connection, before, [pair.old for pair in pairs], work.before.rows),
            read_figures(connection, after, [pair.new for pair in pairs], work.after.rows),
        )


def _shown(counted: Counted, pairs: Sequence[Pair], masked: Collection[str]) -> tuple[SampleRow, ...]:
    return tuple(
        _sample_row(_row(before, pairs, masked), _row(after, pairs, masked))
        for before, after in counted.sample
    )


def _sample_row(before: Row | None, after: Row | None) -> SampleRow:
    if before is None:
        return SampleRow("added", None, after)
    return SampleRow("removed" if after is None else "changed", before, after)


def _row(values: Mapping[str, object] | None, pairs: Sequence[Pair], masked: Collection[str]) -> Row | None:
    if values is None:
        return None
    return {
        pair.name: _plain(values[pair.alias])
        if pair.name.lower() not in masked
        else _hidden(values[pair.alias])
        for pair in pairs
    }


def _hidden(value: object) -> JSON:
    # That nothing is there is told: whether a value is missing is not whose it is.
    return None if value is None else MASKED


def _plain(value: object) -> JSON:
    # JSON has no word for what is no number.
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
