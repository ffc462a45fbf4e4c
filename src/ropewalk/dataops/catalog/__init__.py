"""The catalogue: what each table is, what it promises, and how it is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.dataops.catalog.errors import UnknownTable
    from ropewalk.dataops.catalog.tables import list_tables, table_page
    from ropewalk.dataops.catalog.values import ColumnCard, ContractResult, TableCard, TablePage

__all__ = [
    "ColumnCard",
    "ContractResult",
    "TableCard",
    "TablePage",
    "UnknownTable",
    "list_tables",
    "table_page",
]

__getattr__ = lazy_names(__name__, __file__)
