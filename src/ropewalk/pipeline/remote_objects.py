"""Objects that several servers share: kept in storage that speaks S3, with each server's own store in front of it.

An object is named by its digest there too, so it is stored once, whoever sends it. What is fetched is held against its
digest before anyone sees it.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from ropewalk.pipeline.objects import ObjectStore, StoredObject
from ropewalk.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from ropewalk.pipeline.shared_storage import SharedStorage

_REMOTE = re.compile(r"s3://[^/]+/+[^/].*")


class RemoteObjects:
    """The objects at one address.

    Every method raises `CacheUnreachable` when the storage does not answer, and `CacheRefused` when it refuses.
    """

    def __init__(self, address: str, root: Path, objects: ObjectStore) -> None:
        self._address = address
        self._root = root
        self._objects = objects

    def keep(self, stored: StoredObject) -> None:
        """Store an object of the own store there, unless it is there already."""
        storage, name = self._open(), _name(stored.digest)
        # Asked first: what is there in full is not sent again.
        if storage.size(name) != stored.size:
            storage.create(name, self._objects.path(stored.digest))

    def fetch(self, digest: str) -> bool:
        """Bring an object into the own store; False when it is not there either.

        Raises:
            ObjectDamaged: it is not what its name says; nothing is kept.
        """
        storage, name = self._open(), _name(digest)
        if storage.size(name) is None:
            return False
        self._objects.put_expected(storage.pieces(name), digest)
        return True

    def address_of(self, digest: str, lasting: timedelta) -> str:
        """Return a URL at which anyone can read the object for that long."""
        return self._open().readable_address(_name(digest), lasting)

    def _open(self) -> SharedStorage:
        # The library is loaded when something is sent or fetched. Opened each time: a storage that was away for a moment
        # must not stay away for a server that runs for months.
        from ropewalk.pipeline.shared_storage import open_storage

        return open_storage(self._address, self._root)


def object_address(settings: Settings) -> str | None:
    """Return where artifacts are kept besides the state folder, if anywhere: beside the lake's data, not among them."""
    if settings.artifact_storage:
        return settings.artifact_storage
    # The lake removes files in its own place that it does not know.
    return f"{settings.storage.rstrip('/')}-artifacts" if _REMOTE.fullmatch(settings.storage) else None


def _name(digest: str) -> str:
    return f"{digest[:2]}/{digest[2:]}"
