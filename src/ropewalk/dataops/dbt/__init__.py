"""Moving a dbt project in: its manifest becomes tables, contracts, tests and sources of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.dataops.dbt.convert import convert_manifest
    from ropewalk.dataops.dbt.errors import (
        ImportInTheWay,
        InvalidManifest,
        ManifestMissing,
        ManifestNotCompiled,
    )
    from ropewalk.dataops.dbt.manifest import Manifest, read_manifest
    from ropewalk.dataops.dbt.moves import Import, Left, Moved
    from ropewalk.dataops.dbt.writing import write_import

__all__ = [
    "Import",
    "ImportInTheWay",
    "InvalidManifest",
    "Left",
    "Manifest",
    "ManifestMissing",
    "ManifestNotCompiled",
    "Moved",
    "convert_manifest",
    "read_manifest",
    "write_import",
]

__getattr__ = lazy_names(__name__, __file__)
