"""The second adapter of the lake's port: Iceberg tables in a warehouse, for Spark, Trino and other engines.

Each table has snapshots of its own, and nothing spans two tables. Rows have no numbers, so changes are found by comparing
whole tables. Builds therefore work in DuckLake, and tables are copied here; see `export_iceberg`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self
from uuid import uuid4

import duckdb

from ropewalk.dataops.lake.changes import Changes
from ropewalk.dataops.lake.digest import digest_relation, read_columns
from ropewalk.dataops.lake.errors import (
    ChangesMissing,
    ExportFailed,
    ExtensionMissing,
    PinTaken,
    SnapshotMissing,
    TableMissing,
    translate_error,
)
from ropewalk.dataops.lake.expiry import Expired
from ropewalk.dataops.lake.names import TableName, literal, quote
from ropewalk.dataops.lake.pins import Pin, PinnedTable, find_pin
from ropewalk.dataops.lake.port import Capabilities
from ropewalk.dataops.lake.snapshots import SnapshotInfo
from ropewalk.errors import RopewalkError, nearest

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot

AUTHOR = "ropewalk"
# Properties of a snapshot: who, what for, and which of the snapshots of one write is its last.
_AUTHOR, _MESSAGE, _WRITE = "ropewalk.author", "ropewalk.message", "ropewalk.write"
_PIN = "ropewalk-pin."


class IcebergLake:
    """Iceberg tables whose catalogue is a database (`uri`, as SQLAlchemy names it) and whose files are in `warehouse`.

    Raises:
        ExtensionMissing: the extra `iceberg` is not installed.

    Attributes:
        capabilities: what it can do, see `LakePort`.
    """

    capabilities = Capabilities(
        spans_tables=False, follows_rows=False, removes_files=False, is_transactional=False
    )

    def __init__(self, uri: str, warehouse: str, author: str = AUTHOR, **properties: str) -> None:
        self._author = author
        self._catalog = _open_catalog(uri, warehouse, properties)
        self._engine = duckdb.connect(":memory:", config={"python_enable_replacements": "false"})
        self._engine.execute("SET GLOBAL timezone = 'UTC'")
        self._lock = threading.Lock()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a connection for reading, for one thread at a time."""
        return self._engine.cursor()

    def write(self, table: str, select_sql: str, message: str) -> int:
        """Make `table` hold the rows of `select_sql`; return the snapshot that has them.

        Raises:
            InvalidQuery: `select_sql` cannot be computed.
            ExportFailed: a column's type has no counterpart in Iceberg.
        """
        TableName.parse(table)
        try:
            with self.cursor() as connection:
                return self.write_rows(table, connection.sql(select_sql).to_arrow_table(), message)
        except duckdb.Error as error:
            raise translate_error(error) from error

    def write_rows(self, table: str, rows: pa.Table, message: str) -> int:
        """Make `table` hold `rows`; return the snapshot that has them.

        Raises:
            ExportFailed: a column's type has no counterpart in Iceberg.
        """
        name = TableName.parse(table)
        with _told(table):
            self._catalog.create_namespace_if_not_exists(name.schema)
            found = self._catalog.create_table_if_not_exists((name.schema, name.name), rows.schema)
            newest = found.current_snapshot()
            if newest is not None and self._has(table, newest.snapshot_id, rows):
                return newest.snapshot_id
            _fit_columns(found, rows)
            about = {_AUTHOR: self._author, _MESSAGE: message, _WRITE: uuid4().hex}
            # There is nothing to take out of a new table, of which the library would warn.
            put = found.append if newest is None else found.overwrite
            put(rows, snapshot_properties=about)
        newest = found.current_snapshot()
        assert newest is not None
        return newest.snapshot_id

    def read_at(self, table: str, snapshot: int) -> duckdb.DuckDBPyRelation:
        """Return the rows that `table` had at `snapshot`.

        Raises:
            TableMissing, SnapshotMissing: there is no such table, or nothing of it is kept from then.
        """
        return self.cursor().sql(f"FROM {self._bring(table, snapshot)}")

    def changes(self, table: str, since: int, until: int) -> Changes:
        """Return what changed in `table` after snapshot `since`, up to and with `until`.

        A row that was changed is told as gone and come.

        Raises:
            TableMissing, SnapshotMissing: one of the two is not there.
            ChangesMissing: `until` is before `since`, or the columns are others.
        """
        order = [info.number for info in self.snapshots(table)]
        then, now = self._bring(table, since), self._bring(table, until)
        if since in order and until in order and order.index(since) < order.index(until):
            raise ChangesMissing(f"changes of {table} are told forwards only", hint="ask the other way round")
        with self.cursor() as connection:
            columns = tuple(read_columns(connection, now))
            if list(columns) != read_columns(connection, then):
                raise ChangesMissing(
                    f"{table} has other columns at one of the two", hint="compare them by key"
                )
        names = ", ".join(quote(column.name) for column in columns)

        def only_in(one: str, other: str, kind: str) -> str:
            return (
                f"SELECT {until:d} AS snapshot_id, CAST(NULL AS BIGINT) AS rowid, '{kind}' AS change_type, {names} "
                f"FROM (SELECT {names} FROM {one} EXCEPT ALL SELECT {names} FROM {other})"
            )

        sql = f"{only_in(then, now, 'delete')} UNION ALL {only_in(now, then, 'insert')}"
        return Changes(TableName.parse(table), since, until, columns, sql)

    def snapshots(self, table: str | None = None, limit: int | None = None) -> list[SnapshotInfo]:
        """Return the snapshots that are kept (those of `table`), the newest first, at most `limit`."""
        names = [table] if table else self._names()
        found = [info for name in names for info in _list(name, self._load(name))]
        return sorted(found, key=lambda info: info.time_ms, reverse=True)[:limit]

    def pin(self, name: str, tables: Mapping[str, int], message: str = "") -> Pin:
        """Give `tables`, each at its snapshot, a name: a tag of each of them.

        Raises:
            PinTaken: the name is of another pin.
            TableMissing, SnapshotMissing: something of it is not there.
        """
        pin = Pin.new(name, self._author, message)
        if any(other.name == name for other in self.pins()):
            raise PinTaken(f"there is a pin {name!r} already", hint="choose another name")
        if not tables:
            raise TableMissing("there is no table to pin")
        pinned = tuple(self._pinned(table, snapshot) for table, snapshot in sorted(tables.items()))
        for one in pinned:
            tagged = self._load(one.table).manage_snapshots()
            tagged.create_tag(one.snapshot, f"{_PIN}{name}").commit()
        return Pin(pin.name, pin.author, pin.message, pin.time_ms, pinned)

    def unpin(self, name: str) -> Pin:
        """Take a pin away, and return what it was.

        Raises:
            PinMissing: there is none of that name.
        """
        pin = find_pin(self.pins(), name)
        for one in pin.tables:
            self._load(one.table).manage_snapshots().remove_tag(f"{_PIN}{name}").commit()
        return pin

    def pins(self) -> list[Pin]:
        """Return every pin, in order of their names."""
        found: dict[str, list[PinnedTable]] = {}
        for table in self._names():
            for tag, reference in self._load(table).refs().items():
                if tag.startswith(_PIN):
                    pinned = self._pinned(table, reference.snapshot_id)
                    found.setdefault(tag.removeprefix(_PIN), []).append(pinned)
        return [Pin(name, self._author, "", 0, tuple(found[name])) for name in sorted(found)]

    def expire(self, keep: Collection[int], older_than_ms: int, *, is_dry: bool = False) -> Expired:
        """Let go of all snapshots but `keep`, each table's newest, pinned ones, and those that are young.

        Files stay where they are: what removes them is other engines' work.
        """
        before_ms = time.time_ns() // 1_000_000 - older_than_ms
        gone = 0
        for name in self._names():
            table = self._load(name)
            kept = {*keep, *(reference.snapshot_id for reference in table.refs().values())}
            going = [
                one.snapshot_id
                for one in table.snapshots()
                if one.snapshot_id not in kept and one.timestamp_ms < before_ms
            ]
            gone += len(going)
            if going and not is_dry:
                table.maintenance.expire_snapshots().by_ids(going).commit()
        return Expired(gone, 0, 0)

    def location(self, table: str) -> str:
        """Return the address of the metadata file that other engines open the table by."""
        return self._load(table).metadata_location

    def close(self) -> None:
        """Close the catalogue and the engine."""
        self._engine.close()
        self._catalog.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _names(self) -> list[str]:
        spaces = [".".join(space) for space in self._catalog.list_namespaces()]
        return sorted(".".join(name) for space in spaces for name in self._catalog.list_tables(space))

    def _load(self, table: str) -> Table:
        from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

        name = TableName.parse(table)
        try:
            return self._catalog.load_table((name.schema, name.name))
        except (NoSuchTableError, NoSuchNamespaceError):
            raise TableMissing(
                f"there is no table {table!r}", nearest=nearest(table, self._names())
            ) from None

    def _bring(self, table: str, snapshot: int) -> str:
        """Return the name under which the engine has `table` at `snapshot`, which never changes."""
        found = self._load(table)
        known = quote(f"{table}@{snapshot}")
        if found.snapshot_by_id(snapshot) is None:
            raise SnapshotMissing(f"{table} has no snapshot {snapshot}")
        with self._lock, self.cursor() as connection:
            sql = f"SELECT 1 FROM duckdb_tables() WHERE table_name = {literal(f'{table}@{snapshot}')}"
            if connection.execute(sql).fetchone() is None:
                connection.register("arriving", found.scan(snapshot_id=snapshot).to_arrow())
                connection.execute(f"CREATE TABLE {known} AS FROM arriving")
                connection.unregister("arriving")
        return known

    def _has(self, table: str, snapshot: int, rows: pa.Table) -> bool:
        known = self._bring(table, snapshot)
        with self.cursor() as connection:
            connection.register("arriving", rows)
            return digest_relation(connection, known) == digest_relation(connection, "arriving")

    def _pinned(self, table: str, snapshot: int) -> PinnedTable:
        known = self._bring(table, snapshot)
        with self.cursor() as connection:
            return PinnedTable(table, snapshot, digest_relation(connection, known))


