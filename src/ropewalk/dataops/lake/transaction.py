"""One change of the lake: several tables and their book-keeping, all of it or none."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from ropewalk.dataops.lake.builds import Build
from ropewalk.dataops.lake.digest import Column, TableDigest, digest_relation, read_columns, table_names
from ropewalk.dataops.lake.errors import InvalidQuery, TableMissing, translate_error
from ropewalk.dataops.lake.names import LAKE, TableName, literal, quote
from ropewalk.dataops.lake.scope import Scope
from ropewalk.dataops.lake.views import define_view, drop_view
from ropewalk.errors import Place

STAGE = '"temp"."ropewalk_stage"'
Value = str | int | None
EXACT_WHOLE = 2**53


class LakeTransaction:
    """What may be done between BEGIN and COMMIT; made by `Lake.transaction`.

    DuckDB's own errors pass through the methods and are translated at the end of the transaction.

    Attributes:
        connection: the engine inside the transaction; unqualified names mean what the transaction reads, or the
            lake's head when it was not told.
        builds: what it makes, by node.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, scope: Scope | None = None) -> None:
        self.connection = connection
        self.builds: dict[str, Build] = {}
        self._scope = scope
        self._snapshot: int | None = None

    @property
    def snapshot(self) -> int:
        """The snapshot that this transaction made; there is one after a commit that recorded a build."""
        assert self._snapshot is not None
        return self._snapshot

    def committed(self, snapshot: int) -> None:
        """Note that the transaction was committed as `snapshot`."""
        self._snapshot = snapshot

    def replace(self, table: str, select_sql: str, origin: Place | None = None) -> TableDigest:
        """Make `table` hold exactly the rows of `select_sql`; unchanged content is not written again.

        The table is created when missing and rebuilt in place otherwise, also with other columns. `origin` is
        where the SQL starts in a person's file: errors then name the line there.

        Raises:
            InvalidTableName: `table` is not `schema.table`.
            InvalidQuery, TableMissing: `select_sql` is not one SELECT, or cannot be computed.
        """
        TableName.parse(table)
        self.stage(select_sql, origin)
        return self.publish(table)

    def stage(self, select_sql: str, origin: Place | None = None, *, is_more: bool = False) -> None:
        """Compute the rows of `select_sql` and lay them aside as `STAGE`, or with `is_more` add them to it.

        Raises:
            InvalidQuery, TableMissing: `select_sql` is not one SELECT, or cannot be computed.
        """
        self._run(
            f"INSERT INTO {STAGE}" if is_more else "CREATE OR REPLACE TEMP TABLE ropewalk_stage AS",
            select_sql,
            origin,
        )

    def define_view(
        self, table: str, select_sql: str, pinned_sql: str, origin: Place | None = None
    ) -> TableDigest:
        """Let `table` mean the rows of a SELECT without keeping them, and return their digest.

        Args:
            table: `schema.table`.
            select_sql: the SELECT over what the transaction reads.
            pinned_sql: the same with every table named in the lake and at its snapshot.
            origin: where the SQL starts in a person's file: errors then name the line there.

        Raises:
            InvalidTableName: `table` is not `schema.table`.
            InvalidQuery, TableMissing: the SELECT is not one, or cannot be computed.
        """
        name = TableName.parse(table)
        self._run("DESCRIBE", select_sql, origin)
        define_view(self.connection, name, pinned_sql)
        if self._scope is not None:
            self._scope.reveal(name.schema)
        return digest_relation(self.connection, name.sql)

    def _run(self, verb: str, select_sql: str, origin: Place | None) -> None:
        try:
            self._require_select(select_sql)
            # The SQL starts on a line of its own, so that the columns in DuckDB's messages are those of the file.
            self.connection.execute(f"{verb}\n{select_sql}")
        except duckdb.Error as error:
            path, line = (origin.path, origin.line or 1) if origin else ("query", 1)
            names, columns = self._names_for_messages()
            raise translate_error(error, names, path, line - 1, columns) from error

    def publish(self, table: str) -> TableDigest:
        """Make `table` hold exactly the rows laid aside; unchanged content is not written again."""
        name = TableName.parse(table)
        made = self._publish_stage(name)
        self._end_stage(name)
        return made

    def patch(self, table: str, condition: str) -> TableDigest:
        """Put the rows laid aside in the place of those of `table` that meet `condition`."""
        name = TableName.parse(table)
        self._refuse_inexact(read_columns(self.connection, STAGE))
        self.connection.execute(f"DELETE FROM {name.sql} WHERE {condition}")
        self.connection.execute(f"INSERT INTO {name.sql} FROM {STAGE}")
        self._end_stage(name)
        return digest_relation(self.connection, name.sql)

    def _end_stage(self, name: TableName) -> None:
        self.connection.execute("DROP TABLE " + STAGE)
        if self._scope is not None:
            # A rule about the table may name it like any other; what it has to judge is not committed yet.
            self._scope.reveal(name.schema)

    def digest(self, table: str) -> TableDigest:
        """Return the digest of `table` as this transaction sees it.

        Raises:
            TableMissing: the lake has no such table.
        """
        name = TableName.parse(table)
        if self.columns(table) is None:
            raise TableMissing(f"there is no table {table!r}")
        return digest_relation(self.connection, name.sql)

    def columns(self, table: str) -> list[Column] | None:
        """Return the columns of `table` as this transaction sees it, or None when there is no such table."""
        # Asked for by its name: listing the tables would read the statistics of all of them.
        try:
            # Not by DESCRIBE: a table called `csv` or `json` that is not there is taken for a file of that name.
            rows = self.connection.execute(
                f"SELECT name, type FROM pragma_table_info({literal(TableName.parse(table).sql)}) ORDER BY cid"
            ).fetchall()
        except duckdb.CatalogException:
            return None
        return [Column(str(name), str(kind)) for name, kind in rows]

    def table_names(self) -> tuple[str, ...]:
        """Return `schema.table` of every table as this transaction sees it, the books among them."""
        return table_names(self.connection)

    def drop(self, table: str) -> None:
        """Remove `table` from the lake from this snapshot on, if it is there."""
        self.connection.execute(f"DROP TABLE IF EXISTS {TableName.parse(table).sql}")

    def record_build(self, node_id: str, key: str, digest: TableDigest) -> None:
        """Write down, with the data and with the commit, under which action key the node's content was made."""
        self.builds[node_id] = Build(key, digest)
        # Also when nothing else changes: without a change there would be no snapshot to name.
        self.rewrite_book("builds", node_id, [(node_id, key, digest.digest, digest.rows)])

    def open_book(self, book: str, columns: str) -> None:
        """Make the book-keeping table `book` with `columns`, as SQL declares them, unless it is there."""
        self.connection.execute(f"CREATE TABLE IF NOT EXISTS {_book(book)} ({columns})")

    def read_book(self, book: str, owner: str, snapshot: int | None = None) -> list[tuple[Value, ...]]:
        """Return the rows that the book-keeping table `book` has, or had at `snapshot`, for `owner` (its first column)."""
        column = self._book_columns(book)[0]
        then = "" if snapshot is None else f" AT (VERSION => {snapshot:d})"
        return self.connection.execute(
            f"SELECT * FROM {_book(book)}{then} WHERE {quote(column)} = {literal(owner)} ORDER BY ALL"
        ).fetchall()

    def rewrite_book(self, book: str, owner: str, rows: Sequence[tuple[Value, ...]]) -> None:
        """Make `rows` the only rows that the book-keeping table `book` has for `owner` (its first column).

        The whole table is written anew: it stays one small file, however often it changes.
        """
        columns = self._book_columns(book)
        execute = self.connection.execute
        execute(
            f"CREATE OR REPLACE TEMP TABLE ropewalk_stage AS FROM {_book(book)} "
            f"WHERE {quote(columns[0])} <> {literal(owner)}"
        )
        if rows:
            values = ", ".join(f"({', '.join(literal(value) for value in row)})" for row in rows)
            execute(f"INSERT INTO {STAGE} VALUES {values}")
        execute(f"DELETE FROM {_book(book)}")
        # Sorted, so that the file is the same whatever the order of the changes was.
        execute(f"INSERT INTO {_book(book)} FROM {STAGE} ORDER BY ALL")
        execute("DROP TABLE " + STAGE)

    def _book_columns(self, book: str) -> list[str]:
        return [column.name for column in read_columns(self.connection, _book(book))]

    def _refuse_inexact(self, columns: Sequence[Column]) -> None:
        """Refuse whole numbers that Parquet, which keeps HUGEINT as DOUBLE, would round.

        Raises:
            InvalidQuery: a column holds one; the error says how to keep it.
        """
        huge = [column for column in columns if column.type in {"HUGEINT", "UHUGEINT"}]
        if not huge:
            return
        checks = ", ".join(f"coalesce(max(abs({quote(c.name)})) > {EXACT_WHOLE}, false)" for c in huge)
        found = self.connection.execute(f"SELECT {checks} FROM {STAGE}").fetchone() or ()
        for column, is_rounded in zip(huge, found, strict=True):
            if is_rounded:
                raise InvalidQuery(
                    f"column {column.name!r} holds whole numbers beyond {EXACT_WHOLE:,}, which {column.type} "
                    "would round in the lake",
                    hint=f"CAST({quote(column.name)} AS DECIMAL(38, 0))",
                )

    def _names_for_messages(self) -> tuple[tuple[str, ...], Sequence[str]]:
        """Return the names that tables and columns could have had."""
        try:
            return table_names(self.connection), self._scope.columns() if self._scope else ()
        except duckdb.Error:
            # An error while computing rows, unlike one of binding, has ended the transaction.
            return (), ()

    def _require_select(self, sql: str) -> None:
        # On a second line, as in the statement that is executed, so that places are counted alike.
        statements = self.connection.extract_statements(f"\n{sql}")
        if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
            raise InvalidQuery("a table is made by exactly one SELECT statement")

    def _publish_stage(self, name: TableName) -> TableDigest:
        """Write the staged rows to the table unless it holds the same content already."""
        staged, made = read_columns(self.connection, STAGE), digest_relation(self.connection, STAGE)
        self._refuse_inexact(staged)
        drop_view(self.connection, name)
        present = self.columns(str(name))
        # Reading both costs little beside writing one: unchanged content makes no new files and no snapshot.
        if present == staged and digest_relation(self.connection, name.sql) == made:
            return made
        execute = self.connection.execute
        if present == staged:
            # In place, as many tables dropped and made again leave orphans in DuckLake's metadata.
            execute(f"DELETE FROM {name.sql}")
            execute(f"INSERT INTO {name.sql} FROM {STAGE}")
            return made
        # Other columns: the table is made anew, in this transaction. Readers keep the old one until the commit.
        execute(f"CREATE SCHEMA IF NOT EXISTS {LAKE}.{quote(name.schema)}")
        execute(f"DROP TABLE IF EXISTS {name.sql}")
        execute(f"CREATE TABLE {name.sql} AS FROM {STAGE}")
        return made


def _book(name: str) -> str:
    return f"{LAKE}.ropewalk.{quote(name)}"
