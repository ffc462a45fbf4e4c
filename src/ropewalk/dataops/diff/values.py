"""What a comparison of data found, as values that can be printed, stored and reviewed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ropewalk.pipeline import JSON

State = Literal["added", "removed", "changed", "same"]
# How rows were told apart: not at all (one side has none), by the lake's record of changes, by key, as whole rows.
Method = Literal["none", "changes", "key", "rows"]
Row = Mapping[str, JSON]


@dataclass(frozen=True)
class Version:
    """One version of a table: the snapshot it is in, and how many rows it has there."""

    snapshot: int
    rows: int


@dataclass(frozen=True)
class SchemaChange:
    """A column that one side does not have, or has with another type.

    Attributes:
        column: its name.
        before: its type before; None when it is new.
        after: its type after; None when it is gone.
    """

    column: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        """The change in words: `late added (BOOLEAN)`."""
        if self.before is None:
            return f"{self.column} added ({self.after})"
        if self.after is None:
            return f"{self.column} removed ({self.before})"
        return f"{self.column} retyped ({self.before} to {self.after})"


@dataclass(frozen=True)
class Figures:
    """What a column is like on one side.

    Attributes:
        null_share: the share of rows without a value, 0 to 1.
        mean: of numbers; of truths, the share that is true; None for other types and without values.
        distinct: about how many distinct values; None where that was not worth its time.
    """

    null_share: float
    mean: float | None = None
    distinct: int | None = None


@dataclass(frozen=True)
class ColumnDiff:
    """A column that both sides have.

    Attributes:
        name: its name.
        type: its type after.
        changed: in how many of the rows that both sides have the value differs; None where no key tells.
        largest: of numbers, the greatest difference in one row.
        before: what it is like before; None where that was not looked at.
        after: what it is like after.
    """

    name: str
    type: str
    changed: int | None
    largest: float | None = None
    before: Figures | None = None
    after: Figures | None = None


@dataclass(frozen=True)
class SampleRow:
    """A row that differs; a changed one has both sides."""

    change: Literal["added", "removed", "changed"]
    before: Row | None
    after: Row | None


@dataclass(frozen=True)
class TableDiff:
    """How one table differs.

    Attributes:
        table: `schema.table`.
        state: whether it is there on one side only, differs, or is the same.
        method: how its rows were told apart.
        key: the columns that identify a row, when rows were told apart by them.
        before: the version before, if there is one.
        after: the version after, if there is one.
        added: rows that only the version after has.
        removed: rows that only the version before has.
        changed: rows of which at least one value differs; None without a key, where they are added and removed.
        schema: columns added, removed and retyped.
        columns: the columns of both sides that differ, and how.
        sample: a few rows that differ.
        masked: columns of whose values nothing is shown.
        notes: what a reader should know of how this was found.
    """

    table: str
    state: State
    method: Method = "none"
    key: tuple[str, ...] = ()
    before: Version | None = None
    after: Version | None = None
    added: int = 0
    removed: int = 0
    changed: int | None = None
    schema: tuple[SchemaChange, ...] = ()
    columns: tuple[ColumnDiff, ...] = ()
    sample: tuple[SampleRow, ...] = ()
    masked: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataDiff:
    """How the tables of two sides differ.

    Attributes:
        base: what is compared with, in words.
        other: what is compared, in words.
        tables: the tables that differ, in order of their names.
        same: how many tables are the same on both sides.
    """

    base: str
    other: str
    tables: tuple[TableDiff, ...]
    same: int = 0
