"""Objects that several servers share: kept in storage that speaks S3, with each server's own store in front of it.

An object is named by its digest there too, so it is stored once, whoever sends it. What is fetched is held against its
digest before anyone sees it. Beside the objects each database that names some leaves a mark, so that nobody takes for
unused what another database needs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from ropewalk.pipeline.objects import ObjectStore, StoredObject
from ropewalk.settings import Settings
from ropewalk.store import Database
from ropewalk.store.keys import shared_key

if TYPE_CHECKING:
    from pathlib import Path

    from ropewalk.pipeline.shared_storage import SharedStorage

MARKS = "databases/"
_OBJECT = re.compile(r"[0-9a-f]{2}/[0-9a-f]{62}")
_REMOTE = re.compile(r"s3://[^/]+/+[^/].*")


@dataclass
class Listing:
    """What is at an address: objects and marks, each with the time (UTC seconds) at which it was written."""

    objects: list[tuple[StoredObject, float]] = field(default_factory=list)
    marks: dict[str, float] = field(default_factory=dict)


class RemoteObjects:
    """The objects at one address.

    Every method raises `CacheUnreachable` when the storage does not answer, and `CacheRefused` when it refuses.
    """

    def __init__(self, settings: Settings, root: Path, objects: ObjectStore, database: Database) -> None:
        self.address = object_address(settings) or ""
        self._setting = "artifact_storage" if settings.artifact_storage else "storage"
        self._root = root
        self._objects = objects
        self._database = database
        self._is_marked = False

    @property
    def mark(self) -> str:
        """The name of what says that this project's database names objects here."""
        # The key signs nothing: it is only what no other database has.
        return MARKS + shared_key(self._database, "artifacts").hex()[:32]

    def leave_mark(self) -> None:
        """Say that this project's database names objects here."""
        if not self._is_marked:
            self._open().create(self.mark, b"")
            self._is_marked = True

    def keep(self, stored: StoredObject) -> None:
        """Store an object of the own store there, unless it is there already."""
        self.leave_mark()
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

    def listing(self) -> Listing:
        """Return all that is there; what has the name of no object and no mark is not ours."""
        found = Listing()
        for name, size, written_at in self._open().names():
            if _OBJECT.fullmatch(name):
                found.objects.append((StoredObject(name.replace("/", ""), size), written_at))
            elif name.startswith(MARKS):
                found.marks[name] = written_at
        return found

    def remove(self, digests: Sequence[str]) -> None:
        """Remove these objects; the caller has seen to it that nobody names them."""
        self._open().remove([_name(digest) for digest in digests])

    def address_of(self, digest: str, lasting: timedelta) -> str:
        """Return a URL at which anyone can read the object for that long."""
        return self._open().readable_address(_name(digest), lasting)

    def _open(self) -> SharedStorage:
        # The library is loaded when something is sent or fetched. Opened each time: a storage that was away for a moment
        # must not stay away for a server that runs for months.
        from ropewalk.pipeline.shared_storage import open_storage

        return open_storage(self.address, self._root, self._setting)


def object_address(settings: Settings) -> str | None:
    """Return where artifacts are kept besides the state folder, if anywhere: beside the lake's data, not among them."""
    if settings.artifact_storage:
        return settings.artifact_storage
    # The lake removes files in its own place that it does not know.
    return f"{settings.storage.rstrip('/')}-artifacts" if _REMOTE.fullmatch(settings.storage) else None


def _name(digest: str) -> str:
    return f"{digest[:2]}/{digest[2:]}"
