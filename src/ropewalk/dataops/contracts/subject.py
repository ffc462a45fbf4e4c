"""The table under check, as it is now on its connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from ropewalk.dataops.contracts.compile import TableColumn
from ropewalk.dataops.contracts.statements import run
from ropewalk.dataops.contracts.values import Check, Contract

PastRows = Callable[[], Sequence[int]]


@dataclass(frozen=True)
class Subject:
    """The table under check.

    Attributes:
        sql: the table as SQL names it.
        columns: its columns by name in lower case.
        past_rows: gives how many rows its last builds had, newest first; asked only by those who compare.
        now: seconds since 1970, from which ages are counted.
    """

    connection: duckdb.DuckDBPyConnection
    table: str
    sql: str
    columns: Mapping[str, TableColumn]
    contract: Contract
    past_rows: PastRows
    now: float

    def find(self, check: Check) -> tuple[TableColumn, ...] | None:
        """Return the columns that `check` is about, or None when the table lacks one."""
        found = [self.columns[name.lower()] for name in check.columns if name.lower() in self.columns]
        return tuple(found) if len(found) == len(check.columns) else None


def table_columns(
    connection: duckdb.DuckDBPyConnection, relation: str, contract: Contract
) -> dict[str, TableColumn]:
    """Return the columns of `relation`, by name in lower case.

    Raises:
        CheckNotRun: there is no such table.
    """
    # Of the table as it is now, inside the transaction: its columns may be newer than any catalogue.
    described = run(connection, f"DESCRIBE {relation}", contract.place)
    return {str(name).lower(): TableColumn(str(name), str(kind)) for name, kind, *_ in described}
