"""Rows that do not fit their table: kept in `quarantine.NAME` with the reason, so that nothing is lost silently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import duckdb

from ropewalk.dataops.lake import Column, LakeTransaction, TableName, literal, quote

SCHEMA = "quarantine"
BATCH = 1000
MARKER = "_ropewalk_complaint"
COLUMNS = (
    Column("_reason", "VARCHAR"),
    Column("_column", "VARCHAR"),
    Column("_value", "VARCHAR"),
    Column("_file", "VARCHAR"),
    Column("_line", "BIGINT"),
    Column("_loaded_at", "TIMESTAMP WITH TIME ZONE"),
    Column("_row", "JSON"),
)


@dataclass(frozen=True)
class Complaint:
    """Why a row may not fit.

    Attributes:
        column: the column that it is about.
        reason: what is wrong with its value, such as "not a BIGINT".
        condition: the SQL condition of rows that it is about.
    """

    column: str
    reason: str
    condition: str


@dataclass(frozen=True)
class RowPlace:
    """Where a row stands, as SQL over the row: its file and its line there."""

    file: str = "NULL"
    line: str = "NULL"


NOWHERE = RowPlace()


@dataclass(frozen=True)
class Reject:
    """A row that its reader could not take at all.

    Attributes:
        file: the file that it stands in.
        line: the line there.
        record: which record of the file it is, from 1.
        reason: what is wrong.
        column: the column that it is about, where it is about one.
        value: the text there.
        row: what could be read of it, as JSON.
    """

    file: str
    line: int
    record: int
    reason: str
    column: str | None
    value: str | None
    row: str


class Evidence(Protocol):
    """What a reader knows of rows beside their values, once they were read."""

    def rejects(self, connection: duckdb.DuckDBPyConnection) -> Sequence[Reject]:
        """Return the rows that it could not take.

        Raises:
            RopewalkError: what is wrong is wrong with all of the file.
        """

    def lines(self, file: str, records: Sequence[int], rejects: Sequence[Reject]) -> Mapping[int, int]:
        """Return the line of each of the `records` (from 1, without `rejects`) of a file, where it has lines."""


def complaint_sql(complaints: Sequence[Complaint]) -> str:
    """Return the SQL of the number (from 0) of the first complaint about a row, or NULL for a row that fits."""
    if not complaints:
        return "CAST(NULL AS INTEGER)"
    cases = " ".join(f"WHEN {made.condition} THEN {number}" for number, made in enumerate(complaints))
    return f"CASE {cases} END"


class Quarantine:
    """The rows of one source that did not fit, within a transaction."""

    def __init__(self, transaction: LakeTransaction, source: str) -> None:
        self.table = TableName(SCHEMA, source)
        self._transaction = transaction
        self._execute = transaction.connection.execute

    @property
    def exists(self) -> bool:
        """Whether a row was ever put there."""
        return self._transaction.columns(str(self.table)) is not None

    def clear(self, condition: str = "true") -> None:
        """Take out the rows that meet `condition`."""
        if self.exists and self._count(condition):
            self._execute(f"DELETE FROM {self.table.sql} WHERE {condition}")

    def forget_known(self, stage: str, columns: Sequence[Column], key: Sequence[str]) -> None:
        """Take out what came again in `stage`: rows of the same keys, or without a key rows that are the same."""
        if not self.exists:
            return
        if key:
            texts = ", ".join(f"CAST({quote(name)} AS VARCHAR)" for name in key)
            fields = ", ".join(f"json_extract_string(_row, {literal(_path(name))})" for name in key)
            self.clear(f"({fields}) IN (SELECT ({texts}) FROM {stage})")
        else:
            self.clear(f"_row IN (SELECT {_row_sql(columns)} FROM {stage} WHERE {MARKER} IS NOT NULL)")

    def put(
        self, rows: str, columns: Sequence[Column], complaints: Sequence[Complaint], place: RowPlace
    ) -> None:
        """Add the rows of the SELECT `rows`.

        Args:
            rows: the SELECT; each row has the number of its complaint as `MARKER`.
            columns: what of it is kept as the row.
            complaints: what the numbers mean.
            place: where a row stands.
        """
        self._make()
        reasons = by_number([literal(each.reason) for each in complaints])
        names = by_number([literal(each.column) for each in complaints])
        values = by_number([text_of(each) for each in complaints])
        self._execute(
            f"INSERT INTO {self.table.sql} SELECT {reasons}, {names}, {values}, {place.file}, {place.line}, "
            f"transaction_timestamp(), {_row_sql(columns)} FROM ({rows})"
        )

    def put_rejects(self, rejects: Sequence[Reject]) -> None:
        """Add rows that their reader could not take."""
        self._make()
        now = "transaction_timestamp()"
        for start in range(0, len(rejects), BATCH):
            values = ", ".join(
                f"({literal(r.reason)}, {literal(r.column)}, {literal(r.value)}, {literal(r.file)}, {r.line}, {now}, "
                f"{literal(r.row)})"
                for r in rejects[start : start + BATCH]
            )
            self._execute(f"INSERT INTO {self.table.sql} VALUES {values}")

    def _make(self) -> None:
        made = ", ".join(f"{quote(column.name)} {column.type}" for column in COLUMNS)
        self._execute(f"CREATE SCHEMA IF NOT EXISTS lake.{quote(SCHEMA)}")
        self._execute(f"CREATE TABLE IF NOT EXISTS {self.table.sql} ({made})")

    def _count(self, condition: str) -> int:
        row = self._execute(f"SELECT count(*) FROM {self.table.sql} WHERE {condition}").fetchone()
        return int(row[0]) if row else 0


def text_of(complaint: Complaint) -> str:
    """Return the SQL of the value that a complaint is about, as text."""
    return f"CAST({quote(complaint.column)} AS VARCHAR)"


def by_number(expressions: Sequence[str]) -> str:
    """Return the SQL that picks, for each row, the expression that stands where its complaint's number says."""
    cases = " ".join(f"WHEN {number} THEN {sql}" for number, sql in enumerate(expressions))
    return f"CASE {MARKER} {cases} END"


def _row_sql(columns: Sequence[Column]) -> str:
    fields = ", ".join(f"{quote(column.name)} := {quote(column.name)}" for column in columns)
    return f"to_json(struct_pack({fields}))"


def _path(name: str) -> str:
    """Return where the field `name` stands in a row, as a JSON pointer (RFC 6901)."""
    return "/" + name.replace("~", "~0").replace("/", "~1")
