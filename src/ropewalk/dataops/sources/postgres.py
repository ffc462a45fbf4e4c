"""Reading PostgreSQL: every type either arrives exactly or as text, and the database does the filtering."""

from __future__ import annotations

import re
from collections.abc import Sequence

import duckdb

from ropewalk.dataops.lake import literal, quote
from ropewalk.dataops.sources.database_addresses import Address
from ropewalk.dataops.sources.database_errors import connection_error, query_error
from ropewalk.dataops.sources.dialects import AS_JSON, ORDERED, WHOLE, RemoteColumn, TablePath
from ropewalk.dataops.sources.errors import SourceTableMissing, ValueMisfit
from ropewalk.errors import Place, RopewalkError, nearest

_TEXTS = frozenset(["text", "character varying", "character", "name", "citext"])
# How types come that the engine would take for something else: as what, computed how, and made of that here.
_READ_AS = {
    "json": ("JSON", "{}::text", AS_JSON),
    "jsonb": ("JSON", "{}::text", AS_JSON),
    "money": ("DECIMAL(20,2)", "{}::numeric(20,2)", "{}"),
    "oid": ("BIGINT", "{}::bigint", "{}"),
}
_NOT_A_NUMBER = re.compile(r'invalid input syntax for type integer: "(-?(?:NaN|Infinity))"')
_OWN_SCHEMAS = "('pg_catalog', 'information_schema', 'pg_toast')"
_SHOWN_TABLES = 1000


