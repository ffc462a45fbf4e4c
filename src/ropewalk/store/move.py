"""Moving a metadata database between a file and a server: every row of every table, compared before it counts.

What is moved to is written in one transaction, read back, and compared by the count and a digest of each table. Then what was moved from is marked, so that no process goes on with it by mistake. A
kill leaves the old one as it was, or both of them whole; moving again then finds the rows there and only sets the mark.
"""

from __future__ import annotations

import graphlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blake3 import blake3

from ropewalk.store.connections import Connection
from ropewalk.store.database import MOVED, PLACE, Database, migrations
from ropewalk.store.errors import DatabaseFailed, DatabaseMoved, DatabaseNotEmpty
from ropewalk.store.move_sides import FileSide, ServerSide, Side, Table, insert_rows

Report = Callable[[str, int], None]
_SIZE = 16


@dataclass(frozen=True)
class Content:
    """What a table holds: how many rows, and a digest that does not depend on their order."""

    rows: int
    digest: str


@dataclass(frozen=True)
class Move:
    """A move that was done, or found done: from where to where, and what each table holds in both."""

    source: str
    target: str
    tables: Mapping[str, Content]
    was_there: bool

    @property
    def rows(self) -> int:
        """How many rows there are in all tables."""
        return sum(content.rows for content in self.tables.values())


def move_database(
    source: Path | str, target: Path | str, report: Report = lambda _table, _rows: None
) -> Move:
    """Move all rows of the database at `source` (a file, or a server's URL) to the one at `target`.

    Args:
        source: it is marked as moved in the end, and opened no more.
        target: new, empty, or itself moved away before; a server's database must exist.
        report: told of each table that was written and compared, with its rows.

    Raises:
        DatabaseInUse: another process has one of them open.
        DatabaseNotEmpty: there are other rows in the target.
        DatabaseMoved: the source was moved before.
        RowRefused, TextUnstorable: the target does not take a row; nothing was moved.
    """
    old, new = _side(source), _side(target)
    if old.name == new.name:
        raise DatabaseNotEmpty(f"{new.name} is the database in use already", hint="name another one")
    # Whoever moves from an older schema moves to the newest one.
    Database.open(source).close()
    _make(target)
    tables, fresh = _newest_schema()
    with old.alone() as reading:
        with new.alone() as writing:
            held = _present(new, writing, tables)
            is_new = held is not None and all(held[name].rows == fresh[name] for name in held)
            was_there = not is_new and held == _contents(old, reading, tables)
            if not was_there or held is None:
                _clear(new, writing, tables, held, fresh)
                held = _copy(old, reading, new, writing, tables, report)
        # Not before the other's commit: of two databases that are both whole, one too many does no harm.
        _mark(old, reading, new.name)
    return Move(old.name, new.name, held, was_there)


def reopen_database(where: Path | str) -> str | None:
    """Take back the mark of a database that was moved away, and return where its rows went; None if it was not.

    Raises:
        DatabaseInUse: another process has it open.
    """
    side = _side(where)
    _make(where)
    with side.alone() as connection:
        if side.schema_version(connection) < MOVED:
            return None
        place = str(connection.execute(PLACE).fetchone()[0])
        _unmark(side, connection)
    return place


def _side(where: Path | str) -> Side:
    return ServerSide(where) if isinstance(where, str) else FileSide(where)


def _make(where: Path | str) -> None:
    """Give a new database its tables; one that was moved away keeps its mark for now."""
    try:
        Database.open(where).close()
    except DatabaseMoved:
        return


def _newest_schema() -> tuple[list[Table], dict[str, int]]:
    """Return the tables of the newest schema, each after those it refers to, and how many rows each has when new."""
    with tempfile.TemporaryDirectory(prefix="ropewalk-schema-") as folder:
        path = Path(folder) / "schema.db"
        Database.open(path).close()
        side = FileSide(path)
        with side.alone() as connection:
            tables = list(_tables(connection))
            # Not what the rows are: some say when they were made.
            return tables, {name: held.rows for name, held in _contents(side, connection, tables).items()}


