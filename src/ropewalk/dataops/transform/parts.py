"""Building a partitioned table, by SQL or by a step: only the intervals whose own inputs changed, the others kept."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from blake3 import blake3

from ropewalk.dataops.lake import (
    STAGE,
    Lake,
    LakeTransaction,
    TableDigest,
    TableName,
    holds_table,
    input_tables,
    open_lake,
    quote,
    read_columns,
    snapshot_of,
    table_of,
)
from ropewalk.dataops.transform.errors import InvalidSpan, TableFailed
from ropewalk.dataops.transform.intervals import (
    Cut,
    Label,
    batches,
    describe,
    find_cut,
    is_inside,
    sorted_labels,
    variables,
)
from ropewalk.dataops.transform.qualify import QualifiedSQL
from ropewalk.dataops.transform.values import Partition, TableSpec
from ropewalk.errors import Place, nearest
from ropewalk.pipeline import JSON, Output, Probe, Task, Workspace, current_records

BOOK = "intervals"
BOOK_COLUMNS = "table_name VARCHAR, label VARCHAR, key VARCHAR"
# The lake's books of tables that are built in parts, with their columns.
BOOKS_OF_PARTS = {BOOK: BOOK_COLUMNS}
INTERVALS, COMPLETE = "intervals", "none missing"


@dataclass(frozen=True)
class Base:
    """The table as the environment has it: its snapshot, its digest, and the key of each of its intervals."""

    snapshot: int
    digest: str
    keys: Mapping[Label, str]


@dataclass(frozen=True)
class Parted:
    """A table that is built in parts.

    Attributes:
        table: its name.
        partition: how it is cut.
        place: where that is said.
        definition: what else decides about the rows of each interval.
        maker: what makes its rows, as messages call it.
    """

    table: str
    partition: Partition
    place: Place
    definition: Sequence[JSON]
    maker: str = "SELECT"

    def keys(self, contents: Mapping[Label, Sequence[JSON]]) -> dict[Label, str]:
        """Return the key of each interval whose inputs are `contents`."""
        return {label: _digest([*self.definition, *content]) for label, content in contents.items()}


@dataclass(frozen=True)
class Parts:
    """What a build does to which intervals.

    Attributes:
        contents: how the partition is called, all of the inputs that are not cut, and its part of the others,
            by the interval.
        keys: the key that each interval of the inputs has now.
        cuts: how each input that has the column is cut.
        base: what is there, if anything is.
        kept: intervals that are there under their key.
        computed: those to be computed now.
        missing: those that are neither, as they lie outside of what was asked for.
    """

    contents: Mapping[Label, Sequence[JSON]]
    keys: Mapping[Label, str]
    cuts: Mapping[str, Cut]
    base: Base | None
    kept: frozenset[Label]
    computed: frozenset[Label]
    missing: frozenset[Label]

    @property
    def gone(self) -> set[Label]:
        """The intervals whose rows of before do not stay."""
        return ({*self.base.keys} if self.base else set()) - self.kept

    def summary(self) -> dict[str, JSON]:
        """Return how many there are, were computed and are missing."""
        return {"total": len(self.keys), "computed": len(self.computed), "missing": len(self.missing)}

    def observed(self) -> dict[str, str]:
        """Return what decides beside the inputs which rows there are: which intervals were left out."""
        if not self.missing:
            return {INTERVALS: COMPLETE}
        # The digest tells which; naming them would make the reason to run again too long to read.
        there = _digest(sorted_labels(self.kept | self.computed))
        return {INTERVALS: f"{len(self.missing)} missing ({there[:8]})"}


def probe_parts(workspace: Workspace, last: Output | None) -> Probe:
    """Return which intervals are to be there after a run: all, or those of the span that was asked for.

    Raises:
        InvalidSpan: the span is not two times.
    """
    complete = Probe({INTERVALS: COMPLETE})
    counts = last.summary.get("intervals") if last else None
    is_complete = isinstance(counts, dict) and counts.get("missing") == 0
    if workspace.interval is None or is_complete:
        return complete
    span = read_span(workspace.interval)
    # What is there already stays, so that it decides with the span, to the second, what there will be.
    there = _digest([last.reference if last else None, *map(str, span)])
    return Probe({INTERVALS: f"{_short(span[0])}..{_short(span[1])} ({there[:8]})"})


def _short(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}" if moment.time() == time.min else f"{moment:%Y-%m-%dT%H:%M}"


def parted_table(task: Task, spec: TableSpec, partition: Partition) -> Parted:
    """Return how a table of SQL is built in parts."""
    # Not the contract: it is held against the whole table, and a stricter one computes no rows again.
    definition = [task.node.facts["sql"]]
    return Parted(spec.table, partition, Place(spec.path, partition.line), definition)


def plan_parts(task: Task, parted: Parted) -> Parts:
    """Return which intervals the inputs have, and what is to be done to each.

    Raises:
        TableFailed: no input has the column.
        InvalidSpan: the span that was asked for is not two times.
    """
    lake, tables = open_lake(task.workspace), input_tables(task)
    partition = parted.partition
    cuts = _cuts(lake, tables, parted)
    digests = {table: lake.digest_groups(table, tables[table], cut.label) for table, cut in cuts.items()}
    contents = _contents(task, partition, digests)
    keys = parted.keys(contents)
    base = _base(task, lake, parted)
    there = base.keys if base else {}
    span = read_span(task.workspace.interval) if task.workspace.interval else None
    kept = frozenset(label for label, key in keys.items() if there.get(label) == key)
    computed = frozenset(label for label in keys.keys() - kept if is_inside(partition, label, span))
    return Parts(contents, keys, cuts, base, kept, computed, frozenset(keys.keys() - kept - computed))


def build_parts(
    transaction: LakeTransaction, parts: Parts, select: QualifiedSQL, spec: TableSpec, task: Task
) -> TableDigest:
    """Compute what is to be computed, and put it in the place of what does not stay.

    Raises:
        TableFailed: the rows lack the column, or belong to other intervals than were computed.
        InvalidQuery, TableMissing: the SELECT cannot be computed.
    """
    partition = spec.sql.partition
    assert partition is not None
    parted = parted_table(task, spec, partition)
    # Of nothing there is still a table, with the columns that the SELECT has.
    groups = list(batches(partition, parts.computed, parts.keys.keys())) or [[]]
    for number, labels in enumerate(groups):
        task.report(number, len(groups), f"computing {describe(labels, labels)}" if labels else "computing")
        transaction.connection.execute(variables(partition, labels))
        transaction.stage(select.text, Place(spec.path, 1, 1), is_more=number > 0)
    # The contract's rules, which come next, read the inputs whole.
    transaction.connection.execute("SET VARIABLE ropewalk_all = true")
    return keep_parts(transaction, parts, parted, task)


def keep_parts(transaction: LakeTransaction, parts: Parts, parted: Parted, task: Task) -> TableDigest:
    """Put the computed rows, which are laid aside, in the place of those that do not stay.

    Raises:
        TableFailed: the rows lack the column, or belong to other intervals than were computed.
    """
    cut = _own_cut(transaction, parted)
    _refuse_strays(transaction, parts, cut, parted)
    made = _publish(transaction, parts, cut, parted.table, task)
    transaction.open_book(BOOK, BOOK_COLUMNS)
    # A step may have shown only now what it reads beside its inputs.
    keys = parted.keys(parts.contents)
    rows = [(parted.table, label, keys[label]) for label in sorted_labels(parts.kept | parts.computed)]
    transaction.rewrite_book(BOOK, parted.table, rows)
    return made


def _publish(transaction: LakeTransaction, parts: Parts, cut: Cut, table: str, task: Task) -> TableDigest:
    """Bring the computed rows, which are laid aside, together with those that stay."""
    base = parts.base
    if base is None or not parts.kept:
        return transaction.publish(table)
    # The head may be another environment's version; then the rows that stay are those of ours.
    head = transaction.read_book("builds", task.node.id)
    if head and head[0][2] == base.digest and transaction.columns(table) is not None:
        return transaction.patch(table, cut.among(parts.gone | parts.computed))
    columns = ", ".join(quote(column.name) for column in read_columns(transaction.connection, STAGE))
    relation = TableName.parse(table).at(base.snapshot)
    kept = f"SELECT {columns} FROM {relation} WHERE {cut.among(parts.kept)}"  # quoted names
    transaction.stage(kept, is_more=True)
    return transaction.publish(table)


def _cuts(lake: Lake, tables: Mapping[str, int], parted: Parted) -> dict[str, Cut]:
    columns = {table: lake.columns_at(table, snapshot) for table, snapshot in tables.items()}
    found = {table: cut for table in tables if (cut := find_cut(parted.partition, columns[table]))}
    if not found:
        raise _uncut({column.name for listed in columns.values() for column in listed}, parted)
    return found


def _uncut(names: Collection[str], parted: Parted) -> TableFailed:
    """Return why no input can be cut: the column is in none of them, or has no times where it is."""
    partition = parted.partition
    has_it = partition.column.lower() in {name.lower() for name in names}
    return TableFailed(
        f"no table that {parted.table} reads has times in a column {partition.column!r}"
        if has_it
        else f"no table that {parted.table} reads has a column {partition.column!r} to partition by",
        place=parted.place,
        nearest=None if has_it else nearest(partition.column, names),
        hint="cast it where the table is made, or partition by key" if has_it else None,
    )


def _contents(
    task: Task, partition: Partition, digests: Mapping[str, Mapping[Label, str]]
) -> dict[Label, Sequence[JSON]]:
    """Return what the rows of each interval are made of: its part of each input, and all of the others."""
    whole: dict[str, JSON] = {
        name: output.digest
        for name, output in task.inputs.items()
        if table_of(task.input_ids[name]) not in digests
    }
    labels = {label for found in digests.values() for label in found}
    return {
        label: [str(partition), whole, {table: found.get(label) for table, found in digests.items()}]
        for label in labels
    }


def _digest(content: object) -> str:
    return blake3(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _base(task: Task, lake: Lake, parted: Parted) -> Base | None:
    """Return the table as the environment has it, if that was built in parts and is still there."""
    record = current_records(task.workspace).get(task.node.id)
    snapshot = snapshot_of(record.output) if record else None
    if record is None or snapshot is None or "intervals" not in record.output.summary:
        return None
    if not holds_table(task.node, record.task_key, record.output, task.workspace):
        return None
    rows = lake.read_book(BOOK, parted.table, snapshot)
    keys = {None if label is None else str(label): str(key) for _, label, key in rows}
    return Base(snapshot, record.output.digest, keys)


def _own_cut(transaction: LakeTransaction, parted: Parted) -> Cut:
    partition = parted.partition
    columns = read_columns(transaction.connection, STAGE)
    cut = find_cut(partition, columns)
    if cut is None:
        raise TableFailed(
            f"{parted.table} is partitioned by {partition}, and its {parted.maker} gives no such column",
            place=parted.place,
            nearest=nearest(partition.column, [column.name for column in columns]),
            hint="keep the column, so that each row tells its interval",
        )
    return cut


def _refuse_strays(transaction: LakeTransaction, parts: Parts, cut: Cut, parted: Parted) -> None:
    """Refuse rows that would be left behind when the interval they are in is computed again."""
    sql = f"SELECT {cut.label} FROM {STAGE} WHERE NOT {cut.among(parts.computed)} LIMIT 1"  # quoted names
    row = transaction.connection.execute(sql).fetchone()
    if row is not None:
        raise TableFailed(
            f"{parted.table} has rows of the interval {row[0]}, which its inputs do not have or was not computed",
            place=parted.place,
            hint=f"rows keep the {cut.partition.column} of the rows they are made of; "
            "a table that looks across intervals is not partitioned",
        )


def read_span(interval: tuple[str, str]) -> tuple[datetime, datetime]:
    """Return beginning and end of an interval as UTC times without a zone.

    Raises:
        InvalidSpan: one of them is no time, or the end is not behind the beginning.
    """
    start, end = (_moment(text) for text in interval)
    if start >= end:
        raise InvalidSpan(
            f"from {interval[0]} to {interval[1]} there is no time: the end is not part of it",
            hint="give a beginning that is before the end",
        )
    return start, end


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
    # In UTC the first and the last hours of the calendar may lie outside it.
    except (ValueError, OverflowError) as error:
        raise InvalidSpan(f"{text!r} is no time", hint="such as 2026-01-31 or 2026-01-31T06:00") from error
