"""Where columns come from: value by value and decision by decision, from source field to model and people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.dataops.columns.tables import downstream_tables, read_table_lineage
    from ropewalk.dataops.columns.values import ColumnLineage, Origin, TableLineage, Use

__all__ = [
    "ColumnLineage",
    "Origin",
    "TableLineage",
    "Use",
    "downstream_tables",
    "read_table_lineage",
]

__getattr__ = lazy_names(__name__, __file__)
