"""What can be wrong with moving a project in or out.

RopewalkError
├── InvalidInput
│   └── InvalidExport        a folder, file or answer that is not what its format says
├── NotFound
│   └── NoSuchSource         nothing to import there
├── Conflict
│   └── ExportExists         the place for an export is taken
├── Failed
│   └── ImportDiffers        what is here afterwards is not what was there
└── Unavailable
    └── SourceUnreachable    a server that does not answer, or not as MLflow does
"""

from __future__ import annotations

from ropewalk.errors import Conflict, Failed, InvalidInput, NotFound, Unavailable


class InvalidExport(InvalidInput):
    """A folder, a file or an answer of a server is not what its format says."""

    code = "RW147"


class NoSuchSource(NotFound):
    """There is nothing to import at that place."""

    code = "RW274"


class ExportExists(Conflict):
    """The place for an export is taken by something else."""

    code = "RW374"


class ImportDiffers(Failed):
    """After an import, what is here is not what was there."""

    code = "RW483"


class SourceUnreachable(Unavailable):
    """A server to import from does not answer, or not as an MLflow server does."""

    code = "RW605"
