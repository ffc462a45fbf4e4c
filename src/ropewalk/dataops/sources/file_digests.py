"""Digests of a source's files, remembered so that a folder that did not change is not read again at each plan."""

from __future__ import annotations

from pathlib import Path

from ropewalk.pipeline import StatCache, Workspace, open_stat_cache

# Half of blake3 tells files apart as well, and is what the recorded keys of sources hold.
LENGTH = 32


class FileDigests:
    """The digests of files as sources record them, from the project's stat cache."""

    def __init__(self, known: StatCache) -> None:
        self._known = known

    def digest(self, path: Path) -> str:
        """Return the digest (32 hex digits) of the file's bytes.

        Raises:
            OSError: the file cannot be read.
        """
        return self._known.digest(path)[:LENGTH]

    def save(self) -> None:
        """Write down what was found."""
        self._known.save()


def open_digests(workspace: Workspace) -> FileDigests:
    """Return the project's file digests; they are saved when the workspace closes."""
    return FileDigests(open_stat_cache(workspace))
