"""Where a lake is: its folder on this machine, what keeps its catalogue, and where its data are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ropewalk.dataops.lake.catalog import Catalog
from ropewalk.dataops.lake.catalog_file import FileCatalog
from ropewalk.dataops.lake.storage import LakeStorage, own_storage, read_storage
from ropewalk.settings import Settings

FOLDER = "lake"


@dataclass(frozen=True)
class LakeHome:
    """Where a lake is.

    Attributes:
        folder: the folder on this machine: for the catalogue and the data when they are nowhere else, and for what does
            not fit into memory.
        catalog: what keeps the catalogue.
        storage: where the data are.
    """

    folder: Path
    catalog: Catalog
    storage: LakeStorage

    @property
    def is_local(self) -> bool:
        """Whether whoever can read the folder can read the lake."""
        return self.catalog.is_local and not self.storage.is_remote


def local_home(folder: Path) -> LakeHome:
    """Return the home of a lake that is all in `folder`."""
    return LakeHome(folder, FileCatalog(folder), own_storage(folder))


def find_home(settings: Settings, state: Path, root: Path) -> LakeHome:
    """Return where the lake of the project in `root` is, whose state is in the folder `state`.

    Data that several machines see, and a metadata database that they share, make a lake that they share: its catalogue
    is then in that database. It is never shared without the environments that say which snapshots are in use.

    Raises:
        InvalidSetting: the setting `storage` is neither a folder nor s3://BUCKET/PREFIX, or the database's URL is none.
    """
    folder = state / FOLDER
    storage = read_storage(settings.storage, folder, root)
    if not settings.storage or not settings.database_url:
        return LakeHome(folder, FileCatalog(folder), storage)
    # Its driver is an extra.
    from ropewalk.dataops.lake.catalog_server import ServerCatalog

    return LakeHome(folder, ServerCatalog(settings.database_url), storage)
