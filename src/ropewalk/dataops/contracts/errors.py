"""What can be wrong with a contract, and what a contract can find wrong.

RopewalkError
├── InvalidInput
│   └── InvalidProjectFile
│       ├── InvalidContract    a contract file asks for something that cannot be checked
│       └── TermContradicted   a contract says of a column otherwise than the term that it maps to
├── NotFound
│   └── ContractMissing        there is no contract where one is asked for
├── Conflict
│   └── ContractExists         a draft would take the place of a contract
├── Failed
│   ├── CheckNotRun            a check could not be run on the table
│   └── NotInferred            no contract can be drafted for the table
└── GateFailed
    ├── ContractBroken         the table's content breaks its contract
    └── ContractChangeBreaks   a change of contracts breaks what others rely on
"""

from __future__ import annotations

from ropewalk.errors import Conflict, Failed, GateFailed, NotFound
from ropewalk.project import InvalidProjectFile


class InvalidContract(InvalidProjectFile):
    """A contract file is well-formed and asks for something that cannot be checked."""

    code = "RW130"


class CheckNotRun(Failed):
    """A check of a contract could not be run on the table, such as an SQL rule that names an unknown column."""

    code = "RW430"


class ContractBroken(GateFailed):
    """The content of a table breaks its contract in a check of severity error."""

    code = "RW530"


class TermContradicted(InvalidProjectFile):
    """A contract says of a column otherwise than the term of the glossary that the column maps to."""

    code = "RW195"


class ContractMissing(NotFound):
    """There is no contract for the table, file or revision that was asked for."""

    code = "RW235"


class ContractExists(Conflict):
    """A draft would take the place of a contract that people have written."""

    code = "RW331"


class NotInferred(Failed):
    """No contract can be drafted for a table: it has no columns that a contract can name."""

    code = "RW433"


class ContractChangeBreaks(GateFailed):
    """A change of contracts breaks what those who read, or fill, a table rely on."""

    code = "RW532"
