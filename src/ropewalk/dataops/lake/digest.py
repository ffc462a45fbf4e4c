"""The digest of a table's content: equal content, equal digest, whatever the order or the history of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
from blake3 import blake3

from ropewalk.dataops.lake.names import quote


@dataclass(frozen=True)
class Column:
    """A column's name and its type, as the engine writes it."""

    name: str
    type: str


@dataclass(frozen=True)
class TableDigest:
    """How many rows a table has, and the digest (64 hex digits) of its columns and rows."""

    rows: int
    digest: str


def read_columns(connection: duckdb.DuckDBPyConnection, relation: str) -> list[Column]:
    """Return the columns of `relation`, which is what follows FROM."""
    described = connection.execute(f"DESCRIBE FROM {relation}").fetchall()
    return [Column(str(row[0]), str(row[1])) for row in described]


def table_names(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Return `schema.table` of every table of the lake that `connection` sees, for messages."""
    found = connection.execute(
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = 'lake' ORDER BY ALL"
    ).fetchall()
    return tuple(str(row[0]) for row in found)


def digest_relation(connection: duckdb.DuckDBPyConnection, relation: str) -> TableDigest:
    """Return the digest of `relation`, which is what follows FROM.

    Each row is hashed over its columns in the order of their names, and the hashes are added up and xor-ed:
    neither the order of the rows nor that in which columns were added makes a difference.
    """
    columns = read_columns(connection, relation)
    counted = connection.execute(f"SELECT {_sums(columns)} FROM {relation}").fetchone()
    assert counted is not None
    return TableDigest(int(counted[0]), _digest(columns, counted))


def digest_groups(connection: duckdb.DuckDBPyConnection, relation: str, group: str) -> dict[str | None, str]:
    """Return the digest of the rows of `relation` for each value of `group`, an expression that gives a text."""
    columns = read_columns(connection, relation)
    rows = connection.execute(f"SELECT {group}, {_sums(columns)} FROM {relation} GROUP BY 1").fetchall()
    return {value: _digest(columns, sums) for value, *sums in rows}


def _sums(columns: Sequence[Column]) -> str:
    # The sum tells repeated rows apart, which xor cancels out; xor makes it hard for two changes to cancel in the sum.
    names = sorted(column.name for column in columns)
    row_hash = f"hash({', '.join(map(quote, names))})"
    return f"count(*), coalesce(sum({row_hash}), 0), coalesce(bit_xor({row_hash}), 0)"


def _digest(columns: Sequence[Column], sums: Sequence[object]) -> str:
    # An empty table has a digest too, and tables with equal rows under other names have different ones.
    signature = repr([(c.name, c.type) for c in sorted(columns, key=lambda column: column.name)])
    return blake3(f"{signature}|{sums[0]}|{sums[1]}|{sums[2]}".encode()).hexdigest()
