"""What can be wrong with a question to the catalogue.

RopewalkError
└── NotFound
    └── UnknownTable   no table has that name
"""

from __future__ import annotations

from ropewalk.errors import NotFound


class UnknownTable(NotFound):
    """Neither the project nor the lake has a table of that name."""

    code = "RW231"
