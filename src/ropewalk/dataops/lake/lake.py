"""The lake of one project: versioned tables that many may read while one writes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import duckdb

from ropewalk.dataops.lake.catalog import CATALOG_FILE, DATA_FOLDER, attach, create_catalog
from ropewalk.dataops.lake.console import Console, QueryResult
from ropewalk.dataops.lake.digest import Column, TableDigest
from ropewalk.dataops.lake.engines import Engines
from ropewalk.dataops.lake.errors import translate_error
from ropewalk.dataops.lake.extensions import connect
from ropewalk.dataops.lake.names import literal
from ropewalk.dataops.lake.retry import retry_locked
from ropewalk.dataops.lake.transaction import LakeTransaction, Value
from ropewalk.dataops.lake.writer_lease import WriterLease
from ropewalk.pipeline import Workspace

WAIT_S = 60.0
# Longer than any file system's clock takes to tick.
RACY_NS = 50_000_000
# Book-keeping stands in a schema of its own, which is not shown among the tables.
_COLUMNS = """
    SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns()
    WHERE database_name = 'lake' AND schema_name <> 'ropewalk' AND NOT internal
    ORDER BY schema_name, table_name, column_index
"""
# Rows of the live files less those that delete files take away; the engine's own estimate counts history.
_ROWS = """
    SELECT s.schema_name, t.table_name, sum(f.record_count - coalesce(d.delete_count, 0))
    FROM __ducklake_metadata_lake.ducklake_data_file f
    JOIN __ducklake_metadata_lake.ducklake_table t ON t.table_id = f.table_id AND t.end_snapshot IS NULL
    JOIN __ducklake_metadata_lake.ducklake_schema s ON s.schema_id = t.schema_id
    LEFT JOIN __ducklake_metadata_lake.ducklake_delete_file d
        ON d.data_file_id = f.data_file_id AND d.end_snapshot IS NULL
    WHERE f.end_snapshot IS NULL AND s.end_snapshot IS NULL
    GROUP BY ALL
"""


@dataclass(frozen=True)
class TableInfo:
    """A table of the lake: where it is, its columns in order, and how many rows it has."""

    schema: str
    name: str
    columns: tuple[Column, ...]
    rows: int


@dataclass(frozen=True)
class Build:
    """What the lake itself says about a node's content: made under which key, and with which digest."""

    key: str
    digest: TableDigest


