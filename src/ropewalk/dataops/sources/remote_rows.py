"""One table or query of an attached database: its columns, its rows from a watermark on, and whether there is news."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import duckdb

from ropewalk.dataops.lake import Column, literal, load_extension, quote
from ropewalk.dataops.sources.columns import Relation, declared_types, require_columns
from ropewalk.dataops.sources.database_declarations import TableSource
from ropewalk.dataops.sources.dialects import Dialect, RemoteColumn, TablePath
from ropewalk.dataops.sources.errors import InvalidCursor
from ropewalk.dataops.sources.landing import LandingRules, landing_rules
from ropewalk.dataops.sources.write_modes import since_sql
from ropewalk.errors import Place


@contextmanager
def attached(connection: duckdb.DuckDBPyConnection, dialect: Dialect) -> Iterator[str]:
    """Attach the database for the length of the block; yield its name.

    Raises:
        ExtensionMissing: what reads such a database is not installed.
        RopewalkError: it cannot be reached, or refuses the login.
    """
    if dialect.extension:
        load_extension(connection, dialect.extension)
    # All connections of the process share the attached names, so each load takes one of its own.
    alias = f"source_{uuid.uuid4().hex}"
    try:
        dialect.attach(connection, alias)
    except duckdb.Error as error:
        # Without its cause, which has the password in its text.
        raise dialect.translate(error) from None
    try:
        yield alias
    finally:
        connection.execute(f"DETACH {alias}")


@dataclass(frozen=True)
class FetchedRows:
    """Rows that were brought here, and how the source stood at that moment.

    Attributes:
        relation: the rows, in a database in memory.
        watermark: the greatest value of the cursor among them and before.
        seen: what `RemoteRows.seen` says after them; nothing without a cursor.
    """

    relation: Relation
    watermark: str | None
    seen: Mapping[str, str]


@contextmanager
def opened_store(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Yield the name of an empty database in memory, which is gone after the block."""
    name = f"rows_{uuid.uuid4().hex}"
    connection.execute(f"ATTACH ':memory:' AS {name}")
    try:
        yield name
    finally:
        connection.execute(f"DETACH {name}")


