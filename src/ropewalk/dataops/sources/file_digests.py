"""Digests of files, remembered so that a folder that did not change is not read again at each plan.

A remembered digest counts while path, size, inode, mtime and ctime are the same, and only if the file had not
been touched for a while when it was read: a file written again within the clock's grain keeps its time stamps.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from blake3 import blake3

from ropewalk.pipeline import Workspace

# The coarsest clock of a file system in use: FAT counts in two seconds.
GRAIN_NS = 2_000_000_000
BLOCK = 1 << 20
Stamp = tuple[int, int, int, int]


class FileDigests:
    """The digests of files, kept in the JSON file at `path`; a damaged one is begun anew."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._known = _load(path)
        self._is_changed = False

    def digest(self, path: Path) -> str:
        """Return the digest (32 hex digits) of the file's bytes.

        Raises:
            OSError: the file cannot be read.
        """
        stamp, read_at = _stamp(path), time.time_ns()
        with self._lock:
            known = self._known.get(str(path))
        if known and tuple(known[0]) == stamp:
            return known[1]
        # Hashed outside the lock, so that threads hash different files at the same time.
        digest = _hash(path)
        is_settled = max(stamp[2], stamp[3]) + GRAIN_NS < read_at
        with self._lock:
            # The second look catches a file that changed while its bytes were read.
            if is_settled and _stamp(path) == stamp:
                self._known[str(path)] = (stamp, digest)
                self._is_changed = True
        return digest

    def save(self) -> None:
        """Write down what is known, by one rename; another process's newer file may be replaced."""
        with self._lock:
            if not self._is_changed:
                return
            text = json.dumps(self._known)
            self._is_changed = False
        unfinished = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        # It is a cache: a full disk or a read-only folder must not stop the work.
        with suppress(OSError):
            unfinished.write_text(text, encoding="utf-8")
            unfinished.replace(self.path)


def open_digests(workspace: Workspace) -> FileDigests:
    """Return the project's file digests; they are saved when the workspace closes."""

    @contextmanager
    def opened() -> Iterator[FileDigests]:
        digests = FileDigests(workspace.state / "file-digests.json")
        try:
            yield digests
        finally:
            digests.save()

    return workspace.once("file digests", opened)


def _load(path: Path) -> dict[str, tuple[Stamp, str]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): (tuple(stamp), str(digest)) for name, (stamp, digest) in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _stamp(path: Path) -> Stamp:
    stat = path.stat()
    return stat.st_size, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns


def _hash(path: Path) -> str:
    digest = blake3()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(BLOCK), b""):
            digest.update(block)
    return digest.hexdigest()[:32]