def _tables(connection: Connection) -> Iterator[Table]:
    found = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    sorter = graphlib.TopologicalSorter({row["name"]: _referred(connection, row["name"]) for row in found})
    for name in sorter.static_order():
        columns = connection.execute("SELECT name, type, pk FROM pragma_table_info(?)", (name,)).fetchall()
        keys = [column for column in columns if column["pk"]]
        numbered = keys[0]["name"] if len(keys) == 1 and keys[0]["type"] == "INTEGER" else None
        yield Table(name, tuple(column["name"] for column in columns), numbered)


def _referred(connection: Connection, table: str) -> set[str]:
    rows = connection.execute('SELECT "table" FROM pragma_foreign_key_list(?)', (table,)).fetchall()
    return {row[0] for row in rows} - {table}


def _present(side: Side, connection: Connection, tables: Sequence[Table]) -> dict[str, Content] | None:
    """Return what is in a database; None for one that was moved away, in which nothing counts any more."""
    version = side.schema_version(connection)
    if version == len(migrations()):
        return _contents(side, connection, tables)
    if version != MOVED + len(migrations()):
        raise DatabaseNotEmpty(
            f"{side.name} holds what an older Ropewalk has moved away",
            hint="give the move a new database",
        )
    return None


def _clear(
    side: Side,
    connection: Connection,
    tables: Sequence[Table],
    held: Mapping[str, Content] | None,
    fresh: Mapping[str, int],
) -> None:
    """Make room in a database in which nothing counts: new, or moved away."""
    if held is None:
        _unmark(side, connection)
    elif full := [f"{name} ({held[name].rows})" for name in held if held[name].rows != fresh[name]]:
        raise DatabaseNotEmpty(
            f"{side.name} is not empty: there are rows in {', '.join(full[:4])}{', ...' if full[4:] else ''}",
            hint="give the move an empty database; it overwrites nothing",
        )
    for table in reversed(tables):
        connection.execute(f'DELETE FROM "{table.name}"')  # noqa: S608  # our own names


def _copy(
    old: Side, reading: Connection, new: Side, writing: Connection, tables: Iterable[Table], report: Report
) -> dict[str, Content]:
    moved = {}
    for table in tables:
        counted = _Counted(old.rows(reading, table))
        insert_rows(writing, table, counted)
        if table.numbered:
            new.set_last_number(writing, table, old.last_number(reading, table))
        moved[table.name] = _content(new.rows(writing, table))
        if moved[table.name] != counted.content:
            raise DatabaseFailed(
                f"the table {table.name} is not the same in {new.name} as in {old.name}; nothing was moved",
                hint="please report it",
            )
        report(table.name, moved[table.name].rows)
    return moved


def _mark(side: Side, connection: Connection, place: str) -> None:
    side.set_schema_version(connection, MOVED + len(migrations()))
    connection.execute("CREATE TABLE moved_to (place TEXT NOT NULL) STRICT")
    connection.execute("INSERT INTO moved_to VALUES (?)", (place,))


def _unmark(side: Side, connection: Connection) -> None:
    side.set_schema_version(connection, side.schema_version(connection) - MOVED)
    connection.execute("DROP TABLE moved_to")


def _contents(side: Side, connection: Connection, tables: Iterable[Table]) -> dict[str, Content]:
    return {table.name: _content(side.rows(connection, table)) for table in tables}


def _content(rows: Iterable[Sequence[Any]]) -> Content:
    counted = _Counted(rows)
    for _ in counted:
        pass
    return counted.content


class _Counted:
    """Rows that are counted and digested while somebody goes through them."""

    def __init__(self, rows: Iterable[Sequence[Any]]) -> None:
        self._rows = rows
        self._count = 0
        self._sum = 0

    def __iter__(self) -> Iterator[Sequence[Any]]:
        for row in self._rows:
            values = tuple(row)
            # The text of a value has its type: 1, 1.0, '1' and b'1' are four.
            digest = blake3(repr(values).encode("utf-8", "surrogatepass")).digest(_SIZE)
            # A sum does not depend on the order, and counts a row that is there twice twice.
            self._sum = (self._sum + int.from_bytes(digest, "big")) % (1 << 8 * _SIZE)
            self._count += 1
            yield values

    @property
    def content(self) -> Content:
        """What went by so far."""
        return Content(self._count, f"{self._sum:032x}")
