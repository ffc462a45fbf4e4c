"""Reading MySQL and MariaDB: every type either arrives exactly or as text, and the database does the filtering."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import duckdb

from ropewalk.dataops.lake import literal
from ropewalk.dataops.sources.database_addresses import Address
from ropewalk.dataops.sources.database_errors import connection_error, query_error
from ropewalk.dataops.sources.dialects import AS_JSON, ORDERED, WHOLE, RemoteColumn, TablePath
from ropewalk.dataops.sources.errors import SourceTableMissing, SourceUnreachable, ValueMisfit
from ropewalk.errors import Place, RopewalkError, nearest

PORT = 3306
PATIENCE_S = 10.0
_SETTINGS = {
    # Texts about time then mean the same wherever the server stands.
    "mysql_session_time_zone": "'+00:00'",
    # 5 is a value of such a column, and as a truth value it would be lost.
    "mysql_tinyint1_as_boolean": "false",
    # A load may take longer than five minutes.
    "mysql_query_timeout_enabled": "false",
}
_TEXTS = frozenset(["char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set", "json"])
_TEXT_ONLY = frozenset(["uuid", "inet4", "inet6", "time"])
_SPATIAL = frozenset(
    ["geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"]
)
# How types come that the engine would take for something else: as what, computed how, and made of that here.
_READ_AS = {
    "timestamp": ("TIMESTAMP WITH TIME ZONE", "{}", "timezone('UTC', {})"),
    "bit": ("UBIGINT", "CAST({} AS UNSIGNED)", "CAST({} AS UBIGINT)"),
    **dict.fromkeys(_SPATIAL, ("VARCHAR", "ST_AsText({})", "{}")),
}
_DATES = frozenset(["date", "datetime", "timestamp"])
_MOST_DIGITS = 38
_SHOWN_TABLES = 1000


class MySQL:
    """The dialect of MySQL and MariaDB."""

    extension = "mysql_scanner"
    text_type = "CHAR"

    def __init__(self, address: Address, place: Place) -> None:
        self.address = address
        self.place = place
        self._types: dict[str, tuple[str, str]] = {}

    def __str__(self) -> str:
        """What may be shown of it: the address without user and password."""
        return str(self.address)

    def attach(self, connection: duckdb.DuckDBPyConnection, alias: str) -> None:
        """Attach the database read-only as `alias`.

        Raises:
            SourceUnreachable: nobody answers at its address.
        """
        # The scanner knows no time limit of its own for connecting.
        try:
            socket.create_connection((self.address.host, self.address.port or PORT), PATIENCE_S).close()
        except OSError as error:
            raise SourceUnreachable(
                f"{self.address} cannot be reached: {error.strerror or error}", place=self.place
            ) from error
        for name, value in _SETTINGS.items():
            connection.execute(f"SET GLOBAL {name} = {value}")
        connection.execute(f"ATTACH {literal(self.address.url)} AS {alias} (TYPE mysql, READ_ONLY)")

    def rows(self, alias: str, sql: str) -> str:
        """Return what follows FROM in the engine's SQL for the rows of `sql`."""
        return f"mysql_query({literal(alias)}, {literal(sql)})"

    def find_table(self, connection: duckdb.DuckDBPyConnection, alias: str, table: TablePath) -> str:
        """Return `table` with the types of its columns learned: a query's do not tell all."""
        schema = _text(table.schema) if table.schema else "database()"
        rows = self._ask(
            connection,
            alias,
            "SELECT CONVERT(column_name USING utf8mb4), CONVERT(data_type USING utf8mb4), "
            "CONVERT(column_type USING utf8mb4) FROM information_schema.columns "
            f"WHERE table_schema = {schema} AND table_name = {_text(table.name)}",
        )
        if rows:
            self._types = {name: (kind.lower(), full.lower()) for name, kind, full in rows}
            return (
                f"{self.quote(table.schema)}.{self.quote(table.name)}"
                if table.schema
                else self.quote(table.name)
            )
        known = self._ask(
            connection,
            alias,
            "SELECT CONVERT(table_name USING utf8mb4) FROM information_schema.tables "
            f"WHERE table_schema = {schema} ORDER BY 1 LIMIT {_SHOWN_TABLES}",
        )
        names = [name for (name,) in known]
        close = nearest(table.name, names)
        raise SourceTableMissing(
            f"{self.address} has no table {str(table)!r}",
            place=self.place,
            nearest=f"{table.schema}.{close}" if close and table.schema else close,
            hint="tables: " + (", ".join(names[:20]) or "none that this user may see"),
        )

    def query(self, connection: duckdb.DuckDBPyConnection, alias: str, sql: str) -> str:
        """Return a person's SELECT in parentheses; on lines of its own, as it may end in a comment."""
        return f"(\n{sql}\n)"

    def columns(
        self, connection: duckdb.DuckDBPyConnection, alias: str, relation: str, wanted: dict[str, str]
    ) -> Sequence[RemoteColumn]:
        """Return how each column is read; of a query only what its result tells is known."""
        rows = self.rows(alias, f"SELECT * FROM {relation} AS q")
        described = connection.execute(f"DESCRIBE FROM {rows}").fetchall()
        return [self._column(str(row[0]), str(row[1]), wanted.get(str(row[0]).lower())) for row in described]

    def quote(self, name: str) -> str:
        """Return `name` as an identifier."""
        return "`" + name.replace("`", "``") + "`"

    def literal(self, text: str, column: RemoteColumn) -> str:
        """Return a value as a literal; of times the session's zone is the engine's."""
        return _text(text.removesuffix("+00") if column.type.startswith("TIMESTAMP") else text)

    def translate(self, error: duckdb.Error) -> RopewalkError:
        """Return what the scanner or the server said as an error of ours."""
        text = self.address.hide(str(error))
        if "Date out of range" in text:
            return ValueMisfit(
                f"a date of {self.address} has a month or day of zero: {text.partition(': ')[2]}",
                place=self.place,
                hint="types: {COLUMN: VARCHAR} takes it as text",
            )
        return connection_error(text, self.address, self.place) or query_error(
            error, text, self.address, self.place
        )

    def _column(self, name: str, kind: str, wanted: str | None) -> RemoteColumn:
        value = self.quote(name)
        declared, full = self._types.get(name, ("", ""))
        if declared in _TEXTS:
            return self._text_column(name, value, declared)
        if self._comes_as_text(declared, full, wanted):
            return RemoteColumn(name, "VARCHAR", f"CAST({value} AS CHAR)")
        if declared in _READ_AS and (declared != "bit" or kind == "BLOB"):
            of, expression, local = _READ_AS[declared]
            return RemoteColumn(name, of, expression.format(value), local, None if of == "VARCHAR" else value)
        is_ordered = kind in ORDERED or kind in WHOLE or kind.startswith("DECIMAL")
        return RemoteColumn(name, kind, value, order=value if is_ordered else None)

    def _comes_as_text(self, declared: str, full: str, wanted: str | None) -> bool:
        if declared in _DATES:
            # The only way to see a date with a month or day of zero.
            return wanted == "VARCHAR"
        return declared in _TEXT_ONLY or (declared == "decimal" and _digits(full) > _MOST_DIGITS)

    def _text_column(self, name: str, value: str, declared: str) -> RemoteColumn:
        # A text with a binary collation, as MariaDB's JSON has, would come as bytes.
        text = f"CONVERT({value} USING utf8mb4)"
        if declared == "json":
            return RemoteColumn(name, "JSON", text, AS_JSON)
        is_ordered = declared not in {"enum", "set"}
        return RemoteColumn(name, "VARCHAR", text, order=f"CAST({text} AS BINARY)" if is_ordered else None)

    def _ask(self, connection: duckdb.DuckDBPyConnection, alias: str, sql: str) -> list[tuple[str, ...]]:
        return connection.execute(f"FROM {self.rows(alias, sql)}").fetchall()


def _digits(full: str) -> int:
    """Return how many digits `decimal(65,30)` has."""
    return int(full.partition("(")[2].partition(",")[0].rstrip(")") or 0)


def _text(text: str) -> str:
    # A backslash begins an escape unless the server was told otherwise, so the bytes are written instead.
    return f"CONVERT(X'{text.encode().hex()}' USING utf8mb4)" if "\\" in text else literal(text)
