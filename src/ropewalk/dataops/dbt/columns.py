"""Which columns the moved tables really have: dbt's YAML may describe some that no table has, and nobody notices there."""

from __future__ import annotations

from contextlib import suppress
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import duckdb
from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from ropewalk.dataops.dbt.manifest import Manifest
from ropewalk.dataops.dbt.moves import Import, Names
from ropewalk.dataops.dbt.sql import ENGINE
from ropewalk.dataops.lake import TableName, literal, quote, read_columns

HISTORY = ("valid_from", "valid_to", "is_current")


def find_columns(manifest: Manifest, names: Names, found: Import) -> dict[str, frozenset[str]]:
    """Return the columns of each table of `found` whose columns can be told, in lower case, by the table."""
    columns: dict[str, frozenset[str]] = {}
    originals = {manifest.nodes[i].original_file_path: names[i] for i in names if i in manifest.nodes}
    files = {originals[original]: Path(manifest.root, original) for original in found.copies.values()}
    with duckdb.connect(config={"python_enable_replacements": "false", "threads": "1"}) as engine:
        for table in _in_order(manifest, names):
            sql = found.files.get(f"tables/{table.replace('.', '/', 1)}.sql")
            if table in files:
                sql = f"FROM read_csv({literal(str(files[table]))}) LIMIT 0"
            known = (_make(engine, table, sql) or _written(sql)) if sql else None
            if known is not None:
                columns[table] = known
    return columns


def _in_order(manifest: Manifest, names: Names) -> list[str]:
    nodes = {**manifest.nodes, **manifest.sources}
    above = {i: {p for p in nodes[i].depends_on.nodes if p in names} for i in names}
    try:
        return [names[i] for i in TopologicalSorter(above).static_order()]
    except CycleError:
        # dbt refuses such a project; whoever wrote the file by hand is told of it by the plan.
        return list(names.values())


def _make(engine: duckdb.DuckDBPyConnection, table: str, sql: str) -> frozenset[str] | None:
    """Make the table without rows in `engine`; None when something that it reads is not known there."""
    name = TableName.parse(table)
    with suppress(duckdb.Error):
        engine.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(name.schema)}")
        own = "".join(f", NULL::TIMESTAMP AS {column}" for column in HISTORY) if _is_history(sql) else ""
        engine.execute(f"CREATE TABLE {name.unqualified} AS SELECT *{own} FROM (\n{sql}\n) LIMIT 0")
        return frozenset(column.name.lower() for column in read_columns(engine, name.unqualified))
    return None


def _written(sql: str) -> frozenset[str] | None:
    """Return the columns that the SELECT itself names, or None when it leaves that to what it reads."""
    with suppress(SqlglotError):
        tree = parse_one(sql, dialect=ENGINE)
        selected = tree.named_selects if isinstance(tree, exp.Query) else []
        if selected and "*" not in selected and not _is_history(sql):
            return frozenset(name.lower() for name in selected)
    return None


def _is_history(sql: str) -> bool:
    return "-- kind: history\n" in sql
