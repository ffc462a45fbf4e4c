"""Moving projects: from MLflow's servers and folders, and to and from exports of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.mlops.migration.archive import export_project, open_export
    from ropewalk.mlops.migration.checks import Outcome, Tally
    from ropewalk.mlops.migration.errors import ImportDiffers, NoSuchSource
    from ropewalk.mlops.migration.importing import import_source
    from ropewalk.mlops.migration.mlruns import FolderSource
    from ropewalk.mlops.migration.server import ServerSource

__all__ = [
    "FolderSource",
    "ImportDiffers",
    "NoSuchSource",
    "Outcome",
    "ServerSource",
    "Tally",
    "export_project",
    "import_source",
    "open_export",
]

__getattr__ = lazy_names(__name__, __file__)
