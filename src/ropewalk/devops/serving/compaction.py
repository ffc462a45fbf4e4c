"""From the prediction log to the lake's table of a deployment's predictions: each prediction exactly once.

The rows and the positions up to which segments are consumed change in one transaction of the lake, so whatever
happens in between, the next compaction starts where the table ends.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import msgspec

from ropewalk.dataops.lake import LakeTransaction, TableName, literal, open_lake, quote
from ropewalk.devops.serving.column_types import TEXT, TIME, as_utc, signature_type, values_type, wider
from ropewalk.devops.serving.errors import CompactionFailed
from ropewalk.devops.serving.payload import Values
from ropewalk.devops.serving.places import full_name, prediction_folder, prediction_table
from ropewalk.devops.serving.segments import Entry, log_state, prediction_ids, read_segments
from ropewalk.pipeline import Workspace

POSITIONS = "prediction_positions"
_OWN = {
    "prediction_id": TEXT,
    "request_id": TEXT,
    "predicted_at": TIME,
    "model": TEXT,
    "model_version": "BIGINT",
}
_PREDICTION = "prediction"
_SENT = "input_"


@dataclass
class _Batch:
    """What one compaction has read: the rows as a file, their columns' types, and how far it came.

    Attributes:
        names: the table's name for a column by its name in lower case.
        rows: how many predictions were read.
        types: the type of each of the table's columns.
        positions: how far each segment was read.
    """

    names: dict[str, str]
    rows: int = 0
    types: dict[str, str | None] = field(default_factory=lambda: dict[str, str | None](_OWN))
    positions: dict[str, int] = field(default_factory=dict)

    def column(self, sent: str) -> str:
        """Return the table's column for a request's column."""
        name = _column_name(sent)
        # The lake tells columns apart by more than case, and requests of different clients may not.
        return self.names.setdefault(_folded(name), name)


class _NothingNewError(Exception):
    """Rolls the transaction back, so that an idle compaction leaves no snapshot."""


def compact(workspace: Workspace, name: str) -> int:
    """Bring the deployment's new predictions into the lake's table of them; return how many there were.

    Raises:
        SegmentDamaged: the log's bytes are not what was written; nothing is taken.
        CompactionFailed: the disk of the state folder is full or cannot be written; nothing is taken.
        LakeBusy: another process kept the lake's writer lease too long.
    """
    folder = prediction_folder(workspace, name)
    if not log_state(folder):
        return 0
    try:
        with open_lake(workspace).transaction(f"predictions of {name}") as transaction:
            table = TableName.parse(prediction_table(workspace, name))
            return _take(transaction, full_name(workspace, name), table, folder, workspace.state)
    except _NothingNewError:
        return 0
    except OSError as error:
        raise CompactionFailed(
            f"the predictions of {name!r} could not be brought into the lake: {error.strerror or error}",
            hint=f"make room on the disk that holds {workspace.state}; they stay in their log until then",
        ) from error


def _take(transaction: LakeTransaction, name: str, table: TableName, folder: Path, scratch: Path) -> int:
    """Bring what stands behind the recorded positions into the table, and the positions with it."""
    columns = "deployment VARCHAR, segment VARCHAR, position BIGINT"
    transaction.connection.execute(f"CREATE TABLE IF NOT EXISTS ropewalk.{POSITIONS} ({columns})")
    before = {str(row[1]): int(row[2] or 0) for row in transaction.read_book(POSITIONS, name)}
    standing = [column.name for column in transaction.columns(str(table)) or ()]
    batch = _Batch({_folded(name): name for name in (*_OWN, _PREDICTION, *standing)})
    # Beside the log and not in it: its folder need not be writable for what is there to be read.
    with tempfile.NamedTemporaryFile(dir=scratch, prefix="predictions-") as file:
        _write_rows(read_segments(folder, before), batch, file)
        if not batch.rows:
            raise _NothingNewError
        _load(transaction, table, batch, Path(file.name))
    rows = [(name, *item) for item in sorted({**before, **batch.positions}.items())]
    transaction.rewrite_book(POSITIONS, name, rows)
    return batch.rows


def _write_rows(entries: Iterable[Entry], batch: _Batch, stream: IO[bytes]) -> None:
    for entry in entries:
        batch.positions[entry.segment] = entry.position
        columns = dict(_columns(entry, batch))
        # JSON lines: DuckDB reads them in parallel with the types given, faster than rows one by one.
        stream.write(_lines.encode_lines(list(_rows(entry, columns))))
        batch.rows += len(entry.record.predictions)
    stream.flush()


def _columns(entry: Entry, batch: _Batch) -> Iterator[tuple[str, Values]]:
    """Yield the table's name and the values of each column that one request sent, and note the types."""
    record, known, types = entry.record, entry.header.types, batch.types
    types[_PREDICTION] = wider(types.get(_PREDICTION), values_type(record.predictions))
    for name, values in zip(record.names, record.columns, strict=True):
        # The signature's type, not the values': a batch of whole numbers must not make a BIGINT of a double.
        kind = signature_type(known[name]) if name in known else values_type(values)
        column = batch.column(name)
        types[column] = wider(types.get(column), kind)
        yield column, [as_utc(value) for value in values] if kind == TIME else values


