"""What can be wrong when a dbt project is to move in.

RopewalkError
├── InvalidInput
│   ├── InvalidManifest          RW138  a file that is no manifest of dbt, or of a version too old
│   └── ManifestNotCompiled      RW139  a manifest without compiled SQL, or compiled for an incremental run
├── NotFound
│   └── ManifestMissing          RW233  no manifest where the dbt project is
└── Conflict
    └── ImportInTheWay           RW330  files that would be written exist and say something else
"""

from __future__ import annotations

from ropewalk.errors import Conflict, InvalidInput, NotFound


class InvalidManifest(InvalidInput):
    """A file is no manifest of dbt, or one of a version that is too old to be read."""

    code = "RW138"


class ManifestNotCompiled(InvalidInput):
    """A manifest has no compiled SQL, or has it for an incremental run, which is no table's whole SQL."""

    code = "RW139"


class ManifestMissing(NotFound):
    """Where a dbt project was named there is no manifest."""

    code = "RW233"


class ImportInTheWay(Conflict):
    """Files that an import would write exist already and say something else."""

    code = "RW330"
