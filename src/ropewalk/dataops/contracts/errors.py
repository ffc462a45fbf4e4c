"""What can be wrong with a contract, and what a contract can find wrong.

RopewalkError
├── InvalidInput
│   └── InvalidProjectFile
│       └── InvalidContract    a contract file asks for something that cannot be checked
├── Failed
│   └── CheckNotRun            a check could not be run on the table
└── GateFailed
    └── ContractBroken         the table's content breaks its contract
"""

from __future__ import annotations

from ropewalk.errors import Failed, GateFailed
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
