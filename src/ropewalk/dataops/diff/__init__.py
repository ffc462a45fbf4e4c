"""Differences between versions of the data: of two environments, or of one table at two snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.dataops.diff.compare import diff_snapshots, diff_tables
    from ropewalk.dataops.diff.errors import InvalidComparison, UnknownBase
    from ropewalk.dataops.diff.keys import hidden_columns
    from ropewalk.dataops.diff.markdown import (
        columns_moved,
        diff_markdown,
        figure_shifts,
        rows_moved,
        shown_value,
    )
    from ropewalk.dataops.diff.values import (
        ColumnDiff,
        DataDiff,
        Figures,
        SampleRow,
        SchemaChange,
        TableDiff,
        Version,
    )

__all__ = [
    "ColumnDiff",
    "DataDiff",
    "Figures",
    "InvalidComparison",
    "SampleRow",
    "SchemaChange",
    "TableDiff",
    "UnknownBase",
    "Version",
    "columns_moved",
    "diff_markdown",
    "diff_snapshots",
    "diff_tables",
    "figure_shifts",
    "hidden_columns",
    "rows_moved",
    "shown_value",
]

__getattr__ = lazy_names(__name__, __file__)
