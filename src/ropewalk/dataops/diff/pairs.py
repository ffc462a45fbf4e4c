"""The columns of two versions of a table, side by side, and the SQL that compares their values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ropewalk.dataops.diff.values import SchemaChange
from ropewalk.dataops.lake import Column, quote

NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DECIMAL", "FLOAT", "DOUBLE")
MOMENTS = ("DATE", "TIMESTAMP")


@dataclass(frozen=True)
class Pair:
    """A column that both versions have.

    Attributes:
        name: its name after; names have no case.
        old: the column before.
        new: the column after.
        alias: a short name for it in SQL, which no other column can have.
    """

    name: str
    old: Column
    new: Column
    alias: str

    @property
    def is_number(self) -> bool:
        """Whether both versions hold numbers."""
        return is_number(self.old.type) and is_number(self.new.type)

    @property
    def as_text(self) -> bool:
        """Whether its types are so different that only the texts of its values can be compared."""
        return self.old.type != self.new.type and not (self.is_number or _are_moments(self.old, self.new))

    def read(self, column: Column) -> str:
        """Return the SQL that gives the value of `column`, one of the two, in a form that can be compared."""
        # A retyped key still identifies its rows: 7 and '7' read alike.
        return f"{quote(column.name)}{'::VARCHAR' if self.as_text else ''} AS {self.alias}"

    @property
    def comparable(self) -> str:
        """The SQL of its value so that equal values of both types have equal hashes."""
        return f"{self.alias}::DOUBLE" if self.is_number and self.old.type != self.new.type else self.alias

    def differs(self, before: str = "b", after: str = "a") -> str:
        """Return the condition that the two values, of the relations named so, differ."""
        return f"{before}.{self.alias} IS DISTINCT FROM {after}.{self.alias}"


def is_number(kind: str) -> bool:
    """Return whether DuckDB's type `kind` is one of numbers."""
    # The brackets of a list come last, and a list of numbers is none.
    name = kind.partition("(")[0].removeprefix("U")
    return name in NUMBERS and not kind.endswith("]")


def pair_columns(before: Sequence[Column], after: Sequence[Column]) -> tuple[Pair, ...]:
    """Return the columns that both versions have, in the order of the one after."""
    old = {column.name.lower(): column for column in before}
    return tuple(
        Pair(column.name, old[column.name.lower()], column, f"c{number}")
        for number, column in enumerate(after)
        if column.name.lower() in old
    )


def schema_changes(before: Sequence[Column], after: Sequence[Column]) -> tuple[SchemaChange, ...]:
    """Return the columns that one version does not have, or has with another type."""
    old = {column.name.lower(): column for column in before}
    new = {column.name.lower(): column for column in after}
    names = dict.fromkeys([*new, *old])
    return tuple(
        SchemaChange(
            (new.get(name) or old[name]).name,
            old[name].type if name in old else None,
            new[name].type if name in new else None,
        )
        for name in names
        if (old[name].type if name in old else None) != (new[name].type if name in new else None)
    )


def _are_moments(one: Column, other: Column) -> bool:
    return all(column.type.partition(" ")[0].partition("_")[0] in MOMENTS for column in (one, other))