class Lake:
    """The lake in one folder; opened at first use, made when missing, closed as a context manager.

    Attributes:
        folder: where the catalogue and the data are.
    """

    def __init__(self, folder: Path, wait_s: float = WAIT_S) -> None:
        self.folder = folder
        # Nothing is opened here: many commands hold a lake and never ask it anything.
        self._lease = WriterLease(folder, wait_s)
        self._engines = Engines(self._connect)
        self._console = Console(folder)
        self._builds: tuple[object, dict[str, Build]] | None = None

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a connection for reading, for one thread at a time; `FROM mart.flights` just works in it."""
        return self._engines.cursor()

    @contextmanager
    def transaction(self, message: str, author: str = "ropewalk") -> Iterator[LakeTransaction]:
        """Yield the one transaction that may write now; commit at the end, roll back on any error.

        Raises:
            LakeBusy: another process kept the lake's writer lease too long.
            RopewalkError: what DuckDB could not do, in our words.
        """
        # Making a missing lake takes the lease too, so the cursor has to come before it is taken here.
        with self.cursor() as connection, self._lease.hold() as was_killed:
            is_committed = False
            try:
                if was_killed:
                    # Files that a killed writer had not committed; no other writer is at work that could own them.
                    connection.execute("CALL ducklake_delete_orphaned_files('lake', cleanup_all => true)")
                connection.execute("BEGIN")
                yield LakeTransaction(connection)
                # The message goes with the commit; without a change DuckLake makes no snapshot for it.
                connection.execute(f"CALL lake.set_commit_message({literal(author)}, {literal(message)})")
                connection.execute("COMMIT")
                is_committed = True
            except duckdb.Error as error:
                raise translate_error(error, self.table_names()) from error
            finally:
                if not is_committed:
                    _roll_back(connection)

    @contextmanager
    def rehearsal(self) -> Iterator[LakeTransaction]:
        """Yield a transaction that is always rolled back: to see what a change would do. It needs no lease."""
        with self.cursor() as connection:
            connection.execute("BEGIN")
            try:
                yield LakeTransaction(connection)
            finally:
                _roll_back(connection)

    @property
    def exists(self) -> bool:
        """Whether the lake has been made; asking does not make it."""
        return (self.folder / CATALOG_FILE).is_file()

    def snapshot(self) -> int:
        """Return the number of the newest snapshot."""
        rows = self._read("SELECT id FROM lake.current_snapshot()")
        return int(rows[0][0])

    def built_key(self, node_id: str) -> str | None:
        """Return the action key under which the node's content in the lake was made, or None."""
        build = self.build(node_id)
        return build.key if build else None

    def build(self, node_id: str) -> Build | None:
        """Return what the lake says about a node's content, or None when it has none."""
        return self._all_builds().get(node_id)

    def read_book(self, book: str, owner: str) -> list[tuple[Value, ...]]:
        """Return the rows that the book-keeping table `book` has for `owner`, as of now."""
        with self.cursor() as connection:
            return retry_locked(lambda: LakeTransaction(connection).read_book(book, owner))

    def tables(self) -> list[TableInfo]:
        """Return every table with its columns and row count, in order of their names."""
        columns: dict[tuple[str, str], list[Column]] = {}
        for schema, table, name, kind in self._read(_COLUMNS):
            columns.setdefault((str(schema), str(table)), []).append(Column(str(name), str(kind)))
        rows = {(str(schema), str(table)): int(count) for schema, table, count in self._read(_ROWS)}
        return [TableInfo(*key, tuple(found), rows.get(key, 0)) for key, found in columns.items()]

    def table_names(self) -> tuple[str, ...]:
        """Return `schema.table` of every table."""
        return tuple(f"{table.schema}.{table.name}" for table in self.tables())

    def query(self, sql: str, limit: int = 1000, timeout_s: float = 30.0) -> QueryResult:
        """Return up to `limit` rows of one SELECT over the lake's tables; nothing else is allowed.

        Raises:
            QueryNotAllowed: it is not one SELECT, or it calls a function that reads files.
            InvalidQuery, TableMissing: it does not parse, or names something that does not exist.
            QueryTimeout: it took longer than `timeout_s`.
        """
        # The console reads only: the lake is made here, if it has to be.
        if not self.exists:
            self.cursor().close()
        return self._console.run(sql, limit, timeout_s, self.table_names)

    def close(self) -> None:
        """Close every connection of every thread; the next use opens the lake again."""
        self._console.close()
        self._engines.close()
        self._builds = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connect(self) -> duckdb.DuckDBPyConnection:
        """Return a new engine with the lake attached, which is made when it is missing."""
        root = connect()
        catalog = self.folder / CATALOG_FILE
        # Only the first use of a project's lake finds no catalogue.
        if not catalog.is_file():
            with self._lease.hold():
                # Another process or thread may have made it while this one waited.
                if not catalog.is_file():
                    create_catalog(root, self.folder)
        attach(root, catalog, self.folder / DATA_FOLDER)
        return root

    def _read(self, sql: str) -> list[tuple[Any, ...]]:
        with self.cursor() as connection:
            return retry_locked(lambda: connection.execute(sql).fetchall())

    def _all_builds(self) -> dict[str, Build]:
        if not self.exists:
            return {}
        # The state is taken before the rows, so that a commit in between makes them read again, not kept.
        state = _catalog_state(self.folder / CATALOG_FILE)
        if state is None or self._builds is None or self._builds[0] != state:
            rows = self._read("SELECT node, key, digest, rows FROM ropewalk.builds")
            found = {str(n): Build(str(k), TableDigest(int(r), str(d))) for n, k, d, r in rows}
            self._builds = (state, found)
        return self._builds[1]


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    # The engine has ended the transaction itself after some errors, and then says that there is none.
    with suppress(duckdb.Error):
        connection.execute("ROLLBACK")


def _catalog_state(catalog: Path) -> object:
    """Return a value that changes with every commit to the catalogue, or None while it cannot be trusted.

    A file that changed a moment ago may change again without a new time stamp.
    """
    stats = [path.stat() for path in (catalog, Path(f"{catalog}-wal")) if path.exists()]
    newest = max(stat.st_mtime_ns for stat in stats)
    if time.time_ns() - newest < RACY_NS:
        return None
    return [(stat.st_ino, stat.st_size, stat.st_mtime_ns) for stat in stats]


def open_lake(workspace: Workspace) -> Lake:
    """Return the lake of the open project; it is closed with the workspace."""
    return workspace.once("lake", lambda: Lake(workspace.state / "lake"))
