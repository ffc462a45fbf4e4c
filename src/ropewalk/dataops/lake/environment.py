"""The tables of an environment: which snapshot of each its pointers name, and reading them there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import duckdb

from ropewalk.dataops.lake.asking import Asking, QueryResult
from ropewalk.dataops.lake.errors import TableMissing, translate_error
from ropewalk.dataops.lake.masks import QUARANTINE, Masks
from ropewalk.dataops.lake.moments import moment_tables
from ropewalk.dataops.lake.names import TableName
from ropewalk.dataops.lake.opening import open_lake
from ropewalk.dataops.lake.scope import open_scope
from ropewalk.dataops.lake.tables import TableInfo
from ropewalk.errors import nearest
from ropewalk.pipeline import Node, Output, Task, Workspace, current_records
from ropewalk.store.environments import list_environments, pointers

# The schema in which the tables of each kind of node stand; a table's node is named as the table is.
SCHEMAS = {"source": "raw.", "step": "steps.", "table": ""}


def table_of(node_id: str) -> str | None:
    """Return the table that a node makes, or would make if it makes one; None for kinds that never do."""
    kind, _, name = node_id.partition(":")
    return f"{SCHEMAS[kind]}{name}".lower() if kind in SCHEMAS else None


def snapshot_of(output: Output) -> int | None:
    """Return the lake's snapshot that `output` is in, or None when it is no table."""
    kind, _, number = output.reference.partition(":")
    return int(number) if kind == "snapshot" and number.isdecimal() else None


def holds_table(node: Node, key: str, output: Output, workspace: Workspace) -> bool:
    """Return whether the lake still has the snapshot that `output` names, and made it for `node` under `key`."""
    snapshot = snapshot_of(output)
    return snapshot is not None and open_lake(workspace).holds(node.id, key, output.digest, snapshot)


def input_tables(task: Task) -> dict[str, int]:
    """Return each table that the task needs, at the snapshot that its key was computed from."""
    found = {table_of(task.input_ids[name]): snapshot_of(output) for name, output in task.inputs.items()}
    return {table: snapshot for table, snapshot in found.items() if table and snapshot is not None}


def environment_tables(workspace: Workspace) -> dict[str, int]:
    """Return the snapshot of each table in the workspace's environment, by the table's name."""
    found: dict[str, int] = {}
    for node_id, record in current_records(workspace).items():
        table, snapshot = table_of(node_id), snapshot_of(record.output)
        if table is not None and snapshot is not None:
            found[table] = snapshot
    return found


def environment_contents(workspace: Workspace) -> dict[str, dict[str, tuple[int, str]]]:
    """Return snapshot and digest of each table that each environment has, by the environment's name."""
    return {
        environment.name: {
            table: (snapshot, record.output.digest)
            for node, record in current_records(workspace, environment.name).items()
            if (table := table_of(node)) and (snapshot := snapshot_of(record.output)) is not None
        }
        for environment in list_environments(workspace.database)
    }


def list_environment_tables(workspace: Workspace) -> list[TableInfo]:
    """Return every table as the environment has it, and those that no node makes as they are now."""
    lake, tables = open_lake(workspace), _with_quarantine(environment_tables(workspace))
    made = _with_quarantine({table: 0 for table in map(table_of, _all_nodes(workspace)) if table})
    others = [info for info in lake.tables() if f"{info.schema}.{info.name}".lower() not in {*made, *tables}]
    found = [*lake.tables_at(tables), *others]
    return sorted(found, key=lambda info: (info.schema, info.name))


@contextmanager
def open_environment(
    workspace: Workspace, tables: Collection[str] | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection on which `schema.table` means each table (or those of `tables`) as the environment has it.

    Raises:
        TableMissing, SnapshotMissing: the lake does not have what the environment names.
    """
    wanted = {
        TableName.parse(table): snapshot
        for table, snapshot in environment_tables(workspace).items()
        if tables is None or table in tables
    }
    try:
        with open_lake(workspace).cursor() as connection, open_scope(connection, wanted):
            yield connection
    except duckdb.Error as error:
        raise translate_error(error, tuple(map(str, wanted))) from error


def query_environment(
    workspace: Workspace, sql: str, limit: int = 1000, timeout_s: float = 30.0, *, masks: Masks | None = None
) -> QueryResult:
    """Return up to `limit` rows of one SELECT over the environment's tables, with `masks` on personal columns.

    Raises:
        TableMissing: a table is not in the environment; the hint says in which it is.
        RopewalkError: as `Lake.query` says.
    """
    return ask_environment(workspace, sql, Asking(limit, timeout_s), masks=masks)


def ask_environment(
    workspace: Workspace, sql: str, asking: Asking, *, masks: Masks | None = None, at: str | None = None
) -> QueryResult:
    """Return what one SELECT over the environment's tables finds, within the limits and in the form of `asking`.

    With `at`, a pin, a snapshot's number or a time, it is asked of all tables as they were then.

    Raises:
        InvalidSnapshot: `at` is none of the three.
        RopewalkError: as `query_environment` says.
    """
    if at is not None:
        tables = {name.lower(): number for name, number in moment_tables(open_lake(workspace), at).items()}
        return open_lake(workspace).ask(sql, asking, tables, partial(_refuse_later, at, tables), masks)
    tables = _with_quarantine(environment_tables(workspace))
    refuse = partial(_refuse_foreign, workspace, tables)
    return open_lake(workspace).ask(sql, asking, tables, refuse, masks)


def _with_quarantine(tables: Mapping[str, int]) -> dict[str, int]:
    """Return `tables`, and where the rows lie that sources brought and that did not fit: at the same snapshots."""
    raw = SCHEMAS["source"]
    beside = {f"{QUARANTINE}.{t.removeprefix(raw)}": at for t, at in tables.items() if t.startswith(raw)}
    return {**tables, **beside}


def _refuse_later(at: str, tables: Mapping[str, int], table: str) -> None:
    """Raise when something is asked for that there was not at `at`: it does not mean what there is now.

    Raises:
        TableMissing: always.
    """
    hint = "`ropewalk lake snapshots` says what changed when"
    raise TableMissing(f"there is no table {table!r} at {at}", nearest=nearest(table, tables), hint=hint)


def _all_nodes(workspace: Workspace) -> Mapping[str, list[str]]:
    """Return the environments that have each node that any has."""
    found: dict[str, list[str]] = {}
    for environment in list_environments(workspace.database):
        for node_id in pointers(workspace.database, environment.name):
            found.setdefault(node_id, []).append(environment.name)
    return found


def _refuse_foreign(workspace: Workspace, tables: Mapping[str, int], table: str) -> None:
    """Raise when `table`, which the environment does not have, is one that environments have.

    Raises:
        TableMissing: another environment has it.
    """
    places = [
        name
        for node, names in _all_nodes(workspace).items()
        if table in _with_quarantine({table_of(node) or "": 0})
        for name in names
    ]
    others = sorted({*places} - {workspace.settings.environment})
    if table in tables or not others:
        return
    raise TableMissing(
        f"environment {workspace.settings.environment!r} has no table {table!r}",
        hint=f"`ropewalk run` makes it here; {', '.join(map(repr, others))} has it (--environment {others[0]})",
    )
