"""What the catalogue tells of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ropewalk.pipeline import JSON


@dataclass(frozen=True)
class ColumnCard:
    """A column: its name and type in the lake, and what the contract says of it.

    Attributes:
        type: DuckDB's type, or the contract's logical type while the table is not built.
        classification: how the contract classifies it, such as `pii`.
        term: the term of the glossary that it maps to.
        unit: what its values are counted in.
        owner: who decides about it, when that is said of the column itself.
        pii: the class of personal data it holds; None when it holds none.
        inherited_from: the column `schema.table.column` of which it is a copy and has its meaning.
        checks: how many checks the contract has on it.
        failed: those of them that did not hold, by name.
    """

    name: str
    type: str | None
    description: str | None = None
    classification: str | None = None
    is_required: bool = False
    is_key: bool = False
    term: str | None = None
    unit: str | None = None
    owner: str | None = None
    pii: str | None = None
    inherited_from: str | None = None
    checks: int = 0
    failed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bin:
    """How many sampled values lie from `start` to `end`; both as people read them."""

    start: str
    end: str
    count: int


@dataclass(frozen=True)
class ColumnProfile:
    """What a column's values are like.

    Attributes:
        null_share: the share of rows without a value, 0 to 1.
        distinct: about how many distinct values the sample has.
        least: the least value, as text; None where there is no order, or nothing may be shown.
        most: the greatest value.
        mean: of numbers.
        median: of numbers.
        bins: a histogram of numbers and moments.
        top: the most frequent values and how often they are there, of columns with few.
        is_hidden: whether nothing of its values may be shown.
    """

    name: str
    type: str
    null_share: float
    distinct: int
    least: str | None = None
    most: str | None = None
    mean: float | None = None
    median: float | None = None
    bins: tuple[Bin, ...] = ()
    top: tuple[tuple[str, int], ...] = ()
    is_hidden: bool = False


@dataclass(frozen=True)
class TableProfile:
    """The profile of a table at a snapshot, from `sampled` of its `rows`."""

    table: str
    snapshot: int
    rows: int
    sampled: int
    columns: tuple[ColumnProfile, ...]

    @property
    def is_whole(self) -> bool:
        """Whether every row was looked at."""
        return self.sampled == self.rows


@dataclass(frozen=True)
class Hit:
    """Something that a search found.

    Attributes:
        kind: what it is.
        name: `mart.flights`, `mart.flights.late`, a term's or an owner's name.
        table: the table it belongs to, or the first that it is about; None for a term that nothing maps to.
        text: what is said of it.
        found_in: where the words stand: its name, its meaning, its term, its owner, ...
    """

    kind: Literal["table", "column", "term", "owner"]
    name: str
    table: str | None
    text: str
    found_in: str


@dataclass(frozen=True)
class ContractResult:
    """How the table's content, when it was made, kept its contract.

    Attributes:
        warnings: what did not hold and was let through.
        samples: beside each warning some of the rows, each as one text with what is personal in it masked.
    """

    checks: int
    passed: int
    warnings: tuple[str, ...]
    samples: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class TableCard:
    """A table as lists show it.

    Attributes:
        name: `schema.table`.
        kind: whether a source fills it, SQL makes it or a step does.
        node: the id of its node in the pipeline.
        path: the SQL file that makes it; None for a source's table.
        description: from its contract, else the comment its SQL starts with.
        owner: who answers for it, from its contract.
        rows: how many rows the lake has; None while it is not built.
        snapshot: the lake's snapshot in which it was made.
        contract_path: its contract's file, if it has one.
        contract: how its content kept the contract; None when nothing was checked.
        is_declared: whether the project still declares it; the lake keeps what was built before.
    """

    name: str
    kind: Literal["source", "table", "step"]
    node: str
    path: str | None
    description: str | None
    owner: str | None
    columns: tuple[ColumnCard, ...]
    rows: int | None
    snapshot: int | None
    contract_path: str | None
    contract: ContractResult | None
    is_declared: bool


@dataclass(frozen=True)
class TablePage:
    """All that one page shows of a table.

    Attributes:
        sql: its SELECT as the file has it; None for a source's table.
        reads: the tables its SQL names, as it names them.
        checks: what its contract asks for, a line each.
        sample: some rows, in the order of `card.columns`; empty while it is not built.
    """

    card: TableCard
    sql: str | None
    reads: tuple[str, ...]
    checks: tuple[str, ...]
    sample: tuple[tuple[JSON, ...], ...]
