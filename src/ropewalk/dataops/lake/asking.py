"""How a question to the lake is to be answered: its limits, the values bound in it, and the form of the answer."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import duckdb

from ropewalk.dataops.lake.digest import Column
from ropewalk.dataops.lake.errors import ExtensionMissing, InvalidQuery
from ropewalk.dataops.lake.names import literal, quote

# More than a person at a console needs, and not all of the machine.
MEMORY = "2GB"
Form = Literal["rows", "parquet", "arrow"]
_MEMORY = re.compile(r"\d{1,6}(\.\d+)? ?[KMGT]i?B", re.IGNORECASE)


@dataclass(frozen=True)
class QueryResult:
    """What a query found.

    Attributes:
        columns: names and types, in order.
        rows: the values, no more than were asked for; none where the answer is a file.
        is_complete: whether these are all the rows there are.
        content: the answer as the bytes of a file, where one was asked for.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[object, ...], ...]
    is_complete: bool
    content: bytes = b""


@dataclass(frozen=True)
class Asking:
    """What is asked beside the SQL.

    Attributes:
        limit: the most rows.
        timeout_s: the most seconds.
        memory: the most memory, as the engine writes sizes.
        form: rows, or a file of that kind.
        values: by name, type and text of the values that `getvariable('NAME')` gives.
    """

    limit: int = 1000
    timeout_s: float = 30.0
    memory: str = MEMORY
    form: Form = "rows"
    values: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def read_memory(text: str) -> str:
    """Return `text`, which says how much memory a query may take.

    Raises:
        InvalidQuery: it does not.
    """
    if not _MEMORY.fullmatch(text.strip()):
        raise InvalidQuery(f"{text!r} is no amount of memory", hint="write 512MB, 2GB")
    return text.strip()


@contextmanager
def bound(connection: duckdb.DuckDBPyConnection, asking: Asking) -> Iterator[None]:
    """Bind the values in the connection for the length of the block; the SQL itself never holds them."""
    for name, (kind, text) in asking.values.items():
        connection.execute(f"SET VARIABLE {quote(name)} = CAST({literal(text)} AS {kind})")
    try:
        yield
    finally:
        for name in asking.values:
            connection.execute(f"RESET VARIABLE {quote(name)}")


def fetch(connection: duckdb.DuckDBPyConnection, sql: str, asking: Asking, folder: Path) -> QueryResult:
    """Return what `sql` finds, in the form that is asked for; `folder` is one that the engine may write to.

    Raises:
        ExtensionMissing: Arrow is asked for, and its package is not installed.
        duckdb.Error: the query cannot be answered.
    """
    relation = connection.sql(sql)
    columns = tuple(
        Column(name, str(kind)) for name, kind in zip(relation.columns, relation.types, strict=True)
    )
    if asking.form == "rows":
        # One row more than wanted tells whether there are more, without counting them.
        rows = relation.limit(asking.limit + 1).fetchall()
        return QueryResult(columns, tuple(rows[: asking.limit]), len(rows) <= asking.limit)
    limited = relation.limit(asking.limit)
    content, rows_written = _parquet(limited, folder) if asking.form == "parquet" else _arrow(limited)
    return QueryResult(columns, (), rows_written < asking.limit, content)


def _parquet(relation: duckdb.DuckDBPyRelation, folder: Path) -> tuple[bytes, int]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"answer-{uuid.uuid4().hex}.parquet"
    try:
        relation.write_parquet(str(path), compression="zstd")
        # The file itself knows how many rows it has; counting them first would run the query twice.
        with duckdb.connect(config={"threads": "1"}) as reader:
            sql = f"SELECT num_rows FROM parquet_file_metadata({literal(str(path))})"
            found = reader.execute(sql).fetchone()
        return path.read_bytes(), int(found[0]) if found else 0
    finally:
        path.unlink(missing_ok=True)


def _arrow(relation: duckdb.DuckDBPyRelation) -> tuple[bytes, int]:
    try:
        # Only who asks for Arrow needs its package.
        import pyarrow as pa
    except ImportError as error:
        raise ExtensionMissing(
            "answers in Arrow need pyarrow", hint="pip install 'ropewalk[arrow]'"
        ) from error
    table = relation.to_arrow_table()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue()), int(table.num_rows)
