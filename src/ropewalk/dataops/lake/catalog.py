"""The lake's catalogue, a port with two adapters: a SQLite file, and a schema of a PostgreSQL database.

Inlining is off, so that readers and the one writer do not stop each other. The data path is given at each attach, so
that a project's folder can be moved.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import duckdb

from ropewalk.dataops.lake.errors import TableMissing, translate_error
from ropewalk.dataops.lake.names import literal

if TYPE_CHECKING:
    from ropewalk.dataops.lake.storage import LakeStorage
    from ropewalk.dataops.lake.writer_lease import WriterLock

SPILL_FOLDER = "spill"
# No keys and no indexes: DuckLake has none. `LakeTransaction.rewrite_book` keeps the rows unique.
BOOKS = (
    "CREATE SCHEMA IF NOT EXISTS ropewalk",
    "CREATE TABLE IF NOT EXISTS ropewalk.builds (node VARCHAR, key VARCHAR, digest VARCHAR, rows BIGINT)",
    """CREATE TABLE IF NOT EXISTS ropewalk.source_files
    (source VARCHAR, path VARCHAR, digest VARCHAR, size BIGINT, rows BIGINT)""",
    "CREATE TABLE IF NOT EXISTS ropewalk.watermarks (source VARCHAR, declaration VARCHAR, value VARCHAR)",
)
_DATA_PATH = "SELECT value FROM __ducklake_metadata_lake.ducklake_metadata WHERE key = 'data_path'"


class Catalog(Protocol):
    """What the lake needs of a place that keeps its catalogue."""

    #: What messages call it; never with a password.
    shown: str
    #: What stands before the names of DuckLake's own tables in `read`.
    prefix: str
    #: Files that whoever reads the lake opens beside its data.
    files: tuple[Path, ...]
    #: Whether only processes of this machine can use it.
    is_local: bool

    def exists(self) -> bool:
        """Return whether the lake has been made; asking does not make it."""

    def state(self) -> object:
        """Return a value that changes with every commit, or None while it cannot be trusted."""

    def forget(self) -> None:
        """Ask anew at the next question for the state."""

    def read(self, sql: str) -> list[tuple[Any, ...]] | None:
        """Return what a query of DuckLake's own tables finds, without an engine; None when an engine has to ask."""

    def address(self, connection: duckdb.DuckDBPyConnection) -> tuple[str, list[str]]:
        """Return what to attach and the options that go with it, after preparing the engine for them."""

    def create(self, connection: duckdb.DuckDBPyConnection, storage: LakeStorage) -> None:
        """Make an empty lake with its books; the caller holds the writer lease. A kill leaves none, or a whole one."""

    def close(self) -> None:
        """Close what is open; the next question opens it again."""

    def writer_lock(self) -> WriterLock:
        """Return the lock that keeps all other writers out."""


def attach(
    connection: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    storage: LakeStorage,
    *,
    is_read_only: bool = False,
    snapshot: int | None = None,
) -> None:
    """Attach a catalogue as `lake` and make it the default, at one `snapshot` if that is given.

    Raises:
        SnapshotMissing: the lake does not have that snapshot.
        LakeFailed: the files are not a lake.
        CatalogUnreachable, StorageUnreachable: what keeps the lake does not answer.
        InvalidSetting: its data are somewhere else.
    """
    try:
        address, options = catalog.address(connection)
        storage.prepare(connection)
        options += [
            f"DATA_PATH {literal(storage.path)}",
            # The catalogue remembers the folder it was made in; the one it stands in now counts.
            "OVERRIDE_DATA_PATH true",
            # Rows kept in the catalogue itself come back after deletes, in open bugs of DuckLake.
            "DATA_INLINING_ROW_LIMIT 0",
        ]
        options += ["READ_ONLY"] if is_read_only else []
        options += [f"SNAPSHOT_VERSION {snapshot:d}"] if snapshot is not None else []
        connection.execute(f"ATTACH {literal(address)} AS lake ({', '.join(options)})")
        stored = connection.execute(_DATA_PATH).fetchone()
    except duckdb.Error as error:
        raise translate_error(error) from error
    storage.require_same(str(stored[0]) if stored else storage.path)
    connection.execute("USE lake")


def make_books(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the lake's own books, all of them or none."""
    connection.execute("BEGIN; " + "; ".join(BOOKS) + "; COMMIT")


def require_catalog(catalog: Catalog) -> None:
    """Refuse a lake that has not been made.

    Raises:
        TableMissing: there is no lake yet.
    """
    if not catalog.exists():
        raise TableMissing(f"there is no lake in {catalog.shown} yet", hint="`ropewalk run` makes it")
