"""Tables that travel: a table at a snapshot as objects of the store, and back into a lake."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping
from pathlib import Path

import duckdb
import msgspec

from ropewalk.dataops.lake.digest import Column, TableDigest, digest_relation, read_columns
from ropewalk.dataops.lake.environment import snapshot_of, table_of
from ropewalk.dataops.lake.errors import ParcelDamaged, translate_error
from ropewalk.dataops.lake.names import TableName, literal, quote
from ropewalk.dataops.lake.opening import open_lake
from ropewalk.dataops.lake.transaction import LakeTransaction, Value
from ropewalk.errors import RopewalkError
from ropewalk.pipeline import Node, Output, Packed, Workspace

ROWS = "rows.parquet"
ABOUT = "about.json"
BESIDE = "beside.parquet"
HINT = "remove the entry from the shared cache; `ropewalk run` then makes the table"


class _About(msgspec.Struct, frozen=True):
    """What goes with the rows: their columns, what the lake's books have about them, the columns of what lies beside."""

    columns: list[Column]
    books: dict[str, list[tuple[Value, ...]]]
    beside: list[Column] = []


def pack_table(
    node: Node,
    output: Output,
    workspace: Workspace,
    books: Mapping[str, str],
    beside: str | None = None,
) -> Packed | None:
    """Return the table that `output` names as objects, with the rows that the lake's books have about it.

    Args:
        node: what made the table.
        output: where it is.
        workspace: the open project.
        books: whose rows to take along, by book.
        beside: a table that goes with it where it has rows, such as those that did not fit.

    Returns:
        None when it has no snapshot, or holds types that Parquet cannot keep exactly.

    Raises:
        TableMissing, SnapshotMissing: the lake does not have it any more.
    """
    name, snapshot = table_of(node.id), snapshot_of(output)
    if name is None or snapshot is None:
        return None
    source = TableName.parse(name).at(snapshot)
    lake = open_lake(workspace)
    with (
        tempfile.TemporaryDirectory(dir=workspace.state, prefix="parcel-") as folder,
        lake.cursor() as connection,
    ):
        path = Path(folder) / ROWS
        columns = _write_rows(connection, source, path)
        # Held against the digest here, where a type that does not survive costs nothing but the parcel.
        if digest_relation(connection, _rows_sql(path, columns)).digest != output.digest:
            return None
        objects = {ROWS: workspace.objects.put_file(path).digest}
        more = _write_beside(connection, beside, snapshot, path)
        if more:
            objects[BESIDE] = workspace.objects.put_file(path).digest
    kept = {book: lake.read_book(book, owner, snapshot) for book, owner in books.items()}
    told = workspace.objects.put_bytes(msgspec.json.encode(_About(columns, kept, more), order="sorted"))
    return Packed(output, {**objects, ABOUT: told.digest})


def unpack_table(  # noqa: PLR0913  # the same words for each part as `pack_table` has, and one more
    node: Node,
    key: str,
    packed: Packed,
    workspace: Workspace,
    books: Mapping[str, str],
    columns: Mapping[str, str] | None = None,
    *,
    beside: str | None = None,
) -> Output:
    """Bring a packed table, and what the books had about it, into the lake; return its output as it is here.

    Args:
        node: what made the table.
        key: the key it was started under.
        packed: the table as `pack_table` gave it.
        workspace: the open project.
        books: whose rows came along, by book.
        columns: by book, the columns of those that a new lake does not have.
        beside: the table that may have come with it; without one in the parcel it is empty from then on.

    Raises:
        ParcelDamaged: the rows are not those that were packed; the lake stays as it was.
    """
    name = table_of(node.id)
    assert name is not None
    about = _read_about(workspace.objects.path(packed.objects[ABOUT]))
    rows = _rows_sql(workspace.objects.path(packed.objects[ROWS]), about.columns)
    with open_lake(workspace).transaction(f"unpack {name}") as transaction:
        made = _load(transaction, name, rows)
        if made.digest != packed.output.digest:
            raise ParcelDamaged(f"the rows of {name} are not those that were packed", hint=HINT)
        if beside is not None:
            _load_beside(transaction, beside, packed, workspace, about.beside)
        for book, owner in books.items():
            if columns and book in columns:
                transaction.open_book(book, columns[book])
            transaction.rewrite_book(book, owner, about.books.get(book, []))
        transaction.record_build(node.id, key, made)
    return dataclasses.replace(packed.output, reference=f"snapshot:{transaction.snapshot}")


def _write_rows(connection: duckdb.DuckDBPyConnection, source: str, path: Path) -> list[Column]:
    # Equal rows in equal order give equal bytes, however many threads write: the store then keeps them once.
    options = "FORMAT parquet, COMPRESSION zstd"
    try:
        connection.execute(f"COPY (FROM {source}) TO {literal(str(path))} ({options})")
        return read_columns(connection, source)
    except duckdb.Error as error:
        raise translate_error(error) from error


def _write_beside(
    connection: duckdb.DuckDBPyConnection, table: str | None, snapshot: int, path: Path
) -> list[Column]:
    """Write the rows of `table` to `path` and return its columns; none where it has no rows, or was not there then."""
    if table is None:
        return []
    source = TableName.parse(table).at(snapshot)
    try:
        found = connection.execute(f"SELECT count(*) FROM {source}").fetchone()
    except duckdb.Error:
        # Whether a table was there at a snapshot is only told by reading it.
        return []
    path.unlink()
    return _write_rows(connection, source, path) if found and found[0] else []


def _load_beside(
    transaction: LakeTransaction, table: str, packed: Packed, workspace: Workspace, columns: list[Column]
) -> None:
    if BESIDE in packed.objects:
        _load(transaction, table, _rows_sql(workspace.objects.path(packed.objects[BESIDE]), columns))
    elif transaction.columns(table) is not None:
        # What did not fit before is not what did not fit into these rows.
        _load(transaction, table, f"{TableName.parse(table).sql} WHERE false")


def _rows_sql(path: Path, columns: list[Column]) -> str:
    """Return what follows FROM for the rows in the file, in their own types."""
    casts = ", ".join(f"CAST({quote(c.name)} AS {c.type}) AS {quote(c.name)}" for c in columns)
    return f"(SELECT {casts} FROM read_parquet({literal(str(path))}))"


def _load(transaction: LakeTransaction, name: str, rows: str) -> TableDigest:
    try:
        return transaction.replace(name, f"FROM {rows}")
    except RopewalkError as error:
        raise ParcelDamaged(
            f"the rows of {name} cannot be read: {error.message}", hint=HINT, detail=error.detail
        ) from error


def _read_about(path: Path) -> _About:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_About)
    except msgspec.MsgspecError as error:
        raise ParcelDamaged(f"the description of a packed table is not one: {error}", hint=HINT) from error
