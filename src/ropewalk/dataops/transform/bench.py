"""The bench on which a table is tested: an engine in memory with its inputs' columns and the rows that a test gives."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Self

import duckdb

from ropewalk.dataops.lake import Column, TableName, literal, quote, read_columns
from ropewalk.dataops.transform.errors import InvalidTableTest
from ropewalk.dataops.transform.table_tests import Row, Rows
from ropewalk.errors import Place, nearest

# What the engine takes for the present, and the type of each.
NOW = {
    "now": "TIMESTAMPTZ",
    "current_timestamp": "TIMESTAMPTZ",
    "get_current_timestamp": "TIMESTAMPTZ",
    "transaction_timestamp": "TIMESTAMPTZ",
    "current_localtimestamp": "TIMESTAMP",
    "current_date": "DATE",
    "today": "DATE",
    "current_time": "TIMETZ",
    "get_current_time": "TIMETZ",
    "current_localtime": "TIME",
}
# Gives the columns of a table, or None where nobody knows them.
FindColumns = Callable[[str], "Sequence[Column] | None"]


class Bench:
    """One engine in memory, for one test; a context manager."""

    def __init__(self, now: datetime | None = None) -> None:
        # Nothing outside can be read: a test that passes here passes everywhere.
        self.connection = duckdb.connect(
            config={
                # A test's rows are few, and more threads cost more than they give.
                "threads": "1",
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "python_enable_replacements": "false",
                "enable_external_access": "false",
            }
        )
        self.connection.execute("SET timezone = 'UTC'")
        if now is not None:
            moment = f"TIMESTAMPTZ '{now.isoformat(sep=' ')}{'' if now.tzinfo else '+00'}'"
            for name, kind in NOW.items():
                # The engine has no cast from a moment with a zone to a time without one.
                since = f"CAST({moment} AS TIMESTAMP)" if kind == "TIME" else moment
                self.connection.execute(f"CREATE MACRO {name}() AS CAST({since} AS {kind})")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def make(self, table: str, given: Rows | None, known: Sequence[Column] | None) -> None:
        """Make `table` with the rows that are given, or empty; columns that a row does not name are NULL.

        Raises:
            InvalidTableTest: a column is not one of the table's, a value does not fit, or nobody knows the columns.
        """
        name = TableName.parse(table)
        self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(name.schema)}")
        if given is not None and given.query is not None:
            self._make_from_query(name, given)
            return
        columns = self._columns(table, given, known)
        listed = ", ".join(f"{quote(column.name)} {column.type}" for column in columns)
        try:
            self.connection.execute(f"CREATE TABLE {name.unqualified} ({listed})")
        except duckdb.Error as error:
            raise _unfit(str(error), given.place if given else None) from error
        if given is not None and given.rows:
            self.connection.execute(
                f"INSERT INTO {name.unqualified} {self.values(given.rows, columns, table)}"
            )

    def values(self, rows: Sequence[Row], columns: Sequence[Column], table: str) -> str:
        """Return the SELECT of `rows` with `columns`, in their types.

        Raises:
            InvalidTableTest: a row names another column, or a value does not fit.
        """
        names = {column.name.lower() for column in columns}
        for row in rows:
            for name in row.cells.keys() - names:
                raise InvalidTableTest(
                    f"{table} has no column {name!r}",
                    place=row.places.get(name, row.place),
                    nearest=nearest(name, names),
                    hint="it has " + ", ".join(column.name for column in columns),
                )
        lines = [
            ", ".join(f"CAST({_literal(row.cells.get(c.name.lower()))} AS {c.type})" for c in columns)
            for row in rows
        ]
        sql = "VALUES " + ", ".join(f"({line})" for line in lines)
        try:
            self.connection.execute(sql)
        except duckdb.Error:
            self._refuse_unfit(rows, columns, table)
            raise
        return sql

    def describe(self, select_sql: str) -> list[Column]:
        """Return the columns of a SELECT over what was made.

        Raises:
            duckdb.Error: it cannot be computed.
        """
        return read_columns(self.connection, f"(\n{select_sql}\n)")

    def _make_from_query(self, name: TableName, given: Rows) -> None:
        try:
            statements = self.connection.extract_statements(given.query or "")
            if [item.type for item in statements] != [duckdb.StatementType.SELECT]:
                raise InvalidTableTest("rows of the format sql are one SELECT", place=given.place)
            self.connection.execute(f"CREATE TABLE {name.unqualified} AS\n{given.query}")
        except duckdb.Error as error:
            raise _unfit(str(error), given.place) from error

    def _columns(self, table: str, given: Rows | None, known: Sequence[Column] | None) -> list[Column]:
        """Return the columns of an input: those that are known, with the types that the test gives."""
        rows, types = (given.rows, given.types) if given else ((), {})
        if known:
            extra = types.keys() - {column.name.lower() for column in known}
            fixed = [Column(c.name, types.get(c.name.lower(), c.type)) for c in known]
            return [*fixed, *(Column(name, types[name]) for name in sorted(extra))]
        found = {**_types_of(rows), **types}
        if not found:
            raise InvalidTableTest(
                f"nobody knows the columns of {table}",
                place=given.place if given else None,
                hint="give it rows or `types:`, or run it once: its columns are then taken from the lake",
            )
        return [Column(name, "VARCHAR" if kind == "NULL" else kind) for name, kind in found.items()]

    def _refuse_unfit(self, rows: Sequence[Row], columns: Sequence[Column], table: str) -> None:
        """Raise for the first value that does not fit, one at a time.

        Raises:
            InvalidTableTest: a value does not fit.
        """
        for row in rows:
            for column in columns:
                value = row.cells.get(column.name.lower())
                try:
                    self.connection.execute(f"SELECT CAST({_literal(value)} AS {column.type})")
                except duckdb.Error as error:
                    raise InvalidTableTest(
                        f"{value!r} is no {column.type}, which {column.name} of {table} is",
                        place=row.places.get(column.name.lower(), row.place),
                    ) from error


def _types_of(rows: Sequence[Row]) -> dict[str, str]:
    """Return the narrowest type of each column that takes all its cells."""
    found: dict[str, str] = {}
    for row in rows:
        for name, value in row.cells.items():
            kind = _type_of(value)
            # NULL is of any type, so the first value decides.
            found[name] = kind if found.get(name) in (None, kind, "NULL") else _wider(found[name], kind)
    return found


def _unfit(message: str, place: Place | None) -> InvalidTableTest:
    first, _, rest = message.partition("\n")
    return InvalidTableTest(f"the rows cannot be made: {first}", place=place, detail=rest.strip() or None)


def _literal(value: object) -> str:
    """Return a value of YAML as SQL; the engine casts it to the column's type."""
    if value is None:
        return "NULL"
    if isinstance(value, bool | int):
        return str(value).lower()
    if isinstance(value, list | dict):
        return f"CAST({literal(json.dumps(value, default=str))} AS JSON)"
    # Numbers with a fraction too: as a text the digits stay those that were written.
    return literal(str(value))


def _type_of(value: object) -> str:
    # The order counts: true is a number to Python, and a time a date.
    for kinds, name in (
        ((bool,), "BOOLEAN"),
        ((int,), "BIGINT"),
        ((float,), "DOUBLE"),
        ((datetime,), "TIMESTAMP"),
        ((list, dict), "JSON"),
    ):
        if isinstance(value, kinds):
            return name
    if value is None:
        return "NULL"
    return "VARCHAR" if isinstance(value, str) else "DATE"


def _wider(first: str, second: str) -> str:
    if second == "NULL":
        return first
    # A day among moments is its midnight; of other mixtures the text is all there is.
    both = {frozenset(("BIGINT", "DOUBLE")): "DOUBLE", frozenset(("DATE", "TIMESTAMP")): "TIMESTAMP"}
    return both.get(frozenset((first, second)), "VARCHAR")


def row_values(
    connection: duckdb.DuckDBPyConnection, sql: str, columns: Sequence[Column]
) -> list[Mapping[str, object]]:
    """Return the rows of a SELECT as values by column."""
    names = [column.name.lower() for column in columns]
    return [dict(zip(names, row, strict=True)) for row in connection.execute(sql).fetchall()]
