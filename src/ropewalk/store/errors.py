"""What can go wrong with the metadata database.

RopewalkError
├── InvalidInput
│   └── TextUnstorable     a text has a character that it cannot keep
├── Conflict
│   ├── DatabaseTooNew     a newer Ropewalk wrote it
│   ├── DatabaseMoved      its rows have been moved to another one
│   ├── DatabaseInUse      it cannot be moved while other processes have it open
│   ├── DatabaseNotEmpty   there are rows where rows are to be moved to
│   ├── DatabaseBusy       another process has been writing for too long
│   ├── RowRefused         a row breaks a rule of its table
│   └── EnvironmentMoved   an environment's pointers are not the expected ones any more
├── Failed
│   ├── MigrationGap       the migrations of this build are not one sequence
│   ├── DatabaseUnusable   it cannot be opened, or is no database
│   └── DatabaseFailed     it could not run a statement
└── Unavailable
    └── DatabaseUnreachable its server does not answer
"""

from __future__ import annotations

from ropewalk.errors import Conflict, Failed, InvalidInput, Unavailable


class TextUnstorable(InvalidInput):
    """A text has a NUL character, which PostgreSQL keeps in no text."""

    code = "RW102"


class DatabaseTooNew(Conflict):
    """The metadata database was written by a newer Ropewalk."""

    code = "RW301"


class DatabaseMoved(Conflict):
    """The rows of the metadata database have been moved to another one, which a setting must name."""

    code = "RW323"


class DatabaseInUse(Conflict):
    """The metadata database cannot be moved while another process has it open."""

    code = "RW324"


class DatabaseNotEmpty(Conflict):
    """The metadata cannot be moved to a database that holds rows already."""

    code = "RW327"


# A Conflict and not a Failed: nothing is broken, and the same command works a moment later.
class DatabaseBusy(Conflict):
    """Another process has held the metadata database's write lock for longer than anyone waits."""

    code = "RW302"
    may_pass = True


# Callers that know which rule it can be (a name that is taken) catch it around the whole transaction.
class RowRefused(Conflict):
    """A row breaks a rule of its table in the metadata database: a name is taken, or what it refers to is missing."""

    code = "RW304"


class EnvironmentMoved(Conflict):
    """Somebody moved an environment's pointers after they were read."""

    code = "RW312"


class MigrationGap(Failed):
    """The numbered migrations of this build are not one unbroken sequence."""

    code = "RW401"


# A place that cannot be written and a file that is no database look alike to SQLite, so they are one class.
class DatabaseUnusable(Failed):
    """The metadata database cannot be opened, or its file is no database."""

    code = "RW402"


class DatabaseFailed(Failed):
    """The metadata database could not run a statement: its disk is full, or it lacks a table."""

    code = "RW403"


class DatabaseUnreachable(Unavailable):
    """The server of the metadata database does not answer, or went away in the middle of a transaction."""

    code = "RW601"
