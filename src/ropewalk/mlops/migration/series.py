"""The series of one run between its source and the transaction that adds them: packed, in a file once they are many."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import Self

from ropewalk.mlops.migration.checks import points_digest
from ropewalk.mlops.migration.records import Point, RunRecord, Source

_POINT = struct.Struct("<qqd")
_IN_MEMORY = 8 << 20
_PIECE = 10_000


class Series:
    """The points of one run, by metric."""

    def __init__(self) -> None:
        self._kept = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  # closed with this object
        self._places: dict[str, tuple[int, int]] = {}
        self._different: dict[str, int] = {}

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Forget all points."""
        self._kept.close()

    def fetch(self, source: Source, run: RunRecord) -> dict[str, str]:
        """Take every series of the run, one at a time, and return the digest of each."""
        digests = {}
        for key in run.metrics:
            # One key of one run fits into memory; all of them may not.
            points = list(source.points(run, key))
            self._different[key], digests[key] = points_digest(points)
            self._places[key] = (self._kept.tell(), len(points))
            self._kept.writelines(_POINT.pack(*point) for point in points)
        return digests

    def count(self, key: str) -> int:
        """Return how many different points a series has: clients that retry leave some twice."""
        return self._different[key]

    def read(self, key: str) -> Iterator[Point]:
        """Yield the points of one series."""
        start, count = self._places[key]
        self._kept.seek(start)
        while count > 0:
            taken = min(count, _PIECE)
            yield from _POINT.iter_unpack(self._kept.read(taken * _POINT.size))
            count -= taken
