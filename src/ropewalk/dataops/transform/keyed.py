"""Tables of kind incremental with a key: only rows whose keys the changes of an input touch are computed again.

Right before quick: whatever cannot be shown to give what computing all of it gives is computed whole, and the reason
is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ropewalk.dataops.lake import (
    STAGE,
    ChangesMissing,
    Column,
    Lake,
    LakeTransaction,
    SnapshotMissing,
    TableDigest,
    TableMissing,
    TableName,
    input_tables,
    open_lake,
    quote,
    read_columns,
    table_of,
)
from ropewalk.dataops.transform.errors import TableFailed
from ropewalk.dataops.transform.qualify import QualifiedSQL, narrow
from ropewalk.dataops.transform.standing import Standing, find_standing
from ropewalk.dataops.transform.values import TableSpec
from ropewalk.errors import Place, nearest
from ropewalk.pipeline import JSON, Task

if TYPE_CHECKING:
    import duckdb

AFFECTED = '"temp"."ropewalk_affected"'
KEYS = "ropewalk_keys"
NEW = "it is not there yet"
# Where more keys changed than this share of the table's rows, computing all of it reads less.
MOST = 0.5


class _Full(Exception):
    """Everything is computed; the message says why."""


@dataclass(frozen=True)
class Plan:
    """Which rows are computed again.

    Attributes:
        standing: the table as it is.
        driver: the input that changed, as the statement names it; None when none did.
        columns: the columns of it that are the key.
        changes: the SELECT of the rows of it that are not as they were; `ropewalk_keys` in it stands for the columns.
    """

    standing: Standing
    driver: str | None = None
    columns: tuple[str, ...] = ()
    changes: str = ""


@dataclass
class ByKey:
    """Key by key, where it can be shown to be right.

    Attributes:
        spec: the table.
        task: what is built.
        plan: what is to be computed, or None for everything.
        reason: why everything is.
    """

    spec: TableSpec
    task: Task
    plan: Plan | None
    reason: str | None
    where: Mapping[str, str] | None = None
    _told: dict[str, JSON] = field(default_factory=dict)

    def build(self, transaction: LakeTransaction, select: QualifiedSQL) -> TableDigest:
        """Compute the rows of the keys that are affected, and put them in the place of those of before."""
        if self.plan is not None:
            try:
                return self._build_affected(transaction, self.plan)
            except _Full as why:
                self.reason = str(why)
        self.task.report(0, None, f"computing all rows: {self.reason}")
        self._told = {"full": self.reason}
        transaction.stage(select.text, Place(self.spec.path, 1, 1))
        self._require_key(transaction)
        return transaction.publish(self.spec.table)

    def _build_affected(self, transaction: LakeTransaction, plan: Plan) -> TableDigest:
        connection, standing = transaction.connection, plan.standing
        was = TableName.parse(self.spec.table).at(standing.snapshot)
        count = _note_affected(connection, plan)
        self.task.report(0, None, f"computing the rows of {count:,} keys")
        if count and count > MOST * _count(connection.execute(f"SELECT count(*) FROM {was}").fetchone()):
            raise _Full(f"{count:,} keys changed, which are most")
        narrowed = narrow(self.spec, self.task.input_ids, plan.driver, _is_affected(connection, plan.columns))
        transaction.stage(narrowed, Place(self.spec.path, 1, 1))
        if read_columns(connection, STAGE) != read_columns(connection, was):
            raise _Full("its columns are others than they were")
        computed = _count(connection.execute(f"SELECT count(*) FROM {STAGE}").fetchone())
        self._told = {"keys": count, "rows": computed}
        made = self._publish(transaction, was, standing)
        connection.execute(f"DROP TABLE {AFFECTED}")
        return made

    def _publish(self, transaction: LakeTransaction, was: str, standing: Standing) -> TableDigest:
        columns = [column.name for column in read_columns(transaction.connection, STAGE)]
        own = {name.lower(): name for name in columns}
        gone = "false"
        if self.plan and self.plan.driver:
            gone = _is_affected(
                transaction.connection, [own[name.lower()] for name in self.spec.sql.header.key]
            )
        if standing.is_head(transaction, self.task):
            return transaction.patch(self.spec.table, gone)
        listed = ", ".join(map(quote, columns))
        transaction.stage(f"SELECT {listed} FROM {was} WHERE NOT ({gone})", is_more=True)
        return transaction.publish(self.spec.table)

    def _require_key(self, transaction: LakeTransaction) -> None:
        names = [column.name for column in read_columns(transaction.connection, STAGE)]
        for name in self.spec.sql.header.key:
            if name.lower() not in {found.lower() for found in names}:
                raise TableFailed(
                    f"{self.spec.table} has `key: {name}`, and its SELECT gives no such column",
                    place=Place(self.spec.path, self.spec.sql.header.lines.get("key")),
                    nearest=nearest(name, names),
                )

    def summary(self) -> dict[str, JSON]:
        """Return how many keys changed and how many rows were computed for them, or why all were."""
        is_new = self.plan is None and self.reason == NEW
        note = (
            {} if "full" not in self._told or is_new else {"note": f"all rows were computed: {self.reason}"}
        )
        return {"incremental": self._told, **note}

    def observed(self, made: TableDigest) -> dict[str, str] | None:  # the shape of every method
        """Return None: the rows are those that computing all of it gives."""
        return None


def plan_by_key(task: Task, spec: TableSpec) -> ByKey:
    """Return which keys of `spec` are to be computed again, or why all are."""
    try:
        return ByKey(spec, task, _plan(task, spec), None)
    except _Full as why:
        return ByKey(spec, task, None, str(why))


def _plan(task: Task, spec: TableSpec) -> Plan:
    """Return what is to be computed.

    Raises:
        _Full: everything.
    """
    standing = find_standing(task)
    if standing is None:
        raise _Full(NEW)
    _require_definition(task, standing)
    read = {reference.name for reference in spec.sql.references}
    changed = sorted(name for name in read if standing.inputs.get(name) != task.inputs[name].digest)
    if not changed:
        return Plan(standing)
    if len(changed) > 1:
        raise _Full(f"{' and '.join(changed)} changed, and only one of its inputs may")
    return _plan_for(task, spec, standing, changed[0])


def _require_definition(task: Task, standing: Standing) -> None:
    """Raise `_Full` when the rows that stand were made by another definition."""
    # A contract makes no rows; everything else in the definition does.
    for name in sorted({*standing.facts, *task.node.facts} - {"contract"}):
        if standing.facts.get(name) != task.node.facts.get(name):
            raise _Full(f"its {name} changed")


def _plan_for(task: Task, spec: TableSpec, standing: Standing, driver: str) -> Plan:
    # The parser is loaded by those who build such a table only.
    from ropewalk.dataops.transform.locality import NotLocal, find_local

    lake, tables = open_lake(task.workspace), input_tables(task)
    before = standing.snapshots.get(driver)
    table = table_of(task.input_ids[driver])
    if before is None or table is None:
        raise _Full(f"{driver} was no table before")
    names = {reference.name: table_of(task.input_ids[reference.name]) for reference in spec.sql.references}
    columns = {
        name: [column.name for column in lake.columns_at(found, tables[found])]
        for name, found in names.items()
        if found
    }
    try:
        local = find_local(spec.sql.statement, spec.sql.header.key, driver, columns)
    except NotLocal as why:
        raise _Full(str(why)) from why
    return Plan(standing, driver, local.columns, _changes(lake, table, before, tables[table]))


def _changes(lake: Lake, table: str, before: int, now: int) -> str:
    """Return the SELECT of the rows of `table` that went or came between two snapshots.

    Raises:
        _Full: they cannot be told.
    """
    name = TableName.parse(table)
    try:
        columns = lake.columns_at(table, now)
        if lake.columns_at(table, before) != columns:
            raise _Full(f"the columns of {table} changed")
    except (TableMissing, SnapshotMissing) as error:
        raise _Full(f"the {table} that it was made from is not in the lake any more") from error
    try:
        if lake.can_follow(table, before, now):
            return lake.changes(table, before, now).sql
    except (TableMissing, SnapshotMissing, ChangesMissing):
        # Views have no changes of their own, and other rows cannot be followed; both can be compared.
        pass
    return _difference(columns, name.at(before), name.at(now))


def _difference(columns: Sequence[Column], was: str, now: str) -> str:
    """Return the SELECT of the rows that one relation has more often than the other."""
    # By the hash of the row, as the table's digest is made: EXCEPT ALL in both directions costs three times as much.
    listed = ", ".join(quote(column.name) for column in columns)
    sides = (
        f"SELECT *, hash({listed}) AS ropewalk_hash, {sign} AS ropewalk_sign FROM {relation}"
        for sign, relation in ((1, now), (-1, was))
    )
    both = " UNION ALL ".join(sides)
    return f"SELECT {KEYS} FROM ({both}) GROUP BY {KEYS}, ropewalk_hash HAVING sum(ropewalk_sign) <> 0"


def _note_affected(connection: duckdb.DuckDBPyConnection, plan: Plan) -> int:
    """Lay the affected keys aside, and return how many there are."""
    changed = "SELECT 1 WHERE false"
    if plan.driver:
        listed = ", ".join(map(quote, plan.columns))
        named = ", ".join(f"{quote(name)} AS {_affected(number)}" for number, name in enumerate(plan.columns))
        rows = plan.changes.replace(KEYS, listed)
        changed = f"SELECT DISTINCT {named} FROM ({rows})"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE ropewalk_affected AS {changed}")
    return _count(connection.execute(f"SELECT count(*) FROM {AFFECTED}").fetchone())


def _is_affected(connection: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> str:
    """Return the condition of the rows whose `columns` are an affected key; NULL is a key like any other."""
    first = _affected(0)
    has_null = connection.execute(f"SELECT 1 FROM {AFFECTED} WHERE {first} IS NULL LIMIT 1").fetchone()
    if len(columns) == 1 and has_null is None:
        # The plainest form is the one whose values tell the engine which files to leave unopened.
        return f"{quote(columns[0])} IN (SELECT {first} FROM {AFFECTED})"
    same = " AND ".join(
        f"{_affected(number)} IS NOT DISTINCT FROM {quote(name)}" for number, name in enumerate(columns)
    )
    return f"EXISTS (SELECT 1 FROM {AFFECTED} WHERE {same})"


def _affected(number: int) -> str:
    return f"ropewalk_key_{number}"


def _count(row: tuple[object, ...] | None) -> int:
    return int(str(row[0])) if row else 0
