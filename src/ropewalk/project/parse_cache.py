"""What was read from files before, by content: planning reads a file again only when its bytes have changed.

Files are always hashed: a stat says too little about whether a file is the same. A cache is one file of the state
folder. Losing it costs time and nothing else, so that a file that cannot be read, or was written by another version,
counts as empty, and one that cannot be written is left.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

import msgspec
from blake3 import blake3

T = TypeVar("T")
STATE_FOLDER = ".ropewalk"


def content_digest(content: bytes) -> str:
    """Return the digest under which a cache keeps what was read from `content`."""
    return blake3(content).hexdigest()[:32]


class ParseCache(Generic[T]):
    """Results of one kind, kept for the next plan where there is a state folder to keep them in.

    Args:
        path: the cache's file; when its folder does not exist, nothing is kept.
        version: names everything beside the content that decides how it is read.
        kind: type of a result; anything msgspec can write.
    """

    def __init__(self, path: Path, version: str, kind: type[T]) -> None:
        self._path = path
        self._version = version
        self._known = self._load(dict[str, kind])  # type: ignore[valid-type]  # the type is a value here
        self._used: dict[str, T] = {}

    def get(self, key: str, read: Callable[[], T]) -> T:
        """Return what is kept under `key`, or what `read` returns; its errors are not kept."""
        found = self._used.get(key)
        if found is None:
            known = self._known.get(key)
            found = self._used[key] = read() if known is None else known
        return found

    def save(self) -> None:
        """Keep what was used since the cache was opened, and as much again of what was used before."""
        if self._used.keys() <= self._known.keys() or not self._path.parent.is_dir():
            return
        # An edit that is taken back, or a branch that is left, brings back what was read before.
        before = [(key, value) for key, value in self._known.items() if key not in self._used]
        kept = self._used | dict(before[: len(self._used)])
        with suppress(OSError):
            descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(msgspec.msgpack.encode((self._version, kept)))
            # Two plans at once each write a whole file; the last one stays.
            Path(name).replace(self._path)
        self._known = kept

    def _load(self, kind: type[dict[str, T]]) -> dict[str, T]:
        try:
            content = self._path.read_bytes()
            # The version by itself first: what another one wrote need not have the shape of this one's.
            version, entries = msgspec.msgpack.decode(content, type=tuple[str, msgspec.Raw])
            return msgspec.msgpack.decode(entries, type=kind) if version == self._version else {}
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return {}