@dataclass(frozen=True)
class RemoteRows:
    """The rows of one source in an attached database.

    Attributes:
        dialect: how the database is spoken to.
        alias: the name it is attached under.
        relation: what follows FROM in the database's SQL.
        columns: how its columns are read.
        rules: how the rows land.
        place: where the source is declared.
    """

    dialect: Dialect
    alias: str
    relation: str
    columns: Sequence[RemoteColumn]
    rules: LandingRules
    place: Place

    def require_cursor(self) -> None:
        """Check that the cursor, if the rules name one, can be one.

        Raises:
            InvalidCursor: it cannot.
            ColumnMissing: there is no such column.
        """
        if self.rules.cursor is not None:
            self._cursor()

    def fetch(self, connection: duckdb.DuckDBPyConnection, watermark: str | None, store: str) -> FetchedRows:
        """Bring the rows from `watermark` on into the database `store`, and tell what there is after them.

        Both in one transaction: what is committed there in between is news to the next plan.
        """
        connection.execute("BEGIN")
        is_done = False
        try:
            arriving = self.arriving(connection, watermark)
            connection.execute(f"CREATE TABLE {store}.arriving AS {arriving.sql}")
            relation = Relation(f"SELECT * FROM {store}.arriving", arriving.columns)
            greatest = self._greatest(connection, relation, watermark)
            seen = {} if self.rules.cursor is None else self.seen(connection, greatest)
            connection.execute("COMMIT")
            is_done = True
        finally:
            if not is_done:
                # The engine has ended the transaction itself after some errors, and then says that there is none.
                with suppress(duckdb.Error):
                    connection.execute("ROLLBACK")
        return FetchedRows(relation, greatest, seen)

    def arriving(self, connection: duckdb.DuckDBPyConnection, watermark: str | None) -> Relation:
        """Return the rows that are to be loaded; the database finds them."""
        remote = ", ".join(f"{column.remote} AS {self.dialect.quote(column.name)}" for column in self.columns)
        condition = self._since(connection, watermark)
        where = f" WHERE {condition}" if condition else ""
        rows = self.dialect.rows(self.alias, f"SELECT {remote} FROM {self.relation} AS q{where}")
        local = ", ".join(f"{c.local.format(quote(c.name))} AS {quote(c.name)}" for c in self.columns)
        return Relation(f"SELECT {local} FROM {rows}", tuple(Column(c.name, c.type) for c in self.columns))

    def seen(self, connection: duckdb.DuckDBPyConnection, watermark: str | None) -> dict[str, str]:
        """Return what tells whether there is news after `watermark`: the greatest value, and how many rows count.

        The greatest value alone would hide a row that came late, and one that shares its value with others.
        """
        cursor = self._cursor()
        greatest = f"CAST(max({cursor.order}) AS {self.dialect.text_type})"
        condition = self._since(connection, watermark)
        where = f" WHERE {condition}" if condition else ""
        sql = f"SELECT {greatest} AS greatest, count(*) AS number FROM {self.relation} AS q{where}"
        row = connection.execute(
            f"SELECT CAST(greatest AS VARCHAR), CAST(number AS VARCHAR) FROM {self.dialect.rows(self.alias, sql)}"
        ).fetchone()
        assert row is not None
        return {"watermark": str(row[0] or ""), "rows from there": str(row[1])}

    def _greatest(
        self, connection: duckdb.DuckDBPyConnection, relation: Relation, watermark: str | None
    ) -> str | None:
        if self.rules.cursor is None:
            return None
        cursor = self._cursor()
        known = f"SELECT CAST({literal(watermark)} AS {cursor.type})"
        values = f"SELECT {quote(cursor.name)} AS value FROM ({relation.sql}) UNION ALL {known}"
        row = connection.execute(f"SELECT CAST(max(value) AS VARCHAR) FROM ({values})").fetchone()
        return None if row is None or row[0] is None else str(row[0])

    def _since(self, connection: duckdb.DuckDBPyConnection, watermark: str | None) -> str | None:
        """Return the database's condition of rows that may be news, or None when all are."""
        if self.rules.cursor is None or watermark is None:
            return None
        cursor = self._cursor()
        since = since_sql(watermark, cursor.type, self.rules.overlap)
        row = connection.execute(f"SELECT CAST(CAST({since} AS {cursor.type}) AS VARCHAR)").fetchone()
        assert row is not None
        value = self.dialect.literal(str(row[0]), cursor)
        # A row at the watermark is taken again where it can be told from the one that was loaded. One without a
        # value always comes: it goes to quarantine, where somebody can see it.
        return f"({cursor.order} >= {value} OR {self.dialect.quote(cursor.name)} IS NULL)"

    def _cursor(self) -> RemoteColumn:
        """Return the cursor's column."""
        assert self.rules.cursor is not None
        wanted = self.rules.cursor.lower()
        found = next((column for column in self.columns if column.name.lower() == wanted), None)
        if found is None:
            require_columns(
                [wanted], [Column(c.name, c.type) for c in self.columns], "cursor.column", self.place
            )
        assert found is not None
        if found.order is None:
            raise InvalidCursor(
                f"column {found.name!r} of type {found.type} cannot be a cursor: its order here is not the database's",
                place=self.place,
                hint="take a number, a date, a time or a text, or cast it in a query",
            )
        if wanted in {name.lower() for name in self.rules.types}:
            raise InvalidCursor(
                f"types: the cursor {found.name!r} keeps the type that it has in the database, {found.type}",
                place=self.place,
                hint="cast it in a query where another one is wanted",
            )
        return found


def remote_rows(
    connection: duckdb.DuckDBPyConnection,
    dialect: Dialect,
    alias: str,
    source: TableSource,
    place: Place,
) -> RemoteRows:
    """Return the rows of `source` in the database attached as `alias`.

    Raises:
        SourceTableMissing: the database does not have the table.
        InvalidCursor: the cursor cannot be one.
        duckdb.Error: what the database or the engine does not take; `Dialect.translate` knows it.
    """
    if source.table is not None:
        relation = dialect.find_table(connection, alias, TablePath.parse(source.table, place))
    else:
        relation = dialect.query(connection, alias, (source.query or "").strip().rstrip(";"))
    types: Mapping[str, str] = declared_types(connection, source.types, place)
    columns = dialect.columns(connection, alias, relation, dict(types))
    found = RemoteRows(dialect, alias, relation, columns, landing_rules(source), place)
    found.require_cursor()
    return found
