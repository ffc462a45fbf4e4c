"""The lineage of all tables of a project, each read once for each content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ropewalk.dataops.columns.cache import ColumnCache, content_digest
from ropewalk.dataops.columns.schemas import Schema, made_columns
from ropewalk.dataops.columns.values import ColumnLineage, TableLineage
from ropewalk.dataops.lake import open_lake, snapshot_of, table_of
from ropewalk.dataops.transform import TableSpec
from ropewalk.pipeline import Graph, Node, Record, Workspace, current_records

# What the build of a history adds to each row.
HISTORY_COLUMNS = ("valid_from", "valid_to", "is_current")
# Nodes that are SQL and no table.
QUESTION = "question"


def read_table_lineage(workspace: Workspace, graph: Graph) -> dict[str, TableLineage]:
    """Return the lineage of every table that SQL makes, by the table's name in lower case, inputs first.

    Columns of sources and of tables that steps make are those that the environment has; what was never loaded is
    taken at its readers' word. Nothing is executed.
    """
    records, cache = current_records(workspace), ColumnCache(workspace.state)
    schemas = _seen(workspace, records, cache, graph.nodes)
    found: dict[str, TableLineage] = {}
    for node in graph.nodes.values():
        if not isinstance(node.spec, TableSpec):
            continue
        inputs = _inputs(node.spec, graph.inputs[node.id], schemas)
        lineage = _lineage(node, inputs, records, cache)
        table = node.spec.table.lower()
        found[table] = lineage
        schemas[node.id] = _schema(table, lineage, node.spec)
    cache.save()
    return found


def read_questions_lineage(
    workspace: Workspace, graph: Graph, lineage: Mapping[str, TableLineage]
) -> dict[str, TableLineage]:
    """Return the lineage of what other nodes ask in SQL, such as saved questions, by the node's id."""
    asking = {
        node_id: node
        for node_id, node in graph.nodes.items()
        if node.kind == QUESTION and "sql" in node.facts
    }
    if not asking:
        return {}
    cache = ColumnCache(workspace.state)
    schemas = _seen(workspace, current_records(workspace), cache, graph.nodes)
    for node_id, node in graph.nodes.items():
        if isinstance(node.spec, TableSpec):
            table = node.spec.table.lower()
            schemas[node_id] = _schema(table, lineage[table], node.spec)
    found: dict[str, TableLineage] = {}
    for node_id, node in asking.items():
        inputs = {
            name: schemas[upstream] for name, upstream in graph.inputs[node_id].items() if upstream in schemas
        }
        found[node_id] = _read(cache, node_id, node.facts["sql"], inputs, None)
    cache.save()
    return found


def _lineage(
    node: Node, inputs: Mapping[str, Schema], records: Mapping[str, Record], cache: ColumnCache
) -> TableLineage:
    spec = node.spec
    assert isinstance(spec, TableSpec)
    columns = made_columns(records, node.id, spec.sql.normal)
    if spec.sql.header.form != "history":
        return _read(cache, spec.table.lower(), spec.sql.normal, inputs, columns)
    # Its rows are about one thing at several times: no key of the SELECT tells them apart, and what tells the times
    # is written by the build, not by the SQL.
    own = [name for name in columns or HISTORY_COLUMNS if name.lower() in HISTORY_COLUMNS]
    selected = None if columns is None else [name for name in columns if name not in own]
    found = _read(cache, spec.table.lower(), spec.sql.normal, inputs, selected)
    return replace(found, columns=(*found.columns, *(ColumnLineage(name) for name in own)), key=())


def _read(
    cache: ColumnCache,
    name: str,
    sql: str,
    inputs: Mapping[str, Schema],
    columns: Sequence[str] | None,
) -> TableLineage:
    schemas = [[name, schema.table, schema.columns, schema.key] for name, schema in sorted(inputs.items())]
    digest = content_digest(name, sql, schemas, columns)
    found = cache.lineage(digest)
    if found is None:
        # sqlglot takes longer to import than a project whose tables are all known takes to be told.
        from ropewalk.dataops.columns.parse import read_lineage  # see above

        found = read_lineage(name, sql, inputs, columns)
        cache.keep(digest, found)
    return found


def _inputs(spec: TableSpec, nodes: Mapping[str, str], schemas: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return the tables that the names in the SQL mean."""
    names = {reference.name for reference in spec.sql.references}
    return {name: schemas[nodes[name]] for name in names if nodes.get(name) in schemas}


def _schema(table: str, lineage: TableLineage, spec: TableSpec) -> Schema:
    """Return what readers of the table may rely on: what its SQL gives, whether it was made already or not."""
    columns = None if lineage.unknown else tuple(column.name for column in lineage.columns)
    declared = spec.contract.primary_key if spec.contract else ()
    return Schema(table, columns, tuple(name.lower() for name in declared) or lineage.key)


def _seen(
    workspace: Workspace, records: Mapping[str, Record], cache: ColumnCache, nodes: Mapping[str, Node]
) -> dict[str, Schema]:
    """Return what the environment has of tables that no SQL makes, by node."""
    wanted = {
        node_id: table
        for node_id, node in nodes.items()
        if (table := table_of(node_id)) is not None and not isinstance(node.spec, TableSpec)
    }
    held = dict(_held(wanted, records))
    unseen = {table: number for table, number in held.items() if cache.columns(table, number) is None}
    _look(workspace, cache, unseen)
    return {
        node_id: Schema(table, cache.columns(table, held[table]) if table in held else None)
        for node_id, table in wanted.items()
    }


def _held(tables: Mapping[str, str], records: Mapping[str, Record]) -> Iterator[tuple[str, int]]:
    """Yield the tables, given by node, that the environment has, each with its snapshot."""
    for node_id, table in tables.items():
        record = records.get(node_id)
        snapshot = snapshot_of(record.output) if record else None
        if snapshot is not None:
            yield table, snapshot


def _look(workspace: Workspace, cache: ColumnCache, unseen: Mapping[str, int]) -> None:
    # The lake is opened only for snapshots that nobody has looked at.
    for info in open_lake(workspace).tables_at(unseen) if unseen else ():
        table = f"{info.schema}.{info.name}".lower()
        cache.keep_columns(table, unseen[table], tuple(column.name for column in info.columns))


def downstream_tables(lineage: Mapping[str, TableLineage], tables: Iterable[str]) -> set[str]:
    """Return the tables that are made, over any number of steps, of one of `tables`."""
    found = set(tables)
    # In the order of the lineage inputs come first, so one pass finds all.
    for table, item in lineage.items():
        if found & set(item.reads):
            found.add(table)
    return found
