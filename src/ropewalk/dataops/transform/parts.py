"""Building a partitioned table: only the intervals whose own inputs changed, the others kept as they were."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

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
INTERVALS, COMPLETE = "intervals", "none missing"


@dataclass(frozen=True)
class Base:
    """The table as the environment has it: its snapshot, its digest, and the key of each of its intervals."""

    snapshot: int
    digest: str
    keys: Mapping[Label, str]


@dataclass(frozen=True)
class Parts:
    """What a build does to which intervals.

    Attributes:
        keys: the key that each interval of the inputs has now.
        cuts: how each input that has the column is cut.
        base: what is there, if anything is.
        kept: intervals that are there under their key.
        computed: those to be computed now.
        missing: those that are neither, as they lie outside of what was asked for.
    """

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
    # What is there already stays, so that it decides with the span what there will be.
    there = last.reference if last else "nothing"
    return Probe({INTERVALS: f"{span[0]:%Y-%m-%dT%H:%M}..{span[1]:%Y-%m-%dT%H:%M}", "besides": there})


def plan_parts(task: Task, spec: TableSpec, partition: Partition) -> Parts:
    """Return which intervals the inputs have, and what is to be done to each.

    Raises:
        TableFailed: no input has the column.
        InvalidSpan: the span that was asked for is not two times.
    """
    lake, tables = open_lake(task.workspace), input_tables(task)
    cuts = _cuts(lake, tables, spec, partition)
    digests = {table: lake.digest_groups(table, tables[table], cut.label) for table, cut in cuts.items()}
    keys = _keys(task, partition, digests)
    base = _base(task, lake, spec)
    there = base.keys if base else {}
    span = read_span(task.workspace.interval) if task.workspace.interval else None
    kept = frozenset(label for label, key in keys.items() if there.get(label) == key)
    computed = frozenset(label for label in keys.keys() - kept if is_inside(partition, label, span))
    return Parts(keys, cuts, base, kept, computed, frozenset(keys.keys() - kept - computed))


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
    # Of nothing there is still a table, with the columns that the SELECT has.
    groups = list(batches(partition, parts.computed, parts.keys.keys())) or [[]]
    for number, labels in enumerate(groups):
        task.report(number, len(groups), f"computing {describe(labels, labels)}" if labels else "computing")
        transaction.connection.execute(variables(partition, labels))
        transaction.stage(select.text, Place(spec.path, 1, 1), is_more=number > 0)
    # The contract's rules, which come next, read the inputs whole.
    transaction.connection.execute("SET VARIABLE ropewalk_all = true")
    cut = _own_cut(transaction, spec, partition)
    _refuse_strays(transaction, parts, cut, spec)
    made = _publish(transaction, parts, cut, spec, task)
    transaction.open_book(BOOK, BOOK_COLUMNS)
    rows = [(spec.table, label, parts.keys[label]) for label in sorted_labels(parts.kept | parts.computed)]
    transaction.rewrite_book(BOOK, spec.table, rows)
    return made


def _publish(
    transaction: LakeTransaction, parts: Parts, cut: Cut, spec: TableSpec, task: Task
) -> TableDigest:
    """Bring the computed rows, which are laid aside, together with those that stay."""
    base = parts.base
    if base is None or not parts.kept:
        return transaction.publish(spec.table)
    # The head may be another environment's version; then the rows that stay are those of ours.
    head = transaction.read_book("builds", task.node.id)
    if head and head[0][2] == base.digest and transaction.columns(spec.table) is not None:
        return transaction.patch(spec.table, cut.among(parts.gone | parts.computed))
    columns = ", ".join(quote(column.name) for column in read_columns(transaction.connection, STAGE))
    relation = TableName.parse(spec.table).at(base.snapshot)
    kept = f"SELECT {columns} FROM {relation} WHERE {cut.among(parts.kept)}"  # quoted names
    transaction.stage(kept, is_more=True)
    return transaction.publish(spec.table)


def _cuts(lake: Lake, tables: Mapping[str, int], spec: TableSpec, partition: Partition) -> dict[str, Cut]:
    columns = {table: lake.columns_at(table, snapshot) for table, snapshot in tables.items()}
    found = {table: cut for table in tables if (cut := find_cut(partition, columns[table]))}
    if not found:
        raise _uncut({column.name for listed in columns.values() for column in listed}, spec, partition)
    return found


def _uncut(names: Collection[str], spec: TableSpec, partition: Partition) -> TableFailed:
    """Return why no input can be cut: the column is in none of them, or has no times where it is."""
    has_it = partition.column.lower() in {name.lower() for name in names}
    return TableFailed(
        f"no table that {spec.table} reads has times in a column {partition.column!r}"
        if has_it
        else f"no table that {spec.table} reads has a column {partition.column!r} to partition by",
        place=Place(spec.path, partition.line),
        nearest=None if has_it else nearest(partition.column, names),
        hint="cast it where the table is made, or partition by key" if has_it else None,
    )


def _keys(task: Task, partition: Partition, digests: Mapping[str, Mapping[Label, str]]) -> dict[Label, str]:
    """Return the key of each interval: the table's definition, its part of each input, and all of the others."""
    whole = {
        name: output.digest
        for name, output in task.inputs.items()
        if table_of(task.input_ids[name]) not in digests
    }
    # Not the contract: it is held against the whole table, and a stricter one computes no rows again.
    definition = [task.node.facts["sql"], str(partition), whole]
    labels = {label for found in digests.values() for label in found}
    return {
        label: _digest([*definition, {table: found.get(label) for table, found in digests.items()}])
        for label in labels
    }


def _digest(content: object) -> str:
    return blake3(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _base(task: Task, lake: Lake, spec: TableSpec) -> Base | None:
    """Return the table as the environment has it, if that was built in parts and is still there."""
    record = current_records(task.workspace).get(task.node.id)
    snapshot = snapshot_of(record.output) if record else None
    if record is None or snapshot is None or "intervals" not in record.output.summary:
        return None
    if not holds_table(task.node, record.task_key, record.output, task.workspace):
        return None
    rows = lake.read_book(BOOK, spec.table, snapshot)
    keys = {None if label is None else str(label): str(key) for _, label, key in rows}
    return Base(snapshot, record.output.digest, keys)


def _own_cut(transaction: LakeTransaction, spec: TableSpec, partition: Partition) -> Cut:
    columns = read_columns(transaction.connection, STAGE)
    cut = find_cut(partition, columns)
    if cut is None:
        raise TableFailed(
            f"{spec.table} is partitioned by {partition}, and its SELECT gives no such column",
            place=Place(spec.path, partition.line),
            nearest=nearest(partition.column, [column.name for column in columns]),
            hint="select the column, so that each row tells its interval",
        )
    return cut


def _refuse_strays(transaction: LakeTransaction, parts: Parts, cut: Cut, spec: TableSpec) -> None:
    """Refuse rows that would be left behind when the interval they are in is computed again."""
    sql = f"SELECT {cut.label} FROM {STAGE} WHERE NOT {cut.among(parts.computed)} LIMIT 1"  # quoted names
    row = transaction.connection.execute(sql).fetchone()
    if row is not None:
        raise TableFailed(
            f"{spec.table} has rows of the interval {row[0]}, which its inputs do not have or was not computed",
            place=Place(spec.path, cut.partition.line),
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
