"""The lake's part in collecting garbage: tables that nobody has any more, and snapshots that nobody names."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from ropewalk import plugins
from ropewalk.dataops.lake.digest import read_columns
from ropewalk.dataops.lake.environment import table_of
from ropewalk.dataops.lake.expiry import Expired
from ropewalk.dataops.lake.lake import Lake
from ropewalk.dataops.lake.names import TableName
from ropewalk.dataops.lake.opening import open_lake
from ropewalk.dataops.lake.transaction import LakeTransaction
from ropewalk.errors import RopewalkError
from ropewalk.pipeline import Kept, Swept, Workspace, declare_graph
from ropewalk.store import now_ms

PREFIX = "snapshot:"
QUARANTINE = "quarantine"


def sweep_lake(workspace: Workspace, kept: Kept) -> list[Swept]:
    """Take out of the lake what nothing in `kept` stands for, and return what that was, or would be.

    Tables go whose node the project does not declare and no action that stays has made. Snapshots go that neither an
    output nor an input nor a pin names, with the files that only they needed. What a table that goes leaves behind
    is counted by the next collection.

    Raises:
        LakeBusy: another process kept the lake's writer lease too long.
    """
    lake = open_lake(workspace)
    if not lake.exists:
        return []
    forgotten = find_forgotten(lake, workspace, kept)
    if forgotten and not kept.is_dry:
        _drop(lake, forgotten)
    expired = expire_unnamed(lake, kept)
    return [
        Swept("tables", len(forgotten)),
        Swept("snapshots", expired.snapshots),
        Swept("files of the lake", expired.files, expired.bytes),
    ]


def expire_unnamed(lake: Lake, kept: Kept, newest: int = 1) -> Expired:
    """Let go of the snapshots that neither `kept` nor a pin names, and that are none of the `newest`.

    Raises:
        LakeBusy: another process kept the lake's writer lease too long.
    """
    named = (reference.removeprefix(PREFIX) for reference in kept.references if reference.startswith(PREFIX))
    numbers = {int(number) for number in named if number.isdecimal()}
    numbers |= {info.number for info in lake.snapshots(limit=newest)}
    return lake.expire(numbers, older_than_ms=now_ms() - kept.before_ms, is_dry=kept.is_dry)


def find_forgotten(lake: Lake, workspace: Workspace, kept: Kept) -> dict[str, str]:
    """Return the tables at the head that nobody has any more, with the nodes that made them."""
    tables = {table: node for node in _given_up(lake, workspace, kept) if (table := table_of(node))}
    pinned = {one.table.lower() for pin in lake.pins() for one in pin.tables}
    return {
        table: node
        for table, node in tables.items()
        # A pin reads it at its own snapshot; who pins it may still want it.
        if table not in pinned and not _is_young(lake, table, kept.before_ms)
    }


def _given_up(lake: Lake, workspace: Workspace, kept: Kept) -> list[str]:
    """Return the nodes with tables that neither the project declares nor an action that stays has made."""
    # Where nothing at all is recorded, the records are new, not the tables old: a source's rows may be found nowhere else.
    if not kept.outputs:
        return []
    try:
        declared = declare_graph(workspace.project, plugins.kinds()).nodes
    except RopewalkError:
        # Of a project that cannot be read nobody knows what it has given up.
        return []
    return [node for node in lake.built_nodes() if node not in kept.outputs and node not in declared]


def _is_young(lake: Lake, table: str, before_ms: int) -> bool:
    newest = lake.snapshots(table, limit=1)
    return any(info.time_ms >= before_ms for info in newest)


def _drop(lake: Lake, forgotten: dict[str, str]) -> None:
    with lake.transaction(f"gc drops {', '.join(forgotten)}") as transaction:
        books = _books_of_sources(transaction.connection)
        for table, node in forgotten.items():
            kind, _, name = node.partition(":")
            transaction.drop(table)
            transaction.rewrite_book("builds", node, [])
            if kind == "source":
                _forget_source(transaction, name, books)


def _forget_source(transaction: LakeTransaction, name: str, books: Iterable[str]) -> None:
    """Forget how far a source was loaded: one of that name that comes back begins anew."""
    transaction.drop(str(TableName(QUARANTINE, name)))
    for book in books:
        transaction.rewrite_book(book, name, [])


def _books_of_sources(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake' AND schema_name = 'ropewalk' ORDER BY 1"
    ).fetchall()
    books = [str(row[0]) for row in rows]
    return [book for book in books if read_columns(connection, f"lake.ropewalk.{book}")[0].name == "source"]
