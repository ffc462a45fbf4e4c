"""What can go wrong with objects: in the project's store, and in the cache that is shared.

RopewalkError
├── InvalidInput
│   └── InvalidCacheAddress  RW104  the setting `cache` names no folder and no storage
├── NotFound
│   ├── ObjectMissing        RW202  an object that the metadata names is not in the store
│   └── NoSharedCache        RW211  a command needs a shared cache, and none is set
├── Failed
│   ├── ObjectDamaged        RW412  an object is not what its name says
│   ├── StoreFull            RW413  there is no room for an object
│   └── StoreReadOnly        RW416  the store, or where an object is to appear, cannot be written
└── Unavailable
    ├── CacheUnreachable     RW610  the shared cache does not answer
    └── CacheRefused         RW611  the shared cache answers, and refuses
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ropewalk.errors import Failed, InvalidInput, NotFound, Unavailable

FULL = (errno.ENOSPC, errno.EDQUOT)
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


class InvalidCacheAddress(InvalidInput):
    """The setting `cache` names neither a folder nor a storage that Ropewalk knows."""

    code = "RW104"


class ObjectMissing(NotFound):
    """An object that the metadata names is not in the store."""

    code = "RW202"


class NoSharedCache(NotFound):
    """A command works with the shared cache, and the project has none."""

    code = "RW211"


class ObjectDamaged(Failed):
    """An object's bytes are not those that its name is the digest of."""

    code = "RW412"


class StoreFull(Failed):
    """There is no room left for an object, or no quota."""

    code = "RW413"


class StoreReadOnly(Failed):
    """The object store, or the folder where an object is to appear, cannot be written."""

    code = "RW416"


class CacheUnreachable(Unavailable):
    """The shared cache does not answer, or answers that it cannot just now."""

    code = "RW610"


class CacheRefused(Unavailable):
    """The shared cache answers that this is not allowed, or that what is asked for does not exist."""

    code = "RW611"
    # Wrong credentials do not become right by asking again.
    may_pass = False


@contextmanager
def said_clearly(place: Path) -> Iterator[None]:
    """Translate what the file system says when something cannot be written to `place`.

    Raises:
        StoreFull: there is no room.
        StoreReadOnly: it cannot be written at all.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise StoreFull(
                f"{place} is full: {error.strerror}",
                hint="make room with `ropewalk gc`, or set ROPEWALK_STATE_DIR to a larger disk",
            ) from error
        if error.errno in READ_ONLY:
            raise StoreReadOnly(
                f"{place} cannot be written: {error.strerror}",
                hint="mend its permissions, or set ROPEWALK_STATE_DIR to a folder that you may write to",
            ) from error
        raise
