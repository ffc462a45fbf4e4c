"""The columns of tables as SQL that reads them may rely on: of those that were made, by the lake; else by their SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ropewalk.pipeline import Record


@dataclass(frozen=True)
class Schema:
    """A table's name and columns; None where nobody has seen them. `key` tells its rows apart, if that is known."""

    table: str
    columns: tuple[str, ...] | None
    key: tuple[str, ...] = ()


def made_columns(records: Mapping[str, Record], node_id: str, sql: str) -> tuple[str, ...] | None:
    """Return the columns that the table of a node had when `sql` made it; None when that never happened.

    What another version of the SQL made says nothing about this one.
    """
    record = records.get(node_id)
    if record is None or record.facts.get("sql") != sql:
        return None
    columns = record.output.summary.get("columns")
    return tuple(str(name) for name in columns) if isinstance(columns, list) else None
