"""Tables made by SQL: parsed to plan, built in one transaction with their contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.dataops.transform.declare import TableDeclarations, declare_tables, read_tables
    from ropewalk.dataops.transform.errors import (
        ContractWithoutTable,
        FileInSQL,
        HistoryKeyBroken,
        InvalidHeader,
        InvalidSpan,
        InvalidSQL,
        InvalidTableFile,
        TableDeclaredTwice,
        TableFailed,
    )
    from ropewalk.dataops.transform.files import table_files
    from ropewalk.dataops.transform.kind import TableKind
    from ropewalk.dataops.transform.parts import read_span
    from ropewalk.dataops.transform.values import Header, ParsedSQL, Partition, Reference, TableSpec

__all__ = [
    "ContractWithoutTable",
    "FileInSQL",
    "Header",
    "HistoryKeyBroken",
    "InvalidHeader",
    "InvalidSQL",
    "InvalidSpan",
    "InvalidTableFile",
    "ParsedSQL",
    "Partition",
    "Reference",
    "TableDeclarations",
    "TableDeclaredTwice",
    "TableFailed",
    "TableKind",
    "TableSpec",
    "declare_tables",
    "read_span",
    "read_tables",
    "table_files",
]

__getattr__ = lazy_names(__name__, __file__)