def _rows(entry: Entry, columns: Mapping[str, Values]) -> Iterator[dict[str, object]]:
    """Yield the table's rows for one request."""
    record = entry.record
    own: dict[str, object] = {
        "request_id": record.request_id,
        "predicted_at": datetime.fromtimestamp(record.arrived_at / 1000, UTC).replace(tzinfo=None),
        "model": entry.header.model,
        "model_version": entry.header.version,
    }
    ids = prediction_ids(record.request_id, len(record.predictions))
    for prediction_id, prediction, *values in zip(ids, record.predictions, *columns.values(), strict=True):
        sent = dict(zip(columns, values, strict=True))
        yield {"prediction_id": prediction_id, **own, _PREDICTION: prediction, **sent}


def _column_name(name: str) -> str:
    """Return the table's column for a request's column; our own columns keep their names."""
    plain = _folded(name)
    while plain.startswith(_SENT):
        plain = plain.removeprefix(_SENT)
    # One prefix more than it came with: `input_prediction` itself may be sent beside `prediction`.
    return f"{_SENT}{name}" if plain in {*_OWN, _PREDICTION} else name


def _folded(name: str) -> str:
    """Return a name as the lake compares it: it knows the case of ASCII letters only."""
    return name.encode().lower().decode()


def _load(transaction: LakeTransaction, table: TableName, batch: _Batch, path: Path) -> None:
    types = _fit_table(transaction, table, {name: kind for name, kind in batch.types.items() if kind})
    columns = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in types.items())
    source = f"read_json({literal(str(path))}, format = 'newline_delimited', columns = {{{columns}}})"
    transaction.connection.execute(f"INSERT INTO {table.sql} BY NAME FROM {source}")


def _fit_table(transaction: LakeTransaction, table: TableName, types: Mapping[str, str]) -> dict[str, str]:
    """Make the table hold columns of `types`, creating and widening as needed; return each one's type there."""
    execute = transaction.connection.execute
    present = transaction.columns(str(table))
    if present is None:
        listed = ", ".join(f"{quote(name)} {kind}" for name, kind in types.items())
        execute(f"CREATE SCHEMA IF NOT EXISTS {quote(table.schema)}")
        execute(f"CREATE TABLE {table.sql} ({listed})")
        return dict(types)
    standing = {column.name: column.type for column in present}
    fitting = {name: wider(standing.get(name), kind) or TEXT for name, kind in types.items()}
    for name, kind in fitting.items():
        if name not in standing:
            execute(f"ALTER TABLE {table.sql} ADD COLUMN {quote(name)} {kind}")
        elif standing[name] != kind:
            _widen(transaction, table, name, kind)
    return fitting


def _widen(transaction: LakeTransaction, table: TableName, name: str, kind: str) -> None:
    # The lake alters types in place only from one number to a larger one.
    wide = quote(f"{name} widened")
    for statement in (
        f"ALTER TABLE {table.sql} ADD COLUMN {wide} {kind}",
        f"UPDATE {table.sql} SET {wide} = {quote(name)}",  # noqa: S608  # quoted names
        f"ALTER TABLE {table.sql} DROP COLUMN {quote(name)}",
        f"ALTER TABLE {table.sql} RENAME COLUMN {wide} TO {quote(name)}",
    ):
        transaction.connection.execute(statement)


_lines = msgspec.json.Encoder()
