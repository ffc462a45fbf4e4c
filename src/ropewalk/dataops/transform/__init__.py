"""Tables made by SQL: parsed to plan, built in one transaction with their contract."""

from ropewalk.dataops.transform.declare import TableDeclarations, declare_tables, read_tables
from ropewalk.dataops.transform.errors import (
    ContractWithoutTable,
    FileInSQL,
    InvalidSQL,
    InvalidTableFile,
    TableDeclaredTwice,
    TableFailed,
)
from ropewalk.dataops.transform.files import table_files
from ropewalk.dataops.transform.kind import TableKind
from ropewalk.dataops.transform.values import ParsedSQL, Reference, TableSpec

__all__ = [
    "ContractWithoutTable",
    "FileInSQL",
    "InvalidSQL",
    "InvalidTableFile",
    "ParsedSQL",
    "Reference",
    "TableDeclarations",
    "TableDeclaredTwice",
    "TableFailed",
    "TableKind",
    "TableSpec",
    "declare_tables",
    "read_tables",
    "table_files",
]
