"""What unqualified table names mean on one connection: views of the lake's tables at chosen snapshots."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import duckdb

from ropewalk.dataops.lake.names import LAKE, TableName, quote

_numbers = itertools.count(1)


class Scope:
    """A database in memory that holds nothing but views; see `open_scope`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        # All connections of an engine share the attached names, so each scope takes one of its own.
        self._name = f"scope_{next(_numbers)}"
        self._schemas: set[str] = set()
        self._connection = connection
        connection.execute(f"ATTACH ':memory:' AS {self._name}; USE {self._name}")

    def show(self, table: TableName, relation: str) -> None:
        """Let the unqualified name of `table` mean `relation`, which is what follows FROM."""
        if table.schema not in self._schemas:
            self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {self._name}.{quote(table.schema)}")
            self._schemas.add(table.schema)
        self._connection.execute(f"CREATE VIEW {self._name}.{table.unqualified} AS FROM {relation}")

    def reveal(self, schema: str) -> None:
        """Let names of `schema` that are not shown mean the lake's own tables, uncommitted ones included."""
        own = [f"{self._name}.{schema}"] if schema in self._schemas else []
        path = ",".join([f"{self._name}.main", *own, f"{LAKE}.{schema}"])
        self._connection.execute(f"SET search_path = '{path}'")

    def columns(self) -> list[str]:
        """Return the names of the columns of all that is shown, for messages."""
        sql = f"SELECT DISTINCT column_name FROM duckdb_columns() WHERE database_name = '{self._name}' ORDER BY 1"
        return [str(row[0]) for row in self._connection.execute(sql).fetchall()]

    def close(self) -> None:
        """Make the lake the connection's default again, and forget what was shown."""
        self._connection.execute(f"USE {LAKE}; DETACH {self._name}")


@contextmanager
def open_scope(
    connection: duckdb.DuckDBPyConnection,
    tables: Mapping[TableName, int],
    where: Mapping[TableName, str] | None = None,
) -> Iterator[Scope]:
    """Let the unqualified names of `tables` mean these tables at their snapshots, and no other name anything.

    Of a table in `where` only the rows are seen that meet the condition.

    Raises:
        duckdb.Error: a table or its snapshot is not in the lake.
    """
    # Before any transaction: one that writes to the lake may make no views elsewhere.
    scope = Scope(connection)
    try:
        for table, snapshot in tables.items():
            condition = (where or {}).get(table)
            scope.show(table, table.at(snapshot) + (f" WHERE {condition}" if condition else ""))
        yield scope
    finally:
        scope.close()
