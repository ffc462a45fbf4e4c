"""Rows in whatever form code yields them, on their way into files that the engine reads: NDJSON or Parquet."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import math
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol, Self, cast

from ropewalk.dataops.sources.rows_job import RECORDS

if TYPE_CHECKING:
    import duckdb

# Small batches are written together: a file for each would cost more than their rows.
BATCH_ROWS = 100_000


class _Batch(Protocol):
    """An Arrow record batch, as far as it is looked at here."""

    num_rows: int
    schema: object


class RowsWriter:
    """Writes rows into a folder; a context manager around the writing.

    Dicts go into one file of newline-delimited JSON; anything that is a table into Parquet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows = 0
        self._records: IO[str] | None = None
        self._tables = 0
        self._held: list[_Batch] = []
        self._held_rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._write_held()
        if self._records is not None:
            self._records.close()

    def write(self, item: object) -> None:
        """Take one item: a dict, a list of dicts, an Arrow table or batch, a data frame, a DuckDB relation.

        Raises:
            TypeError: it is none of these, or holds a value that JSON has no word for.
            ValueError: a number that is none, or dicts and tables in turns.
        """
        if isinstance(item, Mapping):
            self._write_record(item)
        elif isinstance(item, Sequence) and not isinstance(item, str | bytes):
            for record in item:
                self.write(record)
        else:
            self._write_table(item)

    def _write_record(self, record: Mapping[object, object]) -> None:
        if self._tables or self._held:
            message = "a source yields either dicts or tables, not both"
            raise ValueError(message)
        if self._records is None:
            self._records = (self.folder / RECORDS).open("w", encoding="utf-8")
        try:
            text = json.dumps(record, ensure_ascii=False, allow_nan=False, default=_plain)
        except ValueError:
            text = json.dumps(_without_nan(record, self.rows + 1), ensure_ascii=False, default=_plain)
        # A lone surrogate, as a file name may have, has no UTF-8.
        self._records.write(text.encode("utf-8", "replace").decode() + "\n")
        self.rows += 1

    def _write_table(self, item: object) -> None:
        if self._records is not None:
            message = "a source yields either dicts or tables, not both"
            raise ValueError(message)
        batch = _batch(item)
        if batch is None:
            self._write_relation(_relation(item))
            return
        if self._held and batch.schema != self._held[0].schema:
            self._write_held()
        self._held.append(batch)
        self._held_rows += batch.num_rows
        if self._held_rows >= BATCH_ROWS:
            self._write_held()

    def _write_held(self) -> None:
        if self._held:
            # Whoever yields batches has pyarrow.
            import pyarrow as pa

            held, self._held, self._held_rows = self._held, [], 0
            self._write_relation(_relation(pa.Table.from_batches(held)))

    def _write_relation(self, relation: duckdb.DuckDBPyRelation) -> None:
        path = self.folder / f"table-{self._tables:06}.parquet"
        # Not compressed much: it is read once, at once.
        relation.write_parquet(str(path), compression="lz4_raw")
        self._tables += 1
        counted = relation.query(
            "rows", f"SELECT sum(num_rows) FROM parquet_file_metadata('{path}')"
        ).fetchone()
        self.rows += int(counted[0] or 0) if counted else 0


def _relation(item: object) -> duckdb.DuckDBPyRelation:
    # Heavy, and not needed by a source of dicts.
    from ropewalk.processes import relation_of

    return relation_of(item)


def _batch(item: object) -> _Batch | None:
    """Return an Arrow record batch as it is, and None for anything else."""
    kind = type(item)
    is_batch = kind.__name__ == "RecordBatch" and kind.__module__.startswith("pyarrow")
    return cast("_Batch", item) if is_batch else None


def _plain(value: object) -> object:
    """Return what JSON has no word for as text that says all of it."""
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal | uuid.UUID | dt.timedelta):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    # Numbers of numpy and pandas know themselves as Python's.
    if hasattr(value, "item") and callable(value.item):
        return value.item()
    message = f"a value of type {type(value).__qualname__} cannot be loaded: yield text, a number, a time, or tables"
    raise TypeError(message)


def _without_nan(record: Mapping[object, object], number: int) -> dict[object, object]:
    """Return the record with NULL for NaN, which is how frames write that there is no value.

    Raises:
        ValueError: a number is infinite.
    """
    for name, value in record.items():
        if isinstance(value, float) and math.isinf(value):
            message = f"row {number}: column {name!r} is {value}, which JSON cannot say: yield tables instead"
            raise ValueError(message)
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in record.items()}
