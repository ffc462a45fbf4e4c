"""The lake of one project: versioned tables that many may read while one writes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Self, TypeVar

import duckdb

from ropewalk.dataops.lake.committing import committed
from ropewalk.dataops.lake.errors import translate_error
from ropewalk.dataops.lake.expiry import Expired, expire_snapshots, remove_unclaimed
from ropewalk.dataops.lake.extensions import connect
from ropewalk.dataops.lake.home import LakeHome, local_home
from ropewalk.dataops.lake.names import TableName
from ropewalk.dataops.lake.pins import Pin, pinned_snapshots, remove_pin, write_pin
from ropewalk.dataops.lake.port import Capabilities
from ropewalk.dataops.lake.reader import open_engine
from ropewalk.dataops.lake.reading import LakeReading, newest_snapshot
from ropewalk.dataops.lake.scope import open_scope
from ropewalk.dataops.lake.threads import widened_later
from ropewalk.dataops.lake.transaction import LakeTransaction
from ropewalk.dataops.lake.writer_lease import WriterLease

T = TypeVar("T")
WAIT_S = 60.0
AUTHOR = "ropewalk"
# From what a commit is about to who makes it and what is written down with it.
Sign = Callable[[str], tuple[str, str]]
# Files that no snapshot names: a killed or failed writer left them, and no other can be at work under the lease.
DELETE_ORPHANS = "CALL ducklake_delete_orphaned_files('lake', cleanup_all => true)"


class Lake(LakeReading):
    """The lake at one place (a folder has all of it); opened at first use, made when missing, closed as a context manager.

    Attributes:
        capabilities: what it can do, see `LakePort`.
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
        super().__init__(local_home(place) if isinstance(place, Path) else place, self._connect)
        self._sign = sign
        self._lease = WriterLease(self.home.catalog.writer_lock(), wait_s, stopping)
        self._guards: dict[str, Callable[[LakeTransaction], None]] = {}

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
                    transaction.committed(newest_snapshot(connection))
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
                if isinstance(error, duckdb.IOException):
                    # As after a transaction: what could not be written whole would fill the disk.
                    with suppress(duckdb.Error):
                        self._remove_unfinished(connection)
                raise translate_error(error) from error

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

    def write(self, table: str, select_sql: str, message: str) -> int:
        """Make `table` hold the rows of `select_sql`; return the snapshot that has them.

        Raises:
            RopewalkError: as `transaction` and `LakeTransaction.replace` say.
        """
        with self.transaction(message) as transaction:
            transaction.replace(table, select_sql)
        return self.snapshot()

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
        with self.cursor() as connection, self._lease.hold() as was_killed, widened_later(connection):
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


def _named(found: Mapping[str, T]) -> dict[TableName, T]:
    return {TableName.parse(name): value for name, value in found.items()}
