"""A question of somebody who has no right to personal data: what it may name, and what its names then mean.

Whoever asks sees views in the place of tables, whose personal columns are masks; filters, joins and sorting act on the
masks. So that nothing leads around a view, only tables may be named: neither the engine's own catalogue, which knows
the views' text and the least and greatest values of columns, nor another database.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

import duckdb

from ropewalk.dataops.lake.digest import read_columns
from ropewalk.dataops.lake.errors import QueryNotAllowed, TableMissing
from ropewalk.dataops.lake.masks import Masks, masked_relation
from ropewalk.dataops.lake.names import LAKE, TableName, literal
from ropewalk.errors import nearest

# The schema in which tables of another time stand under names of their own.
PAST = "ropewalk_past"
# They tell of what stands behind a view: its text, its plan, what the engine knows of a column's values.
FUNCTIONS_REFUSED = frozenset(
    {"json_serialize_plan", "pg_get_viewdef", "getvariable", "stats", "current_setting"}
)
# Where the engine has its own catalogue, and what belongs to a connection.
_OWN_SCHEMAS = frozenset({"", "main", "temp", "system", "information_schema", "pg_catalog", "ropewalk", PAST})
_HINT = "personal columns are masked here, and so only tables may be asked for"
Node = dict[str, Any]


def refuse_detours(
    connection: duckdb.DuckDBPyConnection,
    nodes: Iterable[Node],
    is_table: Callable[[str], bool],
    *,
    bound: Container[str] = (),
) -> None:
    """Refuse what a parsed query names beside tables of the lake; values `bound` under these names may be read.

    Raises:
        QueryNotAllowed: it names the engine's catalogue, another database, or a function that tells of either.
        TableMissing: it names a table that there is not.
    """
    own = _catalogue_views(connection)
    for node in nodes:
        function = str(node.get("function_name", "")).lower()
        if function in FUNCTIONS_REFUSED and not (function == "getvariable" and _variable(node) in bound):
            raise QueryNotAllowed(f"the function {function!r} is not allowed here", hint=_HINT)
        if node.get("type") == "BASE_TABLE":
            _refuse_table(node, own, is_table)


def _variable(node: Node) -> object:
    """Return the name that a call asks the variable of, where it is written in the query itself."""
    children = node.get("children") or []
    is_plain = len(children) == 1 and children[0].get("class") == "CONSTANT"
    return children[0]["value"].get("value") if is_plain else None


def _catalogue_views(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    found = connection.execute("SELECT lower(view_name) FROM duckdb_views() WHERE internal").fetchall()
    return frozenset(str(name) for (name,) in found)


def _refuse_table(node: Node, own: frozenset[str], is_table: Callable[[str], bool]) -> None:
    catalog, schema, name = (str(node[key]).lower() for key in ("catalog_name", "schema_name", "table_name"))
    # A name without a schema is a common table expression's, and else nothing's: no table stands there. The engine's
    # own views could be meant where such an expression of their name ends.
    if not schema and not catalog:
        allowed = name not in own
    else:
        allowed = catalog in ("", LAKE) and is_table(f"{schema}.{name}")
    if not allowed and not catalog and schema not in _OWN_SCHEMAS:
        # Most who end here ask for what was not made yet; that personal columns are masked is not their trouble.
        raise TableMissing(
            f"there is no table {f'{schema}.{name}'!r} here",
            hint="`ropewalk catalog` lists the tables, `ropewalk run` makes those that were not made yet",
        )
    if not allowed:
        shown = ".".join(part for part in (catalog, schema, name) if part)
        raise QueryNotAllowed(
            f"{shown!r} is no table that may be asked for here", nearest=nearest(shown, ()), hint=_HINT
        )


def move_past(
    connection: duckdb.DuckDBPyConnection, tree: Node, nodes: Iterable[Node]
) -> tuple[str, dict[TableName, tuple[TableName, str]]]:
    """Give each table that is asked for at another time, or in the lake by name, a name of its own in `tree`.

    Returns:
        the query with these names, and by name the table it is and the SELECT of it that was asked for.
    """
    found: dict[TableName, tuple[TableName, str]] = {}
    for node in nodes:
        if node.get("type") != "BASE_TABLE" or not (node["catalog_name"] or node["at_clause"]):
            continue
        table = TableName(node["schema_name"], node["table_name"])
        name = TableName(PAST, f"t{len(found)}")
        found[name] = (
            table,
            _select(
                connection,
                {**node, "catalog_name": LAKE, "alias": "", "sample": None, "column_name_alias": []},
            ),
        )
        node |= {"catalog_name": "", "schema_name": name.schema, "table_name": name.name, "at_clause": None}
        node["alias"] = node["alias"] or table.name
    return (_text(connection, tree) if found else ""), found


def _select(connection: duckdb.DuckDBPyConnection, table: Node) -> str:
    """Return `SELECT * FROM table` as the engine writes it, with the time that the node asks for."""
    row = connection.execute("SELECT json_serialize_sql('SELECT * FROM a.b')").fetchone()
    tree = json.loads(row[0]) if row else {}
    tree["statements"][0]["node"]["from_table"] = table
    return _text(connection, tree)


def _text(connection: duckdb.DuckDBPyConnection, tree: Node) -> str:
    row = connection.execute(f"SELECT json_deserialize_sql({literal(json.dumps(tree))})").fetchone()
    return str(row[0]) if row else ""


def masked_table(
    connection: duckdb.DuckDBPyConnection,
    table: TableName,
    relation: str,
    masks: Masks,
) -> str:
    """Return what follows FROM for `relation`, which is `table` at some time, with its personal columns masked.

    Columns that it has no more, and of which no contract speaks, are hidden too: what they held, nobody tells today.
    """
    columns = read_columns(connection, relation)
    found: Mapping[str, str] = masks.of(str(table), columns)
    if masks.is_personal(str(table)):
        known = masks.described.get(str(table).lower(), frozenset()) | _names(connection, table)
        found = {**dict.fromkeys((c.name for c in columns if c.name.lower() not in known), "null"), **found}
    return masked_relation(relation, columns, found, masks.key)


def _names(connection: duckdb.DuckDBPyConnection, table: TableName) -> frozenset[str]:
    """Return the columns of the table as it is now, in lower case; none when it is gone."""
    try:
        return frozenset(column.name.lower() for column in read_columns(connection, table.sql))
    except duckdb.CatalogException:
        return frozenset()
