"""Reading the lake from another process, such as a step's: read-only, and at one snapshot."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import duckdb

from ropewalk.dataops.lake.catalog import DATA_FOLDER, attach, require_catalog
from ropewalk.dataops.lake.digest import table_names
from ropewalk.dataops.lake.errors import translate_error
from ropewalk.dataops.lake.extensions import connect
from ropewalk.dataops.lake.names import TableName
from ropewalk.dataops.lake.retry import retry_locked


def open_reader(folder: Path, snapshot: int | None = None) -> duckdb.DuckDBPyConnection:
    """Return a read-only connection to the lake in `folder`, at `snapshot` or at the newest.

    Raises:
        TableMissing: there is no lake yet.
        SnapshotMissing: the lake does not have that snapshot.
    """
    catalog = require_catalog(folder)
    connection = connect()
    attach(connection, catalog, folder / DATA_FOLDER, is_read_only=True, snapshot=snapshot)
    return connection


def read_table(state: Path, table: str, snapshot: int | None) -> duckdb.DuckDBPyRelation:
    """Return `table` of the lake below the `state` folder as a relation, at `snapshot` or at the newest.

    Raises:
        InvalidTableName: `table` is not `schema.table`.
        TableMissing: the snapshot does not have it; the error names the nearest one that it has.
        SnapshotMissing: the lake does not have that snapshot.
    """
    name = TableName.parse(table)
    connection = _shared_reader(state, snapshot)
    try:
        return retry_locked(lambda: connection.sql(f"FROM {name.sql}"))
    except duckdb.Error as error:
        raise translate_error(error, table_names(connection)) from error


# Opening costs more than reading a small table, and a step asks for several tables of one snapshot.
@lru_cache(maxsize=4)
def _shared_reader(state: Path, snapshot: int | None) -> duckdb.DuckDBPyConnection:
    return open_reader(state / "lake", snapshot)
