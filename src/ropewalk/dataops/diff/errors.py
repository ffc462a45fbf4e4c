"""What can be wrong with a question about differences.

RopewalkError
├── InvalidInput
│   └── InvalidComparison   RW196  the two versions cannot be compared: one is missing, or both are the same
└── NotFound
    └── UnknownBase         RW236  nothing is called what is to be compared with
"""

from __future__ import annotations

from ropewalk.errors import InvalidInput, NotFound


class InvalidComparison(InvalidInput):
    """The two versions cannot be compared: there is no earlier one, or the question is about no table."""

    code = "RW196"


class UnknownBase(NotFound):
    """No environment, snapshot or branch has the name that was to be compared with."""

    code = "RW236"
