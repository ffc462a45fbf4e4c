"""Holding a lake against what it says of itself: its files, the rows of its tables, and the content of its pins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import duckdb

from ropewalk.dataops.lake.digest import TableDigest, digest_relation
from ropewalk.dataops.lake.errors import translate_error
from ropewalk.dataops.lake.lake import Lake
from ropewalk.dataops.lake.names import TableName, literal
from ropewalk.dataops.lake.tables import describe_tables, list_tables
from ropewalk.pipeline import files_below

_META = "__ducklake_metadata_lake"
_FILES = f"""
    SELECT path, file_size_bytes FROM {_META}.ducklake_data_file
    UNION SELECT path, file_size_bytes FROM {_META}.ducklake_delete_file
"""
# What was replaced and waits to be removed is neither needed nor unknown.
_LEAVING = f"SELECT path FROM {_META}.ducklake_files_scheduled_for_deletion"
Report = Callable[[int, int, str], None]


@dataclass(frozen=True)
class CheckedTable:
    """A table at a snapshot, and what is wrong with it.

    Attributes:
        table: the table.
        snapshot: the snapshot.
        names: why it was looked at: `head`, the pins that name it, environments.
        rows: how many rows were read; None when it cannot be read.
        problem: what is wrong; None when nothing is.
    """

    table: str
    snapshot: int
    names: tuple[str, ...]
    rows: int | None
    problem: str | None


@dataclass(frozen=True)
class Verified:
    """What was found.

    Attributes:
        tables: every table that was read.
        files: how many files the catalogue names.
        bytes: their size.
        missing: those that are not in the storage.
        damaged: those that have another size.
        unknown: files in the storage that the catalogue does not name: a change that is being made, or was killed.
        unknown_bytes: their size.
    """

    tables: tuple[CheckedTable, ...]
    files: int
    bytes: int
    missing: tuple[str, ...]
    damaged: tuple[str, ...]
    unknown: tuple[str, ...]
    unknown_bytes: int

    @property
    def problems(self) -> list[str]:
        """What is wrong, one sentence each; files that nobody names are no problem."""
        return [
            *(f"{one.table} at snapshot {one.snapshot}: {one.problem}" for one in self.tables if one.problem),
            *(f"{path} is gone" for path in self.missing),
            *(f"{path} has not the size that was written" for path in self.damaged),
        ]


@dataclass(frozen=True)
class Expected:
    """What a table should hold at a snapshot: who says so, and the digest of its content, where that is known."""

    names: tuple[str, ...]
    digest: str | None


Wanted = Mapping[tuple[TableName, int], Expected]


def verify_lake(
    lake: Lake,
    stand_for: Mapping[str, Mapping[str, tuple[int, str]]],
    report: Report = lambda _done, _total, _what: None,
) -> Verified:
    """Read every table at the head, of each pin and each environment, and hold all files against the catalogue.

    Args:
        lake: the lake.
        stand_for: snapshot and digest of each table that an environment has, by the environment's name.
        report: is told how many of how many tables are done, and which is next.

    Raises:
        RopewalkError: the catalogue or the storage cannot be asked at all.
    """
    with lake.reading() as connection:
        wanted = _wanted(lake, connection, stand_for)
        tables = []
        for number, ((table, snapshot), expected) in enumerate(wanted.items()):
            report(number, len(wanted), f"{table} at {snapshot}")
            tables.append(_check_table(connection, table, snapshot, expected))
        return _check_files(connection, lake.home.storage.path, tuple(tables))


def _wanted(
    lake: Lake,
    connection: duckdb.DuckDBPyConnection,
    stand_for: Mapping[str, Mapping[str, tuple[int, str]]],
) -> Wanted:
    head = lake.snapshot()
    found: dict[tuple[TableName, int], Expected] = {}

    def add(table: str, snapshot: int, name: str, digest: str | None) -> None:
        key = (TableName.parse(table), snapshot)
        before = found.get(key, Expected((), None))
        found[key] = Expected((*before.names, name), digest or before.digest)

    for info in list_tables(connection):
        add(f"{info.schema}.{info.name}", head, "head", None)
    for pin in lake.pins():
        for one in pin.tables:
            add(one.table, one.snapshot, f"pin {pin.name}", one.digest.digest)
    for environment, tables in stand_for.items():
        for table, (snapshot, digest) in tables.items():
            add(table, snapshot, environment, digest)
    return dict(sorted(found.items(), key=lambda item: (str(item[0][0]), item[0][1])))


def _check_table(
    connection: duckdb.DuckDBPyConnection, table: TableName, snapshot: int, expected: Expected
) -> CheckedTable:
    try:
        told = describe_tables(connection, {table: snapshot}).get(table)
        if told is None:
            return CheckedTable(str(table), snapshot, expected.names, None, "the lake does not have it")
        read = digest_relation(connection, table.at(snapshot))
    except duckdb.Error as error:
        return CheckedTable(str(table), snapshot, expected.names, None, translate_error(error).message)
    problem = _compare(told.rows, read, expected.digest)
    return CheckedTable(str(table), snapshot, expected.names, read.rows, problem)


def _compare(told: int, read: TableDigest, expected: str | None) -> str | None:
    if told != read.rows:
        return f"the catalogue says it has {told} rows, and it has {read.rows}"
    if expected is not None and expected != read.digest:
        return "its content is not what was written down"
    return None


def _check_files(
    connection: duckdb.DuckDBPyConnection, place: str, tables: tuple[CheckedTable, ...]
) -> Verified:
    named = {_name(path): int(size) for path, size in connection.execute(_FILES).fetchall()}
    leaving = {_name(path) for (path,) in connection.execute(_LEAVING).fetchall()}
    stored = {_name(path): (path, size) for path, size in _stored(connection, place)}
    unknown = sorted(stored[name] for name in stored.keys() - named.keys() - leaving)
    there = named.keys() & stored.keys()
    return Verified(
        tables=tables,
        files=len(named),
        bytes=sum(named.values()),
        missing=tuple(sorted(named.keys() - stored.keys())),
        damaged=tuple(sorted(stored[name][0] for name in there if stored[name][1] != named[name])),
        unknown=tuple(path for path, _ in unknown),
        unknown_bytes=sum(size for _, size in unknown),
    )


def _stored(connection: duckdb.DuckDBPyConnection, place: str) -> Iterable[tuple[str, int]]:
    """Return the path and size of every file in the storage."""
    if "://" not in place:
        return ((str(path), stat.st_size) for path, stat in files_below(Path(place)))
    return _remote(connection, place)


def _remote(connection: duckdb.DuckDBPyConnection, place: str) -> Iterator[tuple[str, int]]:
    # Only the column `size` is asked for, so that no content is fetched.
    sql = f"SELECT filename, size FROM read_blob({literal(f'{place}**')})"
    try:
        yield from ((str(path), int(size)) for path, size in connection.execute(sql).fetchall())
    except duckdb.IOException as error:
        if "No files found" not in str(error):
            raise


def _name(path: str) -> str:
    # The engine names each file after a UUID; folders differ between the catalogue and the storage.
    return PurePosixPath(path).name
