"""What can be wrong with a question to the catalogue.

RopewalkError
├── NotFound
│   └── UnknownTable   RW231  no table has that name
└── Failed
    └── NotProfiled    RW434  the values of a table cannot be looked at
"""

from __future__ import annotations

from ropewalk.errors import Failed, NotFound


class UnknownTable(NotFound):
    """Neither the project nor the lake has a table of that name."""

    code = "RW231"


class NotProfiled(Failed):
    """The values of a table cannot be looked at: it was not made yet, or the engine could not compute it."""

    code = "RW434"
