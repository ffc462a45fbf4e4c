"""Records on their way into a table: in a file of newline-delimited JSON, read by DuckDB."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import duckdb
from blake3 import blake3

from ropewalk.dataops.lake import literal, quote
from ropewalk.dataops.sources.columns import Relation
from ropewalk.dataops.sources.record_columns import json_relation

PREFIX = "records-"


class RecordFile:
    """A file that records are written to, page by page, in a folder that goes away with the block."""

    def __init__(self, path: Path, stream: BinaryIO, *, is_ordered: bool = True) -> None:
        self.path = path
        self.count = 0
        self.is_ordered = is_ordered
        self._stream = stream
        self._digest = blake3()
        self._sum = 0

    def write(self, records: Sequence[bytes]) -> None:
        """Append `records`, each the bytes of a JSON object on one line."""
        if records:
            block = b"\n".join(records) + b"\n"
            self._stream.write(block)
            self.count += len(records)
            if self.is_ordered:
                self._digest.update(block)
            else:
                # A sum is the same in whatever order its terms come.
                self._sum += sum(int.from_bytes(blake3(record).digest(16), "big") for record in records)

    @property
    def digest(self) -> str:
        """Digest (32 hex digits) of all records, in their order where that means something."""
        return self._digest.hexdigest()[:32] if self.is_ordered else f"{self._sum % 2**128:032x}"

    def flushed(self) -> Path:
        """Return the file's path once all records are in it: DuckDB sees only what has left our buffer."""
        self._stream.flush()
        return self.path

    def relation(
        self, connection: duckdb.DuckDBPyConnection, types: Mapping[str, str] | None = None
    ) -> Relation:
        """Return the records as a SELECT, in their order, with the types that are found over all of them.

        Nested values stay JSON, as they are written; a column that is declared as text in `types` is read as text,
        so that a time in it keeps its form.
        """
        return json_relation(connection, self.flushed(), types or {})

    def greatest(
        self, connection: duckdb.DuckDBPyConnection, name: str, kind: str, least: str | None
    ) -> str | None:
        """Return the greatest value of the field `name` and `least`, compared as `kind`, as the source wrote it."""
        column = quote(name)
        fields = (
            f"SELECT {column} FROM read_json({literal(str(self.flushed()))}, "
            f"format = 'newline_delimited', columns = {{{literal(name)}: 'VARCHAR'}})"
        )
        row = connection.execute(
            f"SELECT arg_max({column}, TRY_CAST({column} AS {kind})) FROM ({fields} UNION ALL SELECT {literal(least)})"
        ).fetchone()
        return None if row is None or row[0] is None else str(row[0])


@contextmanager
def record_file(state: Path, *, is_ordered: bool = True) -> Iterator[RecordFile]:
    """Yield an empty record file below the `state` folder; what killed processes left there is removed.

    With `is_ordered` false, its digest is that of the records in whatever order.
    """
    # In the state folder, not in /tmp: a year of records may not fit into memory-backed storage.
    state.mkdir(parents=True, exist_ok=True)
    sweep_folders(state, PREFIX)
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-", dir=state) as folder:
        path = Path(folder) / "records.ndjson"
        with path.open("wb") as stream:
            yield RecordFile(path, stream, is_ordered=is_ordered)


def sweep_folders(state: Path, prefix: str) -> None:
    """Remove the folders `PREFIX-PID-...` below `state` that processes left which are gone."""
    for folder in state.glob(f"{prefix}*"):
        pid = folder.name.removeprefix(prefix).partition("-")[0]
        if pid.isdigit() and not _is_alive(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
