"""Tables made by SQL: parsed to plan, built in one transaction with their contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.dataops.transform.declare import TableDeclarations, declare_tables, read_tables
    from ropewalk.dataops.transform.drafting import write_first_test
    from ropewalk.dataops.transform.errors import (
        ContractWithoutTable,
        FileInSQL,
        HistoryKeyBroken,
        InvalidHeader,
        InvalidSpan,
        InvalidSQL,
        InvalidTableFile,
        InvalidTableTest,
        TableDeclaredTwice,
        TableFailed,
        TestsFailed,
        TestWithoutTable,
    )
    from ropewalk.dataops.transform.files import RESERVED, table_files
    from ropewalk.dataops.transform.kind import TableKind
    from ropewalk.dataops.transform.parse import parse_sql
    from ropewalk.dataops.transform.parts import read_span
    from ropewalk.dataops.transform.table_tests import TableTest, read_table_tests
    from ropewalk.dataops.transform.testing import TestResult, run_table_tests
    from ropewalk.dataops.transform.values import Header, ParsedSQL, Partition, Reference, TableSpec

__all__ = [
    "RESERVED",
    "ContractWithoutTable",
    "FileInSQL",
    "Header",
    "HistoryKeyBroken",
    "InvalidHeader",
    "InvalidSQL",
    "InvalidSpan",
    "InvalidTableFile",
    "InvalidTableTest",
    "ParsedSQL",
    "Partition",
    "Reference",
    "TableDeclarations",
    "TableDeclaredTwice",
    "TableFailed",
    "TableKind",
    "TableSpec",
    "TableTest",
    "TestResult",
    "TestWithoutTable",
    "TestsFailed",
    "declare_tables",
    "parse_sql",
    "read_span",
    "read_table_tests",
    "read_tables",
    "run_table_tests",
    "table_files",
    "write_first_test",
]

__getattr__ = lazy_names(__name__, __file__)
