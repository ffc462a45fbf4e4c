"""The lake on disk: a DuckLake catalogue in SQLite beside a folder of Parquet files, and how it is attached.

Inlining is off and the catalogue is in WAL mode, so that readers and the one writer do not stop each other.
The data path is given at each attach, so that a project's folder can be moved.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from ropewalk.dataops.lake.errors import TableMissing, translate_error
from ropewalk.dataops.lake.names import literal

CATALOG_FILE = "catalog.sqlite"
DATA_FOLDER = "data"
SPILL_FOLDER = "spill"
# SQLite waits this long for another process's commit, which itself takes milliseconds.
BUSY_TIMEOUT_MS = 30_000
# Longer than any file system's clock takes to tick.
RACY_NS = 50_000_000
# Catalogues that an engine of this process has opened; see `before_engines`.
_opened: set[Path] = set()
_opening = threading.Lock()
# No keys and no indexes: DuckLake has none. `LakeTransaction.rewrite_book` keeps the rows unique.
BOOKS = (
    "CREATE SCHEMA ropewalk",
    "CREATE TABLE ropewalk.builds (node VARCHAR, key VARCHAR, digest VARCHAR, rows BIGINT)",
    "CREATE TABLE ropewalk.source_files (source VARCHAR, path VARCHAR, digest VARCHAR, size BIGINT, rows BIGINT)",
    "CREATE TABLE ropewalk.watermarks (source VARCHAR, declaration VARCHAR, value VARCHAR)",
)


def create_catalog(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Make an empty lake in `folder` with its book-keeping tables; the caller holds the writer lease.

    The catalogue appears by one rename, so a crash leaves either no lake or a whole one.
    """
    (folder / DATA_FOLDER).mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"new-{CATALOG_FILE}"
    # A process that was killed here left these; they were never the lake.
    for stale in folder.glob(f"{unfinished.name}*"):
        stale.unlink()
    attach(connection, unfinished, folder / DATA_FOLDER)
    connection.execute("BEGIN; " + "; ".join(BOOKS) + "; COMMIT")
    # Detaching writes SQLite's log into the file, which can then be renamed alone.
    connection.execute("USE memory; DETACH lake")
    unfinished.rename(folder / CATALOG_FILE)


def attach(
    connection: duckdb.DuckDBPyConnection,
    catalog: Path,
    data: Path,
    *,
    is_read_only: bool = False,
    snapshot: int | None = None,
) -> None:
    """Attach a catalogue as `lake` and make it the default, at one `snapshot` if that is given.

    Raises:
        SnapshotMissing: the lake does not have that snapshot.
        LakeFailed: the files are not a lake.
    """
    with _opening:
        _opened.add(catalog)
    options = [
        f"DATA_PATH {literal(f'{data}/')}",
        # The catalogue remembers the folder it was made in; the one it stands in now counts.
        "OVERRIDE_DATA_PATH true",
        # Rows kept in the catalogue itself come back after deletes, in open bugs of DuckLake.
        "DATA_INLINING_ROW_LIMIT 0",
        "META_JOURNAL_MODE 'WAL'",
        f"META_BUSY_TIMEOUT {BUSY_TIMEOUT_MS}",
    ]
    options += ["READ_ONLY"] if is_read_only else []
    options += [f"SNAPSHOT_VERSION {snapshot:d}"] if snapshot is not None else []
    try:
        connection.execute(f"ATTACH {literal(f'ducklake:sqlite:{catalog}')} AS lake ({', '.join(options)})")
        # What does not fit into memory is written beside the lake, not into the folder a person works in.
        connection.execute(f"USE lake; SET temp_directory = {literal(str(data.parent / SPILL_FOLDER))}")
    except duckdb.Error as error:
        raise translate_error(error) from error


def require_catalog(folder: Path) -> Path:
    """Return the catalogue's file in the lake's `folder`.

    Raises:
        TableMissing: there is no lake yet.
    """
    catalog = folder / CATALOG_FILE
    if not catalog.is_file():
        raise TableMissing(f"there is no lake in {folder} yet", hint="`ropewalk run` makes it")
    return catalog


@contextmanager
def before_engines(catalog: Path) -> Iterator[bool]:
    """Keep engines from opening `catalog` during the block; yields whether none of this process has done so before.

    Only then may the file be opened by anything else than an engine. Whoever closes a file drops all locks that the
    process has on it, those of an engine's transaction too: other processes would then take its log for left behind.
    """
    with _opening:
        yield catalog not in _opened


def catalog_state(catalog: Path) -> object:
    """Return a value that changes with every commit to the catalogue, or None while it cannot be trusted.

    A file that changed a moment ago may change again without a new time stamp.
    """
    stats = [path.stat() for path in (catalog, Path(f"{catalog}-wal")) if path.exists()]
    newest = max(stat.st_mtime_ns for stat in stats)
    if time.time_ns() - newest < RACY_NS:
        return None
    return [(stat.st_ino, stat.st_size, stat.st_mtime_ns) for stat in stats]
