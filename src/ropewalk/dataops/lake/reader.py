"""Reading the lake from another process, such as a step's: read-only, and at one snapshot."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import duckdb

from ropewalk.dataops.lake.catalog import SPILL_FOLDER, attach, require_catalog
from ropewalk.dataops.lake.digest import table_names
from ropewalk.dataops.lake.errors import translate_error
from ropewalk.dataops.lake.extensions import connect
from ropewalk.dataops.lake.home import FOLDER, LakeHome, local_home
from ropewalk.dataops.lake.names import TableName, literal
from ropewalk.dataops.lake.retry import retry_locked
from ropewalk.dataops.lake.threads import is_large, widen


def open_engine(
    home: LakeHome, *, is_read_only: bool = False, snapshot: int | None = None
) -> duckdb.DuckDBPyConnection:
    """Return a new engine with the lake at `home` attached, at `snapshot` or at the newest.

    It has one thread for a small lake and those of the machine for a large one.

    Raises:
        SnapshotMissing: the lake does not have that snapshot.
        RopewalkError: as `attach` says.
    """
    connection = connect()
    attach(connection, home.catalog, home.storage, is_read_only=is_read_only, snapshot=snapshot)
    # Other threads can wait for a far storage meanwhile.
    if home.storage.is_remote or retry_locked(lambda: is_large(connection)):
        widen(connection)
    # What does not fit into memory is written beside the lake, not into the folder a person works in.
    connection.execute(f"SET temp_directory = {literal(str(home.folder / SPILL_FOLDER))}")
    return connection


def open_reader(place: Path | LakeHome, snapshot: int | None = None) -> duckdb.DuckDBPyConnection:
    """Return a read-only connection to the lake at `place`, at `snapshot` or at the newest.

    Raises:
        TableMissing: there is no lake yet.
        SnapshotMissing: the lake does not have that snapshot.
    """
    home = local_home(place) if isinstance(place, Path) else place
    require_catalog(home.catalog)
    return open_engine(home, is_read_only=True, snapshot=snapshot)


def read_table(place: Path | LakeHome, table: str, snapshot: int | None) -> duckdb.DuckDBPyRelation:
    """Return `table` of the lake at `place` (or below a state folder) as a relation, at `snapshot` or at the newest.

    Raises:
        InvalidTableName: `table` is not `schema.table`.
        TableMissing: the snapshot does not have it; the error names the nearest one that it has.
        SnapshotMissing: the lake does not have that snapshot.
    """
    name = TableName.parse(table)
    connection = _shared_reader(place, snapshot)
    try:
        return retry_locked(lambda: connection.sql(f"FROM {name.sql}"))
    except duckdb.Error as error:
        raise translate_error(error, table_names(connection)) from error


# Opening costs more than reading a small table, and a step asks for several tables of one snapshot.
@lru_cache(maxsize=4)
def _shared_reader(place: Path | LakeHome, snapshot: int | None) -> duckdb.DuckDBPyConnection:
    return open_reader(place / FOLDER if isinstance(place, Path) else place, snapshot)
