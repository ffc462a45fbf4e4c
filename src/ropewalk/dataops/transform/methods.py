"""The ways in which a table comes to hold what its SELECT says: whole, as a view; the others have rooms of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ropewalk.dataops.lake import LakeTransaction, TableDigest
from ropewalk.dataops.transform.parts import Parts, build_parts
from ropewalk.dataops.transform.qualify import QualifiedSQL, pin
from ropewalk.dataops.transform.values import TableSpec
from ropewalk.errors import Place
from ropewalk.pipeline import JSON, Task


class Method(Protocol):
    """One way of building one table, planned before the lake's transaction begins."""

    @property
    def where(self) -> Mapping[str, str] | None:
        """The condition that the rows of an input meet of which not all are read."""

    def build(self, transaction: LakeTransaction, select: QualifiedSQL) -> TableDigest:
        """Put the rows in place, and return the digest of the whole table.

        Raises:
            TableFailed, InvalidQuery, TableMissing: they cannot be computed.
        """

    def summary(self) -> dict[str, JSON]:
        """Return what a person wants to know of how it was built."""

    def observed(self, made: TableDigest) -> dict[str, str] | None:
        """Return the outside facts that decided, after `made` was made; None when there are none."""


@dataclass(frozen=True)
class Whole:
    """All rows, computed at once."""

    spec: TableSpec
    where: Mapping[str, str] | None = None

    def build(self, transaction: LakeTransaction, select: QualifiedSQL) -> TableDigest:
        """Make the table hold the rows of its SELECT."""
        return transaction.replace(self.spec.table, select.text, Place(self.spec.path, 1, 1))

    def summary(self) -> dict[str, JSON]:
        """Return nothing more than is said of every table."""
        return {}

    def observed(self, made: TableDigest) -> dict[str, str] | None:  # the shape of every method
        """Return None: nothing but its inputs decides."""
        return None


@dataclass(frozen=True)
class AsView(Whole):
    """No rows at all: the SELECT itself, over its inputs as they are now.

    Its rows are computed once all the same: for the contract, and so that what reads it stays fresh when they are
    what they were.
    """

    inputs: Mapping[str, str] | None = None
    snapshots: Mapping[str, int] | None = None

    def build(self, transaction: LakeTransaction, select: QualifiedSQL) -> TableDigest:
        """Let the table mean the rows of its SELECT."""
        pinned = pin(self.spec, self.inputs or {}, self.snapshots or {})
        origin = Place(self.spec.path, 1, 1)
        return transaction.define_view(self.spec.table, select.text, pinned, origin)


@dataclass(frozen=True)
class InParts:
    """Interval by interval."""

    spec: TableSpec
    parts: Parts
    task: Task

    @property
    def where(self) -> Mapping[str, str] | None:
        """The condition by which each input is cut."""
        return {table: cut.condition for table, cut in self.parts.cuts.items()}

    def build(self, transaction: LakeTransaction, select: QualifiedSQL) -> TableDigest:
        """Compute the intervals that are to be computed."""
        return build_parts(transaction, self.parts, select, self.spec, self.task)

    def summary(self) -> dict[str, JSON]:
        """Return how many intervals there are, were computed and are missing."""
        return {"intervals": self.parts.summary()}

    def observed(self, made: TableDigest) -> dict[str, str] | None:  # the shape of every method
        """Return which intervals were left out."""
        return self.parts.observed()