class Postgres:
    """The dialect of PostgreSQL."""

    extension = "postgres_scanner"
    text_type = "VARCHAR"

    def __init__(self, address: Address, place: Place) -> None:
        self.address = address
        self.place = place

    def __str__(self) -> str:
        """What may be shown of it: the address without user and password."""
        return str(self.address)

    def attach(self, connection: duckdb.DuckDBPyConnection, alias: str) -> None:
        """Attach the database read-only as `alias`."""
        connection.execute(f"ATTACH {literal(self.address.url)} AS {alias} (TYPE postgres, READ_ONLY)")

    def rows(self, alias: str, sql: str) -> str:
        """Return what follows FROM in the engine's SQL for the rows of `sql`."""
        return f"postgres_query({literal(alias)}, {literal(sql)})"

    def find_table(self, connection: duckdb.DuckDBPyConnection, alias: str, table: TablePath) -> str:
        """Return `table` with its schema, as the server's search path finds it."""
        parts = [part for part in (table.schema, table.name) if part]
        asked = literal(".".join(map(quote, parts)))
        found = self._ask(
            connection,
            alias,
            "SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            f"WHERE c.oid = to_regclass({asked})",
        )
        if found:
            return f"{quote(found[0][0])}.{quote(found[0][1])}"
        known = self._ask(
            connection,
            alias,
            "SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            f"WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND n.nspname NOT IN {_OWN_SCHEMAS} "
            f"ORDER BY 1, 2 LIMIT {_SHOWN_TABLES}",
        )
        names = [f"{schema}.{name}" if table.schema else name for schema, name in known]
        raise SourceTableMissing(
            f"{self.address} has no table {str(table)!r}",
            place=self.place,
            nearest=nearest(str(table), names),
            hint="tables: " + (", ".join(sorted(set(names))[:20]) or "none that this user may see"),
        )

    def query(self, connection: duckdb.DuckDBPyConnection, alias: str, sql: str) -> str:
        """Return a person's SELECT in parentheses; on lines of its own, as it may end in a comment."""
        return f"(\n{sql}\n)"

    def columns(
        self, connection: duckdb.DuckDBPyConnection, alias: str, relation: str, wanted: dict[str, str]
    ) -> Sequence[RemoteColumn]:
        """Return how each column is read: what the engine would round or misread comes as text."""
        rows = self.rows(alias, f"SELECT * FROM {relation} AS q")
        described = connection.execute(f"DESCRIBE FROM {rows}").fetchall()
        kinds = {str(row[0]): str(row[1]) for row in described}
        remote = self._remote_types(connection, alias, relation, list(kinds))
        return [
            self._column(name, kind, of, wanted.get(name.lower()))
            for (name, kind), of in zip(kinds.items(), remote, strict=True)
        ]

    def quote(self, name: str) -> str:
        """Return `name` as an identifier."""
        return quote(name)

    def literal(self, text: str, column: RemoteColumn) -> str:
        """Return a value as a literal; the column it is compared with gives it its type."""
        # Without a type of its own it never keeps an index from being used.
        return "E" + literal(text.replace("\\", "\\\\"))

    def translate(self, error: duckdb.Error) -> RopewalkError:
        """Return what the scanner or the server said as an error of ours."""
        text = self.address.hide(str(error))
        if found := _NOT_A_NUMBER.search(text):
            return ValueMisfit(
                f"a numeric column of {self.address} holds {found[1]}, which no decimal number here can be",
                place=self.place,
                hint="types: {COLUMN: DOUBLE} keeps it as it is, VARCHAR as text",
            )
        return connection_error(text, self.address, self.place) or query_error(
            error, text, self.address, self.place
        )

    def _remote_types(
        self, connection: duckdb.DuckDBPyConnection, alias: str, relation: str, names: list[str]
    ) -> list[str]:
        """Return the server's own name of the type of each column, of a domain that of what it is made of."""
        # Joined to a row on a condition that never holds: one row of types, and the relation is not read.
        types = ", ".join(f"pg_typeof(q.{quote(name)})::oid" for name in names)
        found = self._ask(
            connection,
            alias,
            "SELECT format_type(coalesce(nullif(t.typbasetype, 0), t.oid), NULL)::text FROM ("
            f"SELECT ARRAY[{types}] AS kinds FROM (SELECT 1) AS one LEFT JOIN {relation} AS q ON false) AS k "
            "CROSS JOIN LATERAL unnest(k.kinds) WITH ORDINALITY AS u(kind, number) "
            "JOIN pg_type t ON t.oid = u.kind ORDER BY u.number",
        )
        return [row[0] for row in found]

    def _column(self, name: str, kind: str, remote: str, wanted: str | None) -> RemoteColumn:
        value = quote(name)
        if "numeric" in remote or kind.startswith("DECIMAL"):
            return self._numeric(name, kind, wanted)
        if remote in _READ_AS:
            of, expression, local = _READ_AS[remote]
            is_ordered = of in WHOLE or of.startswith("DECIMAL")
            return RemoteColumn(name, of, expression.format(value), local, value if is_ordered else None)
        if kind.endswith("[]") and wanted in {"JSON", "VARCHAR"}:
            return RemoteColumn(name, "JSON", f"to_jsonb({value})::text", AS_JSON)
        if remote.endswith("[]") and not kind.endswith("[]"):
            return RemoteColumn(name, "VARCHAR[]", f"{value}::text[]")
        return RemoteColumn(name, kind, value, order=_order(value, kind, remote))

    def _numeric(self, name: str, kind: str, wanted: str | None) -> RemoteColumn:
        """Return how a decimal number is read: one without a precision exactly, as text, unless a type is declared."""
        value = quote(name)
        if kind.startswith("DECIMAL") and wanted is None:
            # The engine reads NaN as 0. Here the server refuses it: a wrong number is worse than none.
            is_none = f"{value} IN ('NaN', 'Infinity', '-Infinity')"
            guarded = f"CASE WHEN {is_none} THEN {value}::text::int ELSE {value} END"
            precision = kind.removeprefix("DECIMAL")
            return RemoteColumn(name, kind, f"({guarded})::numeric{precision}", order=value)
        if kind.endswith("[]"):
            return RemoteColumn(name, "VARCHAR[]", f"{value}::text[]")
        if wanted in {"DOUBLE", "FLOAT"}:
            return RemoteColumn(name, "DOUBLE", f"{value}::double precision", order=value)
        # As text it can be held against whatever type is declared, and what does not fit is told of.
        return RemoteColumn(name, "VARCHAR", f"{value}::text", order=value if wanted else None)

    def _ask(self, connection: duckdb.DuckDBPyConnection, alias: str, sql: str) -> list[tuple[str, ...]]:
        return connection.execute(f"FROM {self.rows(alias, sql)}").fetchall()


def _order(value: str, kind: str, remote: str) -> str | None:
    if kind in ORDERED or kind in WHOLE:
        return value
    # The collation of the database is not ours, and under it the greatest text may be another.
    return f'{value} COLLATE "C"' if remote in _TEXTS else None
