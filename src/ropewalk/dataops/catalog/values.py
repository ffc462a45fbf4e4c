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
    """

    name: str
    type: str | None
    description: str | None = None
    classification: str | None = None
    is_required: bool = False
    is_key: bool = False


@dataclass(frozen=True)
class ContractResult:
    """How the table's content, when it was made, kept its contract."""

    checks: int
    passed: int
    warnings: tuple[str, ...]


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
