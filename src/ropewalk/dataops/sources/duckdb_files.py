"""Reading a DuckDB file: attached read-only, as an engine of its own version made it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from ropewalk.dataops.lake import literal, quote, translate_error
from ropewalk.dataops.sources.dialects import ORDERED, WHOLE, RemoteColumn, TablePath
from ropewalk.dataops.sources.errors import DatabaseBusy, InvalidFile, SourceTableMissing
from ropewalk.errors import Place, RopewalkError, nearest

# What the lake cannot keep as it is, it can keep as text.
_AS_TEXT = ("ENUM", "UNION", "BIT", "VARINT", "BIGNUM", "TIME_NS")
_ORDERED = frozenset([*ORDERED, *WHOLE, "VARCHAR", "HUGEINT", "UHUGEINT", "TIMESTAMP_S", "TIMESTAMP_MS"])
# Stands for the name under which the file is attached, which is another one at each load.
_HERE = "\0here\0"


class DuckDBFile:
    """The dialect of a DuckDB file."""

    extension = ""
    text_type = "VARCHAR"

    def __init__(self, path: Path, shown: str, place: Place) -> None:
        self.path = path
        self.shown = shown
        self.place = place

    def __str__(self) -> str:
        """What may be shown of it: its path in the project."""
        return self.shown

    def attach(self, connection: duckdb.DuckDBPyConnection, alias: str) -> None:
        """Attach the file read-only as `alias`."""
        connection.execute(f"ATTACH {literal(str(self.path))} AS {alias} (TYPE duckdb, READ_ONLY)")

    def rows(self, alias: str, sql: str) -> str:
        """Return what follows FROM for the rows of `sql`, in which `{alias}` stands for the file."""
        return f"({sql.replace(_HERE, alias)})"

    def find_table(self, connection: duckdb.DuckDBPyConnection, alias: str, table: TablePath) -> str:
        """Return `table` with the file and its schema in front."""
        found = connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = $name UNION ALL "
            "SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = $name AND NOT internal "
            "ORDER BY 1, 2".replace("$name", literal(alias))
        ).fetchall()
        schema = table.schema or "main"
        if (schema, table.name) in found:
            return f"{_HERE}.{quote(schema)}.{quote(table.name)}"
        names = [
            f"{of}.{name}" if table.schema else name for of, name in found if table.schema or of == "main"
        ]
        raise SourceTableMissing(
            f"{self.shown} has no table {str(table)!r}",
            place=self.place,
            nearest=nearest(str(table), names),
            hint="tables: " + (", ".join(names[:20]) or "none"),
        )

    def query(self, connection: duckdb.DuckDBPyConnection, alias: str, sql: str) -> str:
        """Return the rows of a person's SELECT, computed now: its tables need no prefix here."""
        connection.execute(f"USE {alias}")
        try:
            connection.execute(f"CREATE OR REPLACE TEMP TABLE ropewalk_query AS FROM (\n{sql}\n)")
        finally:
            connection.execute("USE lake")
        return "temp.ropewalk_query"

    def columns(
        self, connection: duckdb.DuckDBPyConnection, alias: str, relation: str, wanted: dict[str, str]
    ) -> Sequence[RemoteColumn]:
        """Return the columns in their own types, those that the lake does not have as text."""
        rows = self.rows(alias, f"SELECT * FROM {relation} AS q")
        described = connection.execute(f"DESCRIBE FROM {rows}").fetchall()
        return [_column(str(row[0]), str(row[1])) for row in described]

    def quote(self, name: str) -> str:
        """Return `name` as an identifier."""
        return quote(name)

    def literal(self, text: str, column: RemoteColumn) -> str:
        """Return a value as a literal in its type."""
        return f"CAST({literal(text)} AS {column.type})"

    def translate(self, error: duckdb.Error) -> RopewalkError:
        """Return what the engine said about the file as an error of ours."""
        text = str(error)
        if "Could not set lock" in text or "Conflicting lock" in text:
            return DatabaseBusy(
                f"another process has {self.shown} open for writing",
                place=self.place,
                hint="run again when it has closed the file",
            )
        if "not a valid DuckDB" in text or "storage version" in text or "serialize" in text:
            first = (
                text.split("\n", maxsplit=1)[0].removeprefix("IO Error: ").replace(str(self.path), self.shown)
            )
            return InvalidFile(f"not readable as a DuckDB database: {first}", place=Place(self.shown))
        return translate_error(error)


def _column(name: str, kind: str) -> RemoteColumn:
    value = quote(name)
    if kind.startswith(_AS_TEXT):
        return RemoteColumn(name, "VARCHAR", f"CAST({value} AS VARCHAR)")
    is_ordered = kind in _ORDERED or kind.startswith("DECIMAL")
    return RemoteColumn(name, kind, value, order=value if is_ordered else None)
