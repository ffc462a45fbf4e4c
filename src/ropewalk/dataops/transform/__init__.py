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
    from ropewalk.dataops.transform.intervals import sorted_labels
    from ropewalk.dataops.transform.kind import TableKind
    from ropewalk.dataops.transform.parse import parse_sql
    from ropewalk.dataops.transform.parts import (
        BOOKS_OF_PARTS,
        Parted,
        Parts,
        keep_parts,
        plan_parts,
        probe_parts,
        read_span,
    )
    from ropewalk.dataops.transform.table_tests import TableTest, read_table_tests
    from ropewalk.dataops.transform.testing import TestResult, run_table_tests
    from ropewalk.dataops.transform.values import Header, Interval, ParsedSQL, Partition, Reference, TableSpec

__all__ = [
    "BOOKS_OF_PARTS",
    "RESERVED",
    "ContractWithoutTable",
    "FileInSQL",
    "Header",
    "HistoryKeyBroken",
    "Interval",
    "InvalidHeader",
    "InvalidSQL",
    "InvalidSpan",
    "InvalidTableFile",
    "InvalidTableTest",
    "ParsedSQL",
    "Parted",
    "Partition",
    "Parts",
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
    "keep_parts",
    "parse_sql",
    "plan_parts",
    "probe_parts",
    "read_span",
    "read_table_tests",
    "read_tables",
    "run_table_tests",
    "sorted_labels",
    "table_files",
    "write_first_test",
]

__getattr__ = lazy_names(__name__, __file__)
