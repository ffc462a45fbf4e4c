"""What the lake remembers of a source: which files are loaded, up to which watermark, and how they were read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ropewalk.dataops.lake import Lake, LakeTransaction
from ropewalk.dataops.sources.facts import reading_digest
from ropewalk.dataops.sources.spec import SourceSpec


@dataclass(frozen=True)
class LoadedFile:
    """A file as it was loaded: path relative to the project, digest, size in bytes, rows."""

    path: str
    digest: str
    size: int
    rows: int


@dataclass(frozen=True)
class Mark:
    """How far a source is loaded.

    Attributes:
        reading: digest of the declaration it was read with.
        watermark: the greatest cursor value loaded, as the source wrote it.
    """

    reading: str
    watermark: str | None = None


def read_files(transaction: LakeTransaction, source: str) -> dict[str, LoadedFile]:
    """Return the files that are loaded, by path."""
    rows = transaction.read_book("source_files", source)
    return {str(p): LoadedFile(str(p), str(d), int(s or 0), int(r or 0)) for _, p, d, s, r in rows}


def write_files(transaction: LakeTransaction, source: str, files: Iterable[LoadedFile]) -> None:
    """Write down the files that are loaded."""
    rows = [(source, file.path, file.digest, file.size, file.rows) for file in files]
    transaction.rewrite_book("source_files", source, rows)


def read_mark(books: LakeTransaction | Lake, source: str) -> Mark | None:
    """Return how far the source is loaded, or None when it never was."""
    rows = books.read_book("watermarks", source)
    return Mark(str(rows[0][1]), None if rows[0][2] is None else str(rows[0][2])) if rows else None


def write_mark(transaction: LakeTransaction, source: str, mark: Mark) -> None:
    """Write down how far the source is loaded."""
    transaction.rewrite_book("watermarks", source, [(source, mark.reading, mark.watermark)])


def current_mark(books: LakeTransaction | Lake, spec: SourceSpec) -> Mark | None:
    """Return how far the source is loaded, or None when all is to be loaded anew."""
    mark = read_mark(books, spec.name)
    # Rows that somebody dropped by hand would never be asked for again.
    is_there = spec.table in books.table_names()
    return mark if is_there and mark and mark.reading == reading_digest(spec.source) else None
