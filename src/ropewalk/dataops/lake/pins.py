"""Pins: names for tables at snapshots, which nothing may expire while they are named.

They stand in two books of the lake itself, so that they are there wherever the lake is. Each table is written down with
the digest of its content, against which `verify` holds what is there.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

import duckdb

from ropewalk.dataops.lake.digest import TableDigest, digest_relation
from ropewalk.dataops.lake.errors import InvalidSnapshot, PinMissing, PinTaken, TableMissing
from ropewalk.dataops.lake.names import TableName
from ropewalk.dataops.lake.transaction import LakeTransaction
from ropewalk.errors import nearest

_PINS, _TABLES = "pins", "pin_tables"
_PIN_COLUMNS = "name VARCHAR, author VARCHAR, message VARCHAR, time_ms BIGINT"
_TABLE_COLUMNS = "pin VARCHAR, relation VARCHAR, snapshot BIGINT, rows BIGINT, digest VARCHAR"
# Not a number, which would be a snapshot, and nothing that a shell or a path takes for something else.
_NAME = re.compile(r"[A-Za-z_][\w.-]{0,99}")


@dataclass(frozen=True)
class PinnedTable:
    """A table of a pin: its snapshot, and what it held when it was pinned."""

    table: str
    snapshot: int
    digest: TableDigest


@dataclass(frozen=True)
class Pin:
    """A name for tables at snapshots.

    Attributes:
        name: letters, digits, `_`, `-` and `.`, no digit first.
        author: who pinned.
        message: what for.
        time_ms: when, in UTC milliseconds.
        tables: what is pinned, in order of the names.
    """

    name: str
    author: str
    message: str
    time_ms: int
    tables: tuple[PinnedTable, ...] = ()

    @classmethod
    def new(cls, name: str, author: str, message: str) -> Self:
        """Return a pin of now that names nothing yet.

        Raises:
            InvalidSnapshot: `name` is no name for a pin.
        """
        if not _NAME.fullmatch(name):
            raise InvalidSnapshot(
                f"{name!r} is no name for a pin",
                hint="begin with a letter; then letters, digits, `_`, `-`, `.`",
            )
        return cls(name, author, message, time.time_ns() // 1_000_000)

    def snapshots(self) -> dict[str, int]:
        """Return the snapshot of each table."""
        return {pinned.table: pinned.snapshot for pinned in self.tables}


def write_pin(transaction: LakeTransaction, pin: Pin, tables: Mapping[TableName, int]) -> Pin:
    """Write `pin` down with the digests of `tables`, and return it with them.

    Raises:
        PinTaken: the name is of another pin.
        TableMissing: there is nothing to pin.
    """
    for book, columns in ((_PINS, _PIN_COLUMNS), (_TABLES, _TABLE_COLUMNS)):
        transaction.open_book(book, columns)
    if transaction.read_book(_PINS, pin.name):
        raise PinTaken(
            f"there is a pin {pin.name!r} already", hint=f"`ropewalk lake unpin {pin.name}` takes it away"
        )
    if not tables:
        raise TableMissing("there is no table to pin", hint="`ropewalk run` makes tables")
    found = tuple(
        PinnedTable(str(table), snapshot, digest_relation(transaction.connection, table.at(snapshot)))
        for table, snapshot in sorted(tables.items(), key=lambda item: str(item[0]))
    )
    transaction.rewrite_book(_PINS, pin.name, [(pin.name, pin.author, pin.message, pin.time_ms)])
    rows = [(pin.name, one.table, one.snapshot, one.digest.rows, one.digest.digest) for one in found]
    transaction.rewrite_book(_TABLES, pin.name, rows)
    return replace(pin, tables=found)


def remove_pin(transaction: LakeTransaction, name: str) -> Pin:
    """Take the pin `name` out of the books, and return what it was.

    Raises:
        PinMissing: there is none of that name.
    """
    pin = find_pin(list_pins(transaction.connection), name)
    for book in (_PINS, _TABLES):
        transaction.rewrite_book(book, name, [])
    return pin


def find_pin(pins: Iterable[Pin], name: str) -> Pin:
    """Return the pin of that name.

    Raises:
        PinMissing: there is none.
    """
    known = {pin.name: pin for pin in pins}
    if name not in known:
        raise PinMissing(
            f"there is no pin {name!r}", nearest=nearest(name, known), hint="`ropewalk lake pins` lists them"
        )
    return known[name]


def list_pins(connection: duckdb.DuckDBPyConnection) -> list[Pin]:
    """Return every pin, in order of their names."""
    # A lake in which nobody has pinned has no such books.
    if not _has_books(connection):
        return []
    tables: dict[str, list[PinnedTable]] = {}
    rows = connection.execute(f"FROM lake.ropewalk.{_TABLES} ORDER BY relation").fetchall()
    for pin, table, snapshot, count, digest in rows:
        pinned = PinnedTable(str(table), int(snapshot), TableDigest(int(count), str(digest)))
        tables.setdefault(str(pin), []).append(pinned)
    return [
        Pin(str(name), str(author), str(message), int(time_ms), tuple(tables.get(str(name), ())))
        for name, author, message, time_ms in connection.execute(
            f"FROM lake.ropewalk.{_PINS} ORDER BY name"
        ).fetchall()
    ]


def pinned_snapshots(connection: duckdb.DuckDBPyConnection) -> set[int]:
    """Return the snapshots that pins name."""
    return {snapshot for pin in list_pins(connection) for snapshot in pin.snapshots().values()}


def _has_books(connection: duckdb.DuckDBPyConnection) -> bool:
    sql = "SELECT 1 FROM duckdb_tables() WHERE database_name = 'lake' AND schema_name = 'ropewalk' AND table_name = "
    return connection.execute(f"{sql}'{_TABLES}'").fetchone() is not None
