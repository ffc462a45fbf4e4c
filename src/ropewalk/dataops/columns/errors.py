"""What can be wrong with a question about columns.

RopewalkError
└── NotFound
    └── UnknownColumn   RW237  no column, table or source has that name
"""

from __future__ import annotations

from ropewalk.errors import NotFound


class UnknownColumn(NotFound):
    """No table has a column of that name, or nothing has the name at all."""

    code = "RW237"
