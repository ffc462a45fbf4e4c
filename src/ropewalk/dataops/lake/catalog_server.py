"""The lake's catalogue in a PostgreSQL database, for several machines: the one that keeps the metadata, too.

It stands in a schema of its own, and engines see no other: whoever may ask the lake may not read the metadata.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import duckdb

from ropewalk.dataops.lake.catalog import attach, make_books
from ropewalk.dataops.lake.errors import LakeBusy
from ropewalk.dataops.lake.extensions import load_extension
from ropewalk.dataops.lake.names import literal
from ropewalk.dataops.lake.storage import LakeStorage
from ropewalk.dataops.lake.writer_lease import WriterLock
from ropewalk.store.server_address import ServerAddress, read_address
from ropewalk.store.server_errors import LOST, describe
from ropewalk.store.server_session import ServerSession, connect

SCHEMA = "ropewalk_lake"
BUSY_TIMEOUT_S = 30.0
# A plan asks once for each of a thousand nodes; what another machine commits meanwhile may wait so long to be seen.
STATE_S = 0.5
# A number that no other program takes by chance: the letters `ropelake`.
_LOCK = int.from_bytes(b"ropelake", "big")
_IS_MADE = (
    f"SELECT count(*) AS made FROM pg_tables WHERE schemaname = '{SCHEMA}' AND tablename = 'ducklake_table'"
)
# The books are made last.
_HAS_BOOKS = f"SELECT count(*) AS made FROM {SCHEMA}.ducklake_table WHERE table_name = 'watermarks'"
_STATE = f"SELECT max(snapshot_id) AS newest, count(*) AS kept FROM {SCHEMA}.ducklake_snapshot"
_HOLDER = (
    "SELECT coalesce(host(a.client_addr), 'the server''s own machine') AS place "
    "FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
    f"WHERE l.locktype = 'advisory' AND l.granted AND l.classid = {_LOCK >> 32} AND l.objid = {_LOCK & 0xFFFFFFFF}"
)


class ServerCatalog:
    """The catalogue in the database at `url`; see `Catalog`. Nothing is opened before something is asked.

    Raises:
        InvalidSetting: `url` is no URL of a PostgreSQL database.
    """

    prefix = f"{SCHEMA}."
    is_local = False
    files: tuple[Path, ...] = ()

    def __init__(self, url: str) -> None:
        self._url = url
        self._address = read_address(url)
        self.shown = self._address.shown
        self._session: ServerSession | None = None
        self._lock = threading.Lock()
        self._is_made = False
        self._state: tuple[float, object] | None = None

    def __reduce__(self) -> tuple[type[ServerCatalog], tuple[str]]:
        """Let another process open it by its address, with a connection of its own."""
        return ServerCatalog, (self._url,)

    def exists(self) -> bool:
        """Return whether the lake has been made; asking does not make it."""
        # What has been made stays: asked for once.
        if not self._is_made:
            self._is_made = bool(self._ask(_IS_MADE)[0][0]) and bool(self._ask(_HAS_BOOKS)[0][0])
        return self._is_made

    def state(self) -> object:
        """Return a value that changes with every commit."""
        now = time.monotonic()
        if self._state is None or now - self._state[0] > STATE_S:
            self._state = (now, self._ask(_STATE)[0])
        return self._state[1]

    def forget(self) -> None:
        """Ask anew at the next question for the state."""
        self._state = None

    def read(self, sql: str) -> list[tuple[Any, ...]] | None:
        """Return what a query of DuckLake's own tables finds, without an engine."""
        return self._ask(sql)

    def address(self, connection: duckdb.DuckDBPyConnection) -> tuple[str, list[str]]:
        """Return what to attach and the options that go with it, after preparing the engine for them.

        Raises:
            ExtensionMissing: the extra `postgres` is not installed.
        """
        load_extension(connection, "postgres_scanner")
        # As a secret: what is attached by name, and shown in messages, has no password then.
        connection.execute(_secret(self._address))
        # The first names where DuckLake's tables are, the second what engines see of the database: nothing else.
        schemas = [f"{option} {literal(SCHEMA)}" for option in ("METADATA_SCHEMA", "META_SCHEMA")]
        return f"ducklake:postgres:{_encryption(self._address)}", [*schemas, "META_SECRET 'lake_catalog'"]

    def create(self, connection: duckdb.DuckDBPyConnection, storage: LakeStorage) -> None:
        """Make an empty lake with its books; the caller holds the writer lease."""
        if not storage.is_remote:
            Path(storage.path).mkdir(parents=True, exist_ok=True)
        attach(connection, self, storage)
        storage.require_empty(connection)
        make_books(connection)
        connection.execute("USE memory; DETACH lake")

    def close(self) -> None:
        """Close the connection; the next question opens another one."""
        with self._lock:
            self._drop()

    def writer_lock(self) -> WriterLock:
        """Return the lock that keeps all other writers out."""
        return ServerLock(self._address)

    def _ask(self, sql: str) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return [tuple(row) for row in self._opened().execute(sql).fetchall()]
            except LOST:
                # One that lay idle may have been dropped long ago (a restart, a firewall).
                self._drop()
            try:
                return [tuple(row) for row in self._opened().execute(sql).fetchall()]
            except LOST as error:
                self._drop()
                raise describe(error, self._address) from error

    def _drop(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session = None

    def _opened(self) -> ServerSession:
        self._session = self._session or connect(self._address, BUSY_TIMEOUT_S)
        return self._session


class ServerLock:
    """An advisory lock of the server at `address`: it goes away with its connection, however that ends."""

    def __init__(self, address: ServerAddress) -> None:
        self._address = address
        self._session: ServerSession | None = None

    def try_take(self) -> bool:
        """Return whether the lock was got.

        Raises:
            DatabaseUnreachable: the server does not answer.
        """
        try:
            self._session = self._session or connect(self._address, BUSY_TIMEOUT_S)
            row = self._session.execute(f"SELECT pg_try_advisory_lock({_LOCK}) AS got").fetchone()
        except LOST as error:
            self.release()
            raise describe(error, self._address) from error
        return row is not None and row["got"] in (True, "t", 1)

    def was_killed(self) -> bool:
        """Return False: who else may be at work cannot be known here, so nothing is removed in a hurry."""
        return False

    def holder(self) -> str:
        """Return who has the lock, for messages."""
        row = self._session.execute(_HOLDER).fetchone() if self._session else None
        return f"a process on {row['place']}" if row else "another process"

    def require_held(self) -> None:
        """Refuse to go on when the connection, and the lock with it, was lost.

        Raises:
            LakeBusy: it was.
        """
        try:
            assert self._session is not None
            self._session.run("SELECT 1")
        except LOST as error:
            raise LakeBusy(
                f"the connection to {self._address.shown} broke, and with it went the right to write to the lake",
                hint="nothing was written; run again",
            ) from error

    def release(self) -> None:
        """Give the lock back."""
        if self._session is not None:
            self._session.close()
        self._session = None


def _secret(address: ServerAddress) -> str:
    options = {
        "HOST": address.host,
        "PORT": str(address.port),
        "DATABASE": address.database,
        "USER": address.user,
        "PASSWORD": address.password,
    }
    given = ", ".join(f"{name} {literal(value)}" for name, value in options.items())
    return f"CREATE OR REPLACE SECRET lake_catalog (TYPE postgres, {given})"


def _encryption(address: ServerAddress) -> str:
    """Return what the address says of encryption, as PostgreSQL's own library reads it."""
    certificates = address.certificates
    trusted = f" sslrootcert='{certificates}'" if certificates else ""
    if address.encryption == "verify-full" and not certificates:
        trusted = " sslrootcert=system"
    return f"sslmode={address.encryption}{trusted}"
