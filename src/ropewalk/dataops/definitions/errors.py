"""What can be wrong with the project's words.

RopewalkError
├── NotFound
│   └── UnknownTerm       the glossary does not have this term
└── GateFailed
    └── ColumnsUnmapped   columns that should map to a term do not
"""

from __future__ import annotations

from ropewalk.errors import GateFailed, NotFound


class UnknownTerm(NotFound):
    """The glossary does not have the term that a column or a command names."""

    code = "RW234"


class ColumnsUnmapped(GateFailed):
    """Columns whose names suggest a term of the glossary do not map to it, and the command was told to mind."""

    code = "RW533"
