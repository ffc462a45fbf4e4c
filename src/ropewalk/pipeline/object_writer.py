"""Writing one object: under a temporary name, whole, digested on the way."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import BinaryIO, Self

from blake3 import blake3

from ropewalk.pipeline.object_errors import said_clearly


class ObjectWriter:
    """A file being written under a temporary name in `folder`; gone at the end unless it was finished.

    Raises, at each of its steps:
        StoreFull: there is no room.
        StoreReadOnly: the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with said_clearly(folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, name = tempfile.mkstemp(dir=folder)
        self.path = Path(name)
        self.stream: BinaryIO = os.fdopen(descriptor, "wb")
        self.hash = blake3()
        self.size = 0

    def write(self, block: bytes) -> None:
        """Add `block`."""
        with said_clearly(self._folder):
            self.stream.write(block)
        self.hash.update(block)
        self.size += len(block)

    def finish(self, place: Path) -> None:
        """Let the file appear at `place`."""
        with said_clearly(self._folder):
            self.stream.flush()
            settle(self.stream.fileno(), self.path, place)

    def close(self) -> None:
        """Remove what was not finished."""
        try:
            self.stream.close()
        except OSError:
            # What could not be written is thrown away in the next line anyway.
            pass
        finally:
            self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def settle(descriptor: int, path: Path, place: Path) -> None:
    """Make the written file at `path` read-only and let it appear at `place`, its bytes before its name."""
    # Without this a power cut could leave the name without the bytes.
    os.fsync(descriptor)
    # Read-only, because workspaces hold links to it: writing through one would change all.
    os.fchmod(descriptor, 0o444)
    place.parent.mkdir(parents=True, exist_ok=True)
    path.replace(place)
