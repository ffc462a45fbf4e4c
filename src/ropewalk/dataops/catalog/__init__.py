"""The catalogue: what each table is, what it promises, and how it is doing."""

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