def _open_catalog(uri: str, warehouse: str, properties: Mapping[str, str]) -> Catalog:
    try:
        from pyiceberg.catalog.sql import SqlCatalog
    except ImportError as error:
        raise ExtensionMissing(
            "Iceberg tables need pyiceberg, which is not installed", hint="pip install 'ropewalk[iceberg]'"
        ) from error
    if uri.startswith("sqlite:///"):
        Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    return SqlCatalog("ropewalk", uri=uri, warehouse=warehouse, **properties)


def _fit_columns(table: Table, rows: pa.Table) -> None:
    """Let the table have the columns of `rows` and no others."""
    gone = [field.name for field in table.schema().fields if field.name not in rows.schema.names]
    with table.update_schema(allow_incompatible_changes=True) as update:
        for name in gone:
            update.delete_column(name)
        update.union_by_name(rows.schema)


def _list(name: str, table: Table) -> Iterator[SnapshotInfo]:
    # One write may take two snapshots, of which the last has its rows.
    last: dict[str, Snapshot] = {}
    for one in sorted(table.snapshots(), key=lambda snapshot: snapshot.sequence_number or 0):
        last[_about(one).get(_WRITE, str(one.snapshot_id))] = one
    for one in last.values():
        about = _about(one)
        yield SnapshotInfo(
            one.snapshot_id, one.timestamp_ms, about.get(_AUTHOR), about.get(_MESSAGE), (name,)
        )


def _about(snapshot: Snapshot) -> Mapping[str, str]:
    return snapshot.summary.additional_properties if snapshot.summary else {}


@contextmanager
def _told(table: str) -> Iterator[None]:
    from pyiceberg.io.pyarrow import UnsupportedPyArrowTypeException

    try:
        yield
    except RopewalkError:
        raise
    # What the libraries raise for types they cannot keep, and for a place where they cannot write.
    except (UnsupportedPyArrowTypeException, TypeError, ValueError, NotImplementedError, OSError) as error:
        raise ExportFailed(
            f"{table} cannot be written as an Iceberg table: {error}",
            hint="cast what Iceberg does not have, such as HUGEINT, INTERVAL or TIME WITH TIME ZONE",
        ) from error
