"""How many rows may not fit: none where the schema is frozen, else what `max_quarantined` allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from ropewalk.dataops.sources.errors import TooManyMisfits, ValueMisfit
from ropewalk.dataops.sources.quarantine import MARKER, Complaint, by_number, text_of
from ropewalk.dataops.sources.write_modes import ORDER
from ropewalk.errors import Place

if TYPE_CHECKING:
    from ropewalk.dataops.sources.columns import Relation
    from ropewalk.dataops.sources.landing import LandingRules
    from ropewalk.dataops.sources.spec import SourceSpec


@dataclass(frozen=True)
class Misfits:
    """The rows of a landing that do not fit.

    Attributes:
        stage: the table that all arriving rows lie in.
        arriving: the rows, for where they stand.
        complaints: what may be wrong with one.
        count: how many there are.
        total: of how many.
    """

    stage: str
    arriving: Relation
    complaints: Sequence[Complaint]
    count: int
    total: int

    def refuse_too_many(
        self, connection: duckdb.DuckDBPyConnection, spec: SourceSpec, rules: LandingRules
    ) -> None:
        """Check that no more rows do not fit than `rules` allow.

        Raises:
            ValueMisfit: one does not, and the schema is frozen.
            TooManyMisfits: there are too many; the error shows the first one.
        """
        if not self.count or (rules.schema != "freeze" and not self._is_beyond(rules.max_quarantined)):
            return
        what, column, place = self._first(connection, spec)
        if rules.schema == "freeze":
            raise ValueMisfit(
                f"source {spec.name!r}: {what}",
                place=place,
                hint=f"declare types: {{{column}: ...}}, or schema: quarantine to go on without such rows",
            )
        raise TooManyMisfits(
            f"source {spec.name!r}: {self.count:,} of {self.total:,} rows do not fit, the first: {what}",
            place=place,
            hint=f"declare types: {{{column}: ...}}, mend the source, or raise max_quarantined ({rules.max_quarantined})",
        )

    def _is_beyond(self, limit: str | int) -> bool:
        if isinstance(limit, int):
            return self.count > limit
        return self.count * 100 > float(limit.removesuffix("%")) * self.total

    def _first(self, connection: duckdb.DuckDBPyConnection, spec: SourceSpec) -> tuple[str, str, Place]:
        """Return what is wrong with the first row that does not fit, in which column, and where it stands."""
        place = self.arriving.place
        row = connection.execute(
            f"SELECT {MARKER}, {place.file}, {place.line}, {by_number([text_of(c) for c in self.complaints])} "
            f"FROM {self.stage} WHERE {MARKER} IS NOT NULL ORDER BY {ORDER} LIMIT 1"
        ).fetchone()
        assert row is not None
        complaint, value = self.complaints[int(row[0])], row[3]
        shown = complaint.reason if value is None else f"{value!r} is {complaint.reason}"
        found = Place(str(row[1]), row[2] and int(row[2])) if row[1] else spec.place
        return f"column {complaint.column!r}: {shown}", complaint.column, found
