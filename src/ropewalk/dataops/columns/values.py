"""What is known of where a column comes from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

# How the values of a column follow from those of others, from least to most. What is aggregated tells of all rows of a group;
# what is picked is the value of one of them (the greatest salary is somebody's), or all of them in a list.
Transform = Literal["constant", "copy", "computed", "aggregated", "picked"]
TRANSFORMS: tuple[Transform, ...] = ("constant", "copy", "computed", "aggregated", "picked")
# What a column decides without giving its values: which rows there are ...
ROW_USES = ("where", "join", "group", "having", "qualify", "distinct", "order", "set", "pivot")
# ... or which of several values another column takes.
COLUMN_USES = ("condition", "window", "filter", "order", "subquery", "pivot")


class Origin(NamedTuple):
    """A column of a table; names in lower case."""

    table: str
    column: str

    def __str__(self) -> str:
        """`staging.flights.dep_delay`."""
        return f"{self.table}.{self.column}"


class Use(NamedTuple):
    """A column that decides something, and how: `where`, `join`, `condition`, ..."""

    origin: Origin
    how: str


@dataclass(frozen=True)
class ColumnLineage:
    """Where one column of a table comes from.

    Attributes:
        name: the column, as the table spells it.
        values: the columns whose values make its values, sorted.
        uses: the columns that decide which value it takes, sorted.
        transform: how its values follow from theirs.
        unknown: why a part of it could not be told; None when all of it could.
    """

    name: str
    values: tuple[Origin, ...] = ()
    uses: tuple[Use, ...] = ()
    transform: Transform = "constant"
    unknown: str | None = None


@dataclass(frozen=True)
class TableLineage:
    """Where the columns and the rows of one table come from.

    Attributes:
        table: `schema.table`.
        columns: its columns in order.
        rows: the columns that decide which rows it has, sorted.
        reads: the tables it reads, sorted.
        key: columns that tell its rows apart by construction, such as those it is grouped by; none when that is open.
        unknown: why something about it could not be told; None when all could.
    """

    table: str
    columns: tuple[ColumnLineage, ...] = ()
    rows: tuple[Use, ...] = ()
    reads: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    unknown: str | None = None

    def column(self, name: str) -> ColumnLineage | None:
        """Return the column called `name`, whatever its case, or None."""
        wanted = name.lower()
        return next((column for column in self.columns if column.name.lower() == wanted), None)


def greatest(transforms: Iterable[Transform]) -> Transform:
    """Return the one that changes most; `constant` when there is none."""
    return max(transforms, key=TRANSFORMS.index, default="constant")
