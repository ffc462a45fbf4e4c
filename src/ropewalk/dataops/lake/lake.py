"""The lake of one project: versioned tables that many may read while one writes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

import duckdb

from ropewalk.dataops.lake.asking import MEMORY, Asking, QueryResult
from ropewalk.dataops.lake.builds import Build, Builds
from ropewalk.dataops.lake.changes import Changes, find_changes, keeps_rows
from ropewalk.dataops.lake.committing import committed, roll_back
from ropewalk.dataops.lake.console import Console, Names
from ropewalk.dataops.lake.digest import Column, digest_groups, read_columns
from ropewalk.dataops.lake.engines import Engines
from ropewalk.dataops.lake.errors import TableMissing, translate_error
from ropewalk.dataops.lake.expiry import Expired, expire_snapshots, remove_unclaimed
from ropewalk.dataops.lake.extensions import connect
from ropewalk.dataops.lake.home import LakeHome, local_home
from ropewalk.dataops.lake.masks import Masks
from ropewalk.dataops.lake.names import TableName
from ropewalk.dataops.lake.pins import Pin, list_pins, pinned_snapshots, remove_pin, write_pin
from ropewalk.dataops.lake.port import Capabilities
from ropewalk.dataops.lake.reader import open_engine
from ropewalk.dataops.lake.retry import retry_locked
from ropewalk.dataops.lake.scope import open_scope
from ropewalk.dataops.lake.snapshots import SnapshotInfo, find_snapshot_at, list_snapshots, names_at
from ropewalk.dataops.lake.tables import TableInfo, describe_tables, list_tables
from ropewalk.dataops.lake.transaction import LakeTransaction, Value
from ropewalk.dataops.lake.writer_lease import WriterLease

T = TypeVar("T")
WAIT_S = 60.0
AUTHOR = "ropewalk"
# From what a commit is about to who makes it and what is written down with it.
Sign = Callable[[str], tuple[str, str]]
# Files that no snapshot names: a killed or failed writer left them, and no other can be at work under the lease.
DELETE_ORPHANS = "CALL ducklake_delete_orphaned_files('lake', cleanup_all => true)"


class Lake:
    """The lake at one place (a folder has all of it); opened at first use, made when missing, closed as a context manager.

    Attributes:
        capabilities: what it can do, see `LakePort`.
        home: where it is.
        folder: its folder on this machine.
    """

    capabilities = Capabilities(
        spans_tables=True, follows_rows=True, removes_files=True, is_transactional=True
    )

    def __init__(
        self,
        place: Path | LakeHome,
        wait_s: float = WAIT_S,
        stopping: threading.Event | None = None,
        sign: Sign = lambda message: (AUTHOR, message),
    ) -> None:
        self.home = local_home(place) if isinstance(place, Path) else place
        self.folder = self.home.folder
        self._sign = sign
        # Nothing is opened here: many commands hold a lake and never ask it anything.
        self._lease = WriterLease(self.home.catalog.writer_lock(), wait_s, stopping)
        self._engines = Engines(self._connect)
        self._console = Console(self.home)
        self._builds = Builds(self.home.catalog, self._read)
        self._groups: dict[tuple[str, int, str], Mapping[str | None, str]] = {}
        self._described: dict[tuple[TableName, int], TableInfo] = {}
        self._guards: dict[str, Callable[[LakeTransaction], None]] = {}

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a connection for reading, for one thread at a time; `FROM mart.flights` just works in it."""
        return self._engines.cursor()

    @contextmanager
    def transaction(
        self,
        message: str,
        author: str | None = None,
        reads: Mapping[str, int] | None = None,
        where: Mapping[str, str] | None = None,
    ) -> Iterator[LakeTransaction]:
        """Yield the one transaction that may write now; commit at the end, roll back on any error.

        Args:
            message: what the snapshot is about.
            author: who makes it; unset, who the lake was opened by.
            reads: the snapshot at which each table is read; unqualified names then mean these tables and no others.
            where: the condition in SQL that the rows of a table meet of which not all are read.

        Raises:
            LakeBusy: another process kept the lake's writer lease too long.
            TableMissing, SnapshotMissing: something that is to be read is not in the lake.
            RopewalkError: what DuckDB could not do, in our words.
        """
        with self._writing() as connection:
            tables = None if reads is None else _named(reads)
            try:
                with (
                    nullcontext()
                    if tables is None
                    else open_scope(connection, tables, _named(where or {})) as scope
                ):
                    transaction = LakeTransaction(connection, scope)
                    with committed(transaction, self.sign(message, author), self._lease.lock):
                        yield transaction
                        for node_id in transaction.builds.keys() & self._guards.keys():
                            self._guards[node_id](transaction)
                self.home.catalog.forget()
                if transaction.builds:
                    # Nobody else can have committed since, as the lease is still held.
                    transaction.committed(_newest(connection))
            except duckdb.IOException as error:
                # A disk that is full of what could not be written whole would stay full.
                with suppress(duckdb.Error):
                    self._remove_unfinished(connection)
                raise translate_error(error) from error
            except duckdb.Error as error:
                raise translate_error(error, self.table_names()) from error

    @contextmanager
    def guarded(self, node_id: str, guard: Callable[[LakeTransaction], None]) -> Iterator[None]:
        """Within the block, let what records a build of the node pass `guard` before its commit; it may raise."""
        self._guards[node_id] = guard
        try:
            yield
        finally:
            del self._guards[node_id]

    def expire(self, keep: Collection[int], older_than_ms: int, *, is_dry: bool = False) -> Expired:
        """Let go of all snapshots but `keep` and the newest, and of the files that only they needed.

        A snapshot that was the newest within the last `older_than_ms` milliseconds stays: somebody may be reading
        it, or have made it and not told of it yet.

        Raises:
            LakeBusy: another process kept the lake's writer lease too long.
        """
        if not self.exists:
            return Expired(0, 0, 0)
        before_ms = time.time_ns() // 1_000_000 - older_than_ms
        with self.reading() if is_dry else self.maintaining() as connection:
            kept = {*keep, *pinned_snapshots(connection)}
            expired = expire_snapshots(connection, kept, before_ms, is_dry=is_dry)
        self.home.catalog.forget()
        return expired

    @contextmanager
    def maintaining(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Hold the writer lease and yield a connection outside any transaction, for the upkeep of the lake.

        Raises:
            LakeBusy: another process kept the lake's writer lease too long.
            RopewalkError: what DuckDB could not do, in our words.
        """
        with self._writing() as connection:
            try:
                yield connection
            except duckdb.Error as error:
                raise translate_error(error) from error

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

    def pin(self, name: str, tables: Mapping[str, int], message: str = "") -> Pin:
        """Give `tables`, each at its snapshot, a name, and let nothing of them be expired while it has it.

        Raises:
            PinTaken: the name is of another pin.
            TableMissing, SnapshotMissing: something of it is not in the lake.
        """
        wanted = _named(tables)
        with self.transaction(f"pin {name}") as transaction:
            return write_pin(transaction, Pin.new(name, self.sign("")[0], message), wanted)

    def unpin(self, name: str) -> Pin:
        """Take a pin away, and return what it was; its snapshots may be expired from now on.

        Raises:
            PinMissing: there is none of that name.
        """
        with self.transaction(f"unpin {name}") as transaction:
            return remove_pin(transaction, name)

    def pins(self) -> list[Pin]:
        """Return every pin, in order of their names."""
        if not self.exists:
            return []
        with self.reading() as connection:
            return retry_locked(lambda: list_pins(connection))

    @contextmanager
    def rehearsal(self) -> Iterator[LakeTransaction]:
        """Yield a transaction that is always rolled back: to see what a change would do. It needs no lease."""
        with self.cursor() as connection:
            connection.execute("BEGIN")
            try:
                yield LakeTransaction(connection)
            finally:
                roll_back(connection)

    @property
    def exists(self) -> bool:
        """Whether the lake has been made; asking does not make it."""
        return self.home.catalog.exists()

    def snapshot(self) -> int:
        """Return the number of the newest snapshot."""
        with self.cursor() as connection:
            return _newest(connection)

    def build(self, node_id: str) -> Build | None:
        """Return what the lake says about a node's content at the head, or None when it has none."""
        return self._builds.at_head().get(node_id) if self.exists else None

    def write(self, table: str, select_sql: str, message: str) -> int:
        """Make `table` hold the rows of `select_sql`; return the snapshot that has them.

        Raises:
            RopewalkError: as `transaction` and `LakeTransaction.replace` say.
        """
        with self.transaction(message) as transaction:
            transaction.replace(table, select_sql)
        return self.snapshot()

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
        name = TableName.parse(table)
        with self.reading() as connection:
            return retry_locked(lambda: find_changes(connection, name, since, until))

    def can_follow(self, table: str, since: int, until: int) -> bool:
        """Return whether `changes` tells little: most rows that are in both snapshots were not written anew.

        A table that was rebuilt is told as all of its rows going and coming: comparing by key is then better.

        Raises:
            TableMissing, SnapshotMissing: the lake does not have the table at one of the two.
        """
        name = TableName.parse(table)
        with self.reading() as connection:
            return retry_locked(lambda: keeps_rows(connection, name, since, until))

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

    def close(self) -> None:
        """Close every connection of every thread; the next use opens the lake again."""
        self._console.close()
        self._engines.close()
        self.home.catalog.close()
        self._builds.forget()
        self._described.clear()
        self._groups.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def sign(self, message: str, author: str | None = None) -> tuple[str, str]:
        """Return author and message as they are written down with a commit."""
        signed, told = self._sign(message)
        return author or signed, told

    def _connect(self) -> duckdb.DuckDBPyConnection:
        """Return a new engine with the lake attached, which is made when it is missing."""
        catalog = self.home.catalog
        # Only the first use of a project's lake finds no catalogue.
        if not catalog.exists():
            with self._lease.hold():
                # Another process or thread may have made it while this one waited.
                if not catalog.exists():
                    with connect() as maker:
                        catalog.create(maker, self.home.storage)
        return open_engine(self.home)

    @contextmanager
    def _writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Hold the writer lease and yield a connection."""
        # Making a missing lake takes the lease too, so the cursor has to come before it is taken here.
        with self.cursor() as connection, self._lease.hold() as was_killed:
            if was_killed:
                self._remove_unfinished(connection)
            yield connection

    def _remove_unfinished(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Remove files that were not committed; the caller holds the lease."""
        if self.home.catalog.is_local:
            # No other writer is at work that could own them.
            connection.execute(DELETE_ORPHANS)
        else:
            # One on another machine that has lost its lease may not know it yet.
            remove_unclaimed(connection)

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a connection, and say the engine's errors in our words."""
        with self.cursor() as connection:
            try:
                yield connection
            except duckdb.Error as error:
                raise translate_error(error) from error

    def _read(self, sql: str) -> list[tuple[Any, ...]]:
        with self.cursor() as connection:
            return retry_locked(lambda: connection.execute(sql).fetchall())


def _named(found: Mapping[str, T]) -> dict[TableName, T]:
    return {TableName.parse(name): value for name, value in found.items()}


def _newest(connection: duckdb.DuckDBPyConnection) -> int:
    rows = retry_locked(lambda: connection.execute("SELECT id FROM lake.current_snapshot()").fetchall())
    return int(rows[0][0])
