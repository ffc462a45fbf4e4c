"""What can go wrong with the metadata database.

RopewalkError
├── Conflict
│   ├── DatabaseTooNew     a newer Ropewalk wrote it
│   ├── DatabaseBusy       another process has been writing for too long
│   └── EnvironmentMoved   an environment's pointers are not the expected ones any more
└── Failed
    ├── MigrationGap       the migrations of this build are not one sequence
    └── DatabaseUnusable   it cannot be opened, or is no database
"""

from __future__ import annotations

from ropewalk.errors import Conflict, Failed


class DatabaseTooNew(Conflict):
    """The metadata database was written by a newer Ropewalk."""

    code = "RW301"


# A Conflict and not a Failed: nothing is broken, and the same command works a moment later.
class DatabaseBusy(Conflict):
    """Another process has held the metadata database's write lock for longer than anyone waits."""

    code = "RW302"


class MigrationGap(Failed):
    """The numbered migrations of this build are not one unbroken sequence."""

    code = "RW401"


# A place that cannot be written and a file that is no database look alike to SQLite, so they are one class.
class DatabaseUnusable(Failed):
    """The metadata database cannot be opened, or its file is no database."""

    code = "RW402"


class EnvironmentMoved(Conflict):
    """Somebody moved an environment's pointers after they were read."""

    code = "RW312"
