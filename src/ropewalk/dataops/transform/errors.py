"""What can be wrong with a table's SQL.

RopewalkError
├── InvalidInput
│   ├── InvalidProjectFile
│   │   ├── InvalidSQL           RW131  not one SELECT that parses
│   │   │   └── InvalidHeader    RW136  the comment at its top says something that does not fit
│   │   ├── InvalidTableFile     RW132  a file below tables/ whose place gives no table name
│   │   ├── TableDeclaredTwice   RW133  two files give one table
│   │   ├── FileInSQL            RW134  the SQL reads a file or an outside system by itself
│   │   └── InvalidTableTest     RW137  a test of a table names what is not there, or has values that do not fit
│   └── InvalidSpan              RW135  what is to be computed is not from one time to a later one
├── NotFound
│   ├── ContractWithoutTable     RW230  a contract for a table that nothing makes
│   └── TestWithoutTable         RW232  a file of tests whose table has no SQL
├── GateFailed
│   └── TestsFailed              RW531  tests or checks of tables failed
└── Failed
    ├── TableFailed              RW431  the engine could not compute the table
    └── HistoryKeyBroken         RW432  rows of which no history can be made: a key twice, or none
"""

from __future__ import annotations

from ropewalk.errors import Failed, GateFailed, InvalidInput, NotFound
from ropewalk.project import InvalidProjectFile


class InvalidSQL(InvalidProjectFile):
    """A table's file is not exactly one SELECT that parses."""

    code = "RW131"


class InvalidHeader(InvalidSQL):
    """The comment at the top of a table's file says something of the table that cannot be, or does not fit."""

    code = "RW136"


class InvalidTableFile(InvalidProjectFile):
    """A file below `tables/` stands where no table name can be read from its path."""

    code = "RW132"


class TableDeclaredTwice(InvalidProjectFile):
    """Two files give one table."""

    code = "RW133"


class FileInSQL(InvalidProjectFile):
    """A table's SQL reads a file or an outside system by itself, past the sources."""

    code = "RW134"


class InvalidSpan(InvalidInput):
    """What is to be computed of partitioned tables is not from one time to a later one."""

    code = "RW135"


class ContractWithoutTable(NotFound):
    """A contract is about a table that no file and no source provides."""

    code = "RW230"


class InvalidTableTest(InvalidProjectFile):
    """A test of a table names a table or column that is not there, or has a value that does not fit."""

    code = "RW137"


class TestWithoutTable(NotFound):
    """A file of tests stands beside no table's SQL."""

    # pytest would take the class for tests otherwise.
    __test__ = False
    code = "RW232"


class TestsFailed(GateFailed):
    """Tests of tables, or checks of contracts, did not find what they expect."""

    __test__ = False
    code = "RW531"


class TableFailed(Failed):
    """The engine could not compute a table: an unknown column, a value of the wrong type."""

    code = "RW431"


class HistoryKeyBroken(Failed):
    """Rows that a history is to be made of do not have one key each, or lack their time."""

    code = "RW432"
