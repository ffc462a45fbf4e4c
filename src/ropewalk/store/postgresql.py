"""The metadata database on a PostgreSQL server.

Any number of processes and machines use it at once. Reads are snapshots; writes take turns by an advisory lock, which
is what SQLite's one writer is to the code above. Connections are shared by a process's threads and opened anew when
the server drops them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pg8000.exceptions import DatabaseError, InterfaceError

from ropewalk.store.connections import Connection
from ropewalk.store.errors import DatabaseBusy
from ropewalk.store.grouping import Alone, WriteQueue
from ropewalk.store.server_address import read_address
from ropewalk.store.server_errors import LOST, describe, is_stale
from ropewalk.store.server_session import ServerSession, connect

# A server allows a hundred connections by default, to all processes together.
CONNECTIONS = 10
# A number that no other program takes by chance: the letters `ropewalk`.
_WRITER = int.from_bytes(b"ropewalk", "big")
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
# One message for all of it. A process that is halted in the middle of a write must not keep all others from writing,
# so the server ends its transaction. READ COMMITTED: what is read after the lock was got is newer than the lock.
_WRITE = (
    "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL idle_in_transaction_session_timeout = '60s';"
    f" SELECT pg_advisory_xact_lock({_WRITER})"
)


class Server:
    """A database on a server, with a few connections that this process's threads share.

    Making one opens nothing yet; it raises `InvalidSetting` when `url` is no URL of a PostgreSQL database.
    """

    def __init__(self, url: str, busy_timeout_s: float) -> None:
        self.address = read_address(url)
        self.name = self.address.shown
        self.busy_timeout_s = busy_timeout_s
        self._lock = threading.Lock()
        self._idle: list[ServerSession] = []
        self._alone = Alone(self.name)
        # Writers of this process wait here and not at the server, each with a connection.
        self._queue = WriteQueue(self, self.name, busy_timeout_s)
        self._writer: ServerSession | None = None
        self._is_writer_stale = False
        self._places = threading.Semaphore(CONNECTIONS)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection on which every statement sees one consistent state."""
        with (
            self._translated(),
            self._alone(),
            self._place(),
            self._transaction() as session,
        ):
            yield session

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a connection inside a write transaction; commit at the end, roll back on any error.

        Raises:
            DatabaseBusy: another process kept writing for longer than the busy time-out.
            DatabaseUnreachable: the server went away; whether a commit that it was doing was done, nobody knows.
            RowRefused: a row broke a rule of its table.
        """
        with self._translated(), self._alone(), self._queue.turn() as connection:
            yield connection

    def begin(self) -> Connection:
        """Begin the transaction of a group of writers."""
        self._take_place()
        try:
            self._writer = self._begin(_WRITE)
        except BaseException:
            self._places.release()
            raise
        return self._writer

    def set_savepoint(self) -> None:
        """Begin a part of the transaction that can be undone alone."""
        self._writing().run_ahead("SAVEPOINT part")

    def release_savepoint(self) -> None:
        """End the part."""
        self._writing().run("RELEASE part")

    def undo_part(self, error: BaseException) -> bool:
        """Undo the part and return whether the rest still stands: not after an interruption, or without the server."""
        self._is_writer_stale |= is_stale(error)
        # After an interruption nobody knows which answers of the server are still under way.
        if not isinstance(error, Exception):
            return False
        try:
            # What failed is `error`, and what was sent after it failed with it.
            with suppress(DatabaseError, InterfaceError):
                self._writing().settle()
            self._writing().run("ROLLBACK TO part; RELEASE part")
        except LOST:
            return False
        return True

    def commit(self) -> None:
        """Commit the transaction."""
        session = self._writing()
        session.run("COMMIT")
        self._end(session, is_usable=not self._is_writer_stale)

    def undo(self, error: BaseException) -> None:
        """Undo the transaction and give its connection back, or close one that may be broken."""
        session = self._writer
        if session is not None:
            # Statements that were planned for other tables than there are now must be planned anew.
            self._end(
                session,
                is_usable=isinstance(error, Exception) and not is_stale(error) and session.roll_back(),
            )

    def _writing(self) -> ServerSession:
        assert self._writer is not None
        return self._writer

    def _end(self, session: ServerSession, *, is_usable: bool) -> None:
        self._writer, self._is_writer_stale = None, False
        if is_usable:
            self._keep(session)
        else:
            session.close()
        self._places.release()

    def schema_version(self, connection: Connection) -> int:
        """Return the number of the last migration that was applied."""
        # Asked of the catalogue's own table: `to_regclass` may answer from before this transaction waited for its lock.
        found = connection.execute(
            "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'schema_version'"
        ).fetchone()
        if found is None:
            return 0
        return int(connection.execute("SELECT number FROM schema_version").fetchone()["number"])

    def set_schema_version(self, connection: Connection, number: int) -> None:
        """Record the number of the last migration that was applied."""
        connection.execute("CREATE TABLE IF NOT EXISTS schema_version (number INTEGER NOT NULL)")
        connection.execute("DELETE FROM schema_version")
        connection.execute("INSERT INTO schema_version VALUES (?)", (number,))

    def undisturbed(self) -> str | None:
        """Return None: others write to a server as a rule, and asking it costs what a glance is to save."""
        return None

    def close(self) -> None:
        """Close every idle connection; using the database again opens a new one."""
        with self._lock:
            idle, self._idle = self._idle, []
        for session in idle:
            session.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Say the driver's errors in the product's own words."""
        try:
            yield
        except LOST as error:
            raise describe(error, self.address) from error

    @contextmanager
    def _place(self) -> Iterator[None]:
        self._take_place()
        try:
            yield
        finally:
            self._places.release()

    def _take_place(self) -> None:
        if not self._places.acquire(timeout=self.busy_timeout_s):
            raise DatabaseBusy(
                f"{self.name} has been in use by this process for {self.busy_timeout_s:g} seconds",
                hint="try again; if it stays so, look at the server's pg_stat_activity",
            )

    @contextmanager
    def _transaction(self) -> Iterator[ServerSession]:
        session = self._begin(_READ)
        try:
            yield session
            session.leave("ROLLBACK")
        except BaseException as error:
            # After an interruption nobody knows which answers of the server are still under way; and statements that
            # were planned for other tables than there are now must be planned anew.
            if isinstance(error, Exception) and not is_stale(error) and session.roll_back():
                self._keep(session)
            else:
                session.close()
            raise
        self._keep(session)

    def _begin(self, begin: str) -> ServerSession:
        session = self._idle_session() or connect(self.address, self.busy_timeout_s)
        # Sent with the first statement: most transactions are of two or three.
        session.run_ahead(begin)
        return session

    def _idle_session(self) -> ServerSession | None:
        while True:
            with self._lock:
                kept = self._idle.pop() if self._idle else None
            # One that lay idle may have been dropped long ago (a restart, a firewall); a new one was not.
            if kept is None or kept.is_alive():
                return kept
            kept.close()

    def _keep(self, session: ServerSession) -> None:
        with self._lock:
            self._idle.append(session)
