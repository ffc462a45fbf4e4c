"""dbt's compiled SQL as ours: names of relations replaced, and the dialect translated to the engine's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from ropewalk.dataops.dbt.manifest import Manifest
from ropewalk.dataops.dbt.moves import Names

# dbt's word for a database, and sqlglot's where it is another.
DIALECTS = {"sqlserver": "tsql", "synapse": "tsql", "fabric": "tsql", "athena": "athena", "glue": "spark"}
ENGINE = "duckdb"
# What dbt calls the columns of a snapshot, and what a history does.
SNAPSHOT_COLUMNS = {"dbt_valid_from": "valid_from", "dbt_valid_to": "valid_to"}
_SCHEMA_AND_NAME = 2


class Untranslated(Exception):
    """SQL that cannot be carried over; the message says why."""


@dataclass(frozen=True)
class Relations:
    """What the relations in dbt's SQL are here.

    Attributes:
        tables: our table by database, schema and name.
        dialect: the dialect that the SQL is written in.
    """

    tables: Mapping[tuple[str, str, str], str]
    dialect: str

    def find(self, table: exp.Table) -> str | None:
        """Return the table here that `table` means, or None when dbt knows no such relation."""
        database, schema, name = (part.lower() for part in (table.catalog, table.db, table.name))
        found = self.tables.get((database, schema, name))
        if found is None and not database and schema:
            near = {ours for (_, s, n), ours in self.tables.items() if (s, n) == (schema, name)}
            found = next(iter(near)) if len(near) == 1 else None
        return found


def known_relations(manifest: Manifest, names: Names) -> Relations:
    """Return what each relation of the manifest is here."""
    adapter = manifest.metadata.adapter_type or ENGINE
    nodes = {**manifest.nodes, **manifest.sources}
    tables = {nodes[node_id].relation: table for node_id, table in names.items()}
    return Relations(tables, DIALECTS.get(adapter, adapter))


def translate(sql: str, relations: Relations, renamed: Mapping[str, str] | None = None) -> str:
    """Return `sql` over our tables, in the engine's dialect.

    Args:
        sql: one statement as dbt compiled it.
        relations: what its relations are here.
        renamed: columns that are called otherwise here.

    Raises:
        Untranslated: it cannot be read, or the engine does not understand what came of it.
    """
    text = sql.strip().rstrip(";").rstrip()
    try:
        tree = parse_one(text, dialect=relations.dialect)
    except (SqlglotError, ValueError) as error:
        raise Untranslated(f"its SQL cannot be read as {relations.dialect}: {_first_line(error)}") from error
    if relations.dialect == ENGINE:
        made = _replace_in_text(text, tree, relations, renamed or {})
    else:
        made = _replace_in_tree(tree, relations, renamed or {})
    try:
        with duckdb.connect(config={"threads": "1"}) as engine:
            statements = engine.extract_statements(made)
    except duckdb.Error as error:
        raise Untranslated(f"the engine does not understand it: {_first_line(error)}") from error
    if [item.type for item in statements] != [duckdb.StatementType.SELECT]:
        raise Untranslated("it is not one SELECT")
    return made


def foreign_relations(sql: str) -> list[str]:
    """Return the names in translated SQL that are of three parts: relations that dbt does not know."""
    tables = parse_one(sql, dialect=ENGINE).find_all(exp.Table)
    # As they are written, so that they are found again; without what they are called beside.
    return sorted(
        {".".join(part.sql(dialect=ENGINE) for part in table.parts) for table in tables if table.catalog}
    )


def _replace_in_text(text: str, tree: exp.Expr, relations: Relations, renamed: Mapping[str, str]) -> str:
    """Return the text itself with names replaced, so that people find again what they wrote."""
    spans = _relation_spans(tree, relations)
    for name in tree.find_all(exp.Identifier):
        other = renamed.get(name.name.lower())
        if other is not None and "start" in name.meta:
            spans[name.meta["start"]] = (name.meta["end"] + 1, other)
    # From the end on, so that what stands before keeps its place.
    for start in sorted(spans, reverse=True):
        end, ours = spans[start]
        text = text[:start] + ours + text[end:]
    return text


def _relation_spans(tree: exp.Expr, relations: Relations) -> dict[int, tuple[int, str]]:
    """Return where each relation starts and ends in the text, and what it is called here."""
    spans: dict[int, tuple[int, str]] = {}
    for table in tree.find_all(exp.Table):
        ours = relations.find(table)
        parts = [part for part in table.parts if isinstance(part, exp.Identifier) and "start" in part.meta]
        if ours is None or len(parts) < _SCHEMA_AND_NAME:
            continue
        # Columns may be written with the relation's own name before them.
        alias = "" if table.alias or ours.endswith(f".{table.name.lower()}") else f" AS {_quoted(table.name)}"
        spans[parts[0].meta["start"]] = (parts[-1].meta["end"] + 1, f"{ours}{alias}")
    return spans


def _replace_in_tree(tree: exp.Expr, relations: Relations, renamed: Mapping[str, str]) -> str:
    for table in list(tree.find_all(exp.Table)):
        ours = relations.find(table)
        if ours is None:
            continue
        schema, _, name = ours.partition(".")
        if not table.alias and name != table.name.lower():
            table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name)))
        table.set("catalog", None)
        table.set("db", exp.to_identifier(schema))
        table.set("this", exp.to_identifier(name))
    for identifier in list(tree.find_all(exp.Identifier)):
        other = renamed.get(identifier.name.lower())
        if other is not None:
            identifier.set("this", other)
    made: str = tree.sql(dialect=ENGINE, pretty=True)
    return made


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) else '"' + name.replace('"', '""') + '"'


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
