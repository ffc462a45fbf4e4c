"""The catalogue: what each table is, what it promises, and how it is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.dataops.catalog.errors import NotProfiled, UnknownTable
    from ropewalk.dataops.catalog.search import search_catalog
    from ropewalk.dataops.catalog.tables import find_table, list_tables, table_page, table_profile
    from ropewalk.dataops.catalog.values import (
        Bin,
        ColumnCard,
        ColumnProfile,
        ContractResult,
        Hit,
        TableCard,
        TablePage,
        TableProfile,
    )

__all__ = [
    "Bin",
    "ColumnCard",
    "ColumnProfile",
    "ContractResult",
    "Hit",
    "NotProfiled",
    "TableCard",
    "TablePage",
    "TableProfile",
    "UnknownTable",
    "find_table",
    "list_tables",
    "search_catalog",
    "table_page",
    "table_profile",
]

__getattr__ = lazy_names(__name__, __file__)
