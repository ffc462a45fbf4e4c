"""What is published: one table at one snapshot, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ropewalk.dataops.lake import Column, TableName, quote
from ropewalk.dataops.publish.declarations import PLACEHOLDER, Publication
from ropewalk.errors import Place


@dataclass(frozen=True)
class PublishSpec:
    """What the pipeline hands back to publish a table.

    Attributes:
        name: its key below `publish:`.
        entry: the validated entry.
        place: where the entry stands.
        private: the columns that the table's contract calls private, with their classification.
    """

    name: str
    entry: Publication
    place: Place
    private: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Content:
    """The rows to publish, as the lake has them.

    Attributes:
        table: the lake's table.
        snapshot: where it is read.
        digest: of all that the target will hold.
        rows: how many.
        columns: the columns that go out, in their order.
    """

    table: TableName
    snapshot: int
    digest: str
    rows: int
    columns: tuple[Column, ...]

    @property
    def relation(self) -> str:
        """What follows FROM for all rows."""
        return self.table.at(self.snapshot)

    def select(self, more: Sequence[str] = ()) -> str:
        """Return the SELECT of the columns, with `more` expressions behind them."""
        columns = ", ".join([*(quote(column.name) for column in self.columns), *more])
        return f"SELECT {columns} FROM {self.relation}"


@dataclass(frozen=True)
class Published:
    """What the target has now.

    Attributes:
        target: where it is, as it may be shown.
        rows: how many rows it was given.
        is_new: whether anything was written; it was there already otherwise.
    """

    target: str
    rows: int
    is_new: bool


@dataclass(frozen=True)
class Order:
    """One publication in one environment: all that a target has to know.

    Attributes:
        spec: what is declared.
        environment: who publishes.
        content: what.
        rebuilds: whether a target that drifted, or that somebody else made, is made anew.
    """

    spec: PublishSpec
    environment: str
    content: Content
    rebuilds: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        """The key as the columns themselves are written: servers tell names apart by case, the lake does not."""
        written = {column.name.lower(): column.name for column in self.content.columns}
        return tuple(written.get(name.lower(), name) for name in self.spec.entry.key)

    @property
    def place(self) -> str:
        """The target's own name in this environment."""
        return self.spec.entry.place.replace(PLACEHOLDER, self.environment)
