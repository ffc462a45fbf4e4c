"""What can be asked of a lake; asking changes nothing, but the first question makes the lake."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import duckdb

from ropewalk.dataops.lake.asking import MEMORY, Asking, QueryResult
from ropewalk.dataops.lake.builds import Build, Builds
from ropewalk.dataops.lake.changes import Changes, Numbers, Span, find_changes, keeps_rows
from ropewalk.dataops.lake.committing import roll_back
from ropewalk.dataops.lake.console import Console, Names
from ropewalk.dataops.lake.digest import Column, digest_groups, read_columns
from ropewalk.dataops.lake.engines import Engines
from ropewalk.dataops.lake.errors import TableMissing, translate_error
from ropewalk.dataops.lake.home import LakeHome
from ropewalk.dataops.lake.masks import Masks
from ropewalk.dataops.lake.names import TableName
from ropewalk.dataops.lake.pins import Pin, list_pins
from ropewalk.dataops.lake.retry import retry_locked
from ropewalk.dataops.lake.snapshots import SnapshotInfo, find_snapshot_at, list_snapshots, names_at
from ropewalk.dataops.lake.tables import TableInfo, describe_tables, list_tables
from ropewalk.dataops.lake.transaction import LakeTransaction, Value


class LakeReading:
    """The half of `Lake` that asks; `open_engine` opens the lake for a thread.

    Attributes:
        home: where it is.
        folder: its folder on this machine.
    """

    def __init__(self, home: LakeHome, open_engine: Callable[[], duckdb.DuckDBPyConnection]) -> None:
        self.home = home
        self.folder = home.folder
        # Nothing is opened here: many commands hold a lake and never ask it anything.
        self._engines = Engines(open_engine)
        self._console = Console(home)
        self._builds = Builds(home.catalog, self._read)
        self._groups: dict[tuple[str, int, str], Mapping[str | None, str]] = {}
        self._described: dict[tuple[TableName, int], TableInfo] = {}
        self._numbers: dict[Span, Numbers] = {}

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a connection for reading, for one thread at a time; `FROM mart.flights` just works in it."""
        return self._engines.cursor()

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a connection, and say the engine's errors in our words."""
        with self.cursor() as connection:
            try:
                yield connection
            except duckdb.Error as error:
                raise translate_error(error) from error

    @property
    def exists(self) -> bool:
        """Whether the lake has been made; asking does not make it."""
        return self.home.catalog.exists()

    def snapshot(self) -> int:
        """Return the number of the newest snapshot."""
        with self.cursor() as connection:
            return newest_snapshot(connection)

    def snapshots(self, table: str | None = None, limit: int | None = None) -> list[SnapshotInfo]:
        """Return the snapshots that are kept (those that changed `table`), the newest first, at most `limit`."""
        if not self.exists:
            return []
        name = TableName.parse(table) if table else None
        with self.reading() as connection:
            return retry_locked(lambda: list_snapshots(connection, name, limit))

    def names_at(self, snapshot: int) -> list[str]:
        """Return `schema.table` of every table that there was at `snapshot`.

        Raises:
            SnapshotMissing: the lake does not have that snapshot.
        """
        with self.reading() as connection:
            return retry_locked(lambda: names_at(connection, snapshot))

    def snapshot_at(self, time_ms: int) -> int:
        """Return the snapshot that was the newest at `time_ms`, in UTC milliseconds.

        Raises:
            SnapshotMissing: the lake did not exist then, or has no snapshot that old any more.
        """
        with self.reading() as connection:
            return retry_locked(lambda: find_snapshot_at(connection, time_ms))

    def pins(self) -> list[Pin]:
        """Return every pin, in order of their names."""
        if not self.exists:
            return []
        with self.reading() as connection:
            return retry_locked(lambda: list_pins(connection))

    def read_at(self, table: str, snapshot: int) -> duckdb.DuckDBPyRelation:
        """Return the rows that `table` had at `snapshot`.

        Raises:
            TableMissing, SnapshotMissing: there is no such table, or nothing is kept from then.
        """
        name = TableName.parse(table)
        with self.reading() as connection:
            if str(name).lower() not in map(str.lower, names_at(connection, snapshot)):
                raise TableMissing(f"there is no table {table!r} at snapshot {snapshot}")
        return self.cursor().sql(f"FROM {name.at(snapshot)}")

    def build(self, node_id: str) -> Build | None:
        """Return what the lake says about a node's content at the head, or None when it has none."""
        return self._builds.at_head().get(node_id) if self.exists else None

    def built_nodes(self) -> frozenset[str]:
        """Return the nodes that have made what is at the head."""
        return frozenset(self._builds.at_head()) if self.exists else frozenset()

    def holds(self, node_id: str, key: str, digest: str, snapshot: int) -> bool:
        """Return whether `snapshot` is there and was committed with the node's content of `key` and `digest`."""
        build = self._builds.at(snapshot).get(node_id) if self.exists else None
        return build is not None and (build.key, build.digest.digest) == (key, digest)

    def read_book(self, book: str, owner: str, snapshot: int | None = None) -> list[tuple[Value, ...]]:
        """Return the rows that the book-keeping table `book` has for `owner`, as of now or as of `snapshot`."""
        with self.reading() as connection:
            return retry_locked(lambda: LakeTransaction(connection).read_book(book, owner, snapshot))

    def digest_groups(self, table: str, snapshot: int, group: str) -> Mapping[str | None, str]:
        """Return the digest of the rows of `table` at `snapshot` for each value of the SQL expression `group`."""
        # A table at a snapshot never changes, so this is worked out once for as long as the lake is open.
        asked = (table, snapshot, group)
        if asked not in self._groups:
            relation = TableName.parse(table).at(snapshot)
            with self.reading() as connection:
                self._groups[asked] = retry_locked(lambda: digest_groups(connection, relation, group))
        return self._groups[asked]

    def columns_at(self, table: str, snapshot: int) -> list[Column]:
        """Return the columns that `table` had at `snapshot`."""
        with self.reading() as connection:
            return retry_locked(lambda: read_columns(connection, TableName.parse(table).at(snapshot)))

    def changes(self, table: str, since: int, until: int) -> Changes:
        """Return what changed in `table` after snapshot `since`, up to and with `until`, as a SELECT.

        Raises:
            TableMissing, SnapshotMissing: the lake does not have the table at one of the two.
            ChangesMissing: it was made anew in between, or `until` is before `since`.
        """
        span = Span(TableName.parse(table), since, until)
        with self.reading() as connection:
            return retry_locked(lambda: find_changes(connection, span, self._numbers))

    def can_follow(self, table: str, since: int, until: int) -> bool:
        """Return whether `changes` tells little: most rows that are in both snapshots were not written anew.

        A table that was rebuilt is told as all of its rows going and coming: comparing by key is then better.

        Raises:
            TableMissing, SnapshotMissing: the lake does not have the table at one of the two.
        """
        span = Span(TableName.parse(table), since, until)
        with self.reading() as connection:
            return retry_locked(lambda: keeps_rows(connection, span, self._numbers))

    def tables(self) -> list[TableInfo]:
        """Return every table at the head with its columns and row count, in order of their names."""
        with self.reading() as connection:
            return retry_locked(lambda: list_tables(connection))

    def tables_at(self, tables: Mapping[str, int]) -> list[TableInfo]:
        """Return those of `tables` that the lake has at their snapshots, in order of their names."""
        wanted = [(TableName.parse(table), snapshot) for table, snapshot in sorted(tables.items())]
        # A table at a snapshot never changes, so it is described once.
        unknown = {name: number for name, number in wanted if (name, number) not in self._described}
        if unknown and self.exists:
            with self.reading() as connection:
                found = retry_locked(lambda: describe_tables(connection, unknown))
            self._described |= {(name, unknown[name]): info for name, info in found.items()}
        return [self._described[item] for item in wanted if item in self._described]

    def table_names(self) -> tuple[str, ...]:
        """Return `schema.table` of every table at the head."""
        return tuple(f"{table.schema}.{table.name}" for table in self.tables())

    def query(
        self,
        sql: str,
        limit: int = 1000,
        timeout_s: float = 30.0,
        tables: Mapping[str, int] | None = None,
        refuse: Callable[[str], None] = lambda _name: None,
        masks: Masks | None = None,
    ) -> QueryResult:
        """Return up to `limit` rows of one SELECT over the lake's tables; nothing else is allowed.

        Args:
            sql: the SELECT; `FROM lake.mart.flights` always means the head, with AT (VERSION => 3) that snapshot.
            limit: the most rows.
            timeout_s: the most seconds.
            tables: the snapshot that the unqualified name of each table means; all others mean the head.
            refuse: is told each unqualified name that is not in `tables`, and may raise.
            masks: what is masked for who asks.

        Raises:
            QueryNotAllowed: it is not one SELECT, or it calls a function that reads files.
            InvalidQuery, TableMissing: it does not parse, or names something that does not exist.
            QueryTimeout: it took longer than `timeout_s`.
        """
        return self.ask(sql, Asking(limit, timeout_s), tables, refuse, masks)

    def ask(
        self,
        sql: str,
        asking: Asking,
        tables: Mapping[str, int] | None = None,
        refuse: Callable[[str], None] = lambda _name: None,
        masks: Masks | None = None,
    ) -> QueryResult:
        """Return what one SELECT finds, within the limits and in the form of `asking`; the rest is as for `query`.

        Raises:
            RopewalkError: as `query` says.
        """
        # The console reads only: the lake is made here, if it has to be.
        if not self.exists:
            self.cursor().close()

        def known() -> tuple[str, ...]:
            return tuple(sorted({*(tables or ()), *self.table_names()}))

        names = Names(tables, refuse, known, masks or Masks())
        if asking.memory == MEMORY:
            return self._console.run(sql, asking, names)
        # An engine's limit is that of its whole life.
        with closing(Console(self.home, asking.memory)) as console:
            return console.run(sql, asking, names)

    @contextmanager
    def rehearsal(self) -> Iterator[LakeTransaction]:
        """Yield a transaction that is always rolled back: to see what a change would do. It needs no lease."""
        with self.cursor() as connection:
            connection.execute("BEGIN")
            try:
                yield LakeTransaction(connection)
            finally:
                roll_back(connection)

    def close(self) -> None:
        """Close every connection of every thread; the next use opens the lake again."""
        self._console.close()
        self._engines.close()
        self.home.catalog.close()
        self._builds.forget()
        self._described.clear()
        self._groups.clear()
        self._numbers.clear()

    def _read(self, sql: str) -> list[tuple[Any, ...]]:
        with self.cursor() as connection:
            return retry_locked(lambda: connection.execute(sql).fetchall())


def newest_snapshot(connection: duckdb.DuckDBPyConnection) -> int:
    """Return the number of the newest snapshot."""
    rows = retry_locked(lambda: connection.execute("SELECT id FROM lake.current_snapshot()").fetchall())
    return int(rows[0][0])
