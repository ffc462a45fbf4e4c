"""How many rows may not fit: none where the schema is frozen, else what `max_quarantined` allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from ropewalk.dataops.sources.errors import TooManyMisfits, ValueMisfit
from ropewalk.dataops.sources.quarantine import MARKER, Complaint, Reject, by_number, text_of
from ropewalk.dataops.sources.write_modes import ORDER
from ropewalk.errors import Place

if TYPE_CHECKING:
    from ropewalk.dataops.sources.columns import Relation
    from ropewalk.dataops.sources.landing import LandingRules
    from ropewalk.dataops.sources.spec import SourceSpec


# Beyond this a person needs no more lines, and looking for them would take long.
MOST_LINES = 10_000
LINES = '"temp"."ropewalk_lines"'


@dataclass(frozen=True)
class Misfits:
    """The rows of a landing that do not fit.

    Attributes:
        stage: the table that all arriving rows lie in, but for the rejects.
        arriving: the rows, for where they stand.
        complaints: what may be wrong with one.
        rejects: rows that their reader could not take.
        staged: how many of the stage do not fit.
        total: how many rows arrived.
    """

    stage: str
    arriving: Relation
    complaints: Sequence[Complaint]
    rejects: Sequence[Reject]
    staged: int
    total: int

    @property
    def count(self) -> int:
        """How many do not fit."""
        return self.staged + len(self.rejects)

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
        first = self._first(connection) if self.staged else self.rejects[0]
        what = _said(first)
        place = Place(first.file, first.line or None) if first.file else spec.place
        types = f"declare types: {{{first.column}: ...}}, " if first.column else ""
        if rules.schema == "freeze":
            hint = f"{types}mend the source, or declare schema: quarantine to go on without such rows"
            raise ValueMisfit(f"source {spec.name!r}: {what}", place=place, hint=hint)
        raise TooManyMisfits(
            f"source {spec.name!r}: {self.count:,} of {self.total:,} rows do not fit, the first: {what}",
            place=place,
            hint=f"{types}mend the source, or raise max_quarantined ({rules.max_quarantined})",
        )

    def find_lines(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Look up at which lines the staged rows stand that do not fit, for `line_sql`."""
        evidence = self.arriving.evidence
        if evidence is None:
            return
        connection.execute('CREATE OR REPLACE TEMP TABLE ropewalk_lines ("row" BIGINT, line BIGINT)')
        # Rows are counted within each file, as a person would look for one there.
        place = self.arriving.place.file
        counted = f"SELECT *, row_number() OVER (PARTITION BY {place} ORDER BY {ORDER}) AS _record FROM {self.stage}"
        rows = connection.execute(
            f"SELECT {place}, _record, {ORDER} FROM ({counted}) WHERE {MARKER} IS NOT NULL ORDER BY {ORDER} LIMIT {MOST_LINES}"
        ).fetchall()
        for file in dict.fromkeys(str(row[0]) for row in rows):
            records = {int(row[1]): int(row[2]) for row in rows if row[0] == file}
            found = evidence.lines(file, list(records), self.rejects)
            values = ", ".join(f"({records[record]}, {line})" for record, line in found.items())
            if values:
                connection.execute(f"INSERT INTO {LINES} VALUES {values}")

    @property
    def line_sql(self) -> str:
        """The SQL of the line of a staged row, after `find_lines`."""
        if self.arriving.evidence is None:
            return self.arriving.place.line
        return f'(SELECT line FROM {LINES} WHERE "row" = {ORDER})'

    def _is_beyond(self, limit: str | int) -> bool:
        if isinstance(limit, int):
            return self.count > limit
        return self.count * 100 > float(limit.removesuffix("%")) * self.total

    def _first(self, connection: duckdb.DuckDBPyConnection) -> Reject:
        """Return what is wrong with the first row of the stage that does not fit."""
        self.find_lines(connection)
        row = connection.execute(
            f"SELECT {MARKER}, {self.arriving.place.file}, {self.line_sql}, "
            f"{by_number([text_of(complaint) for complaint in self.complaints])} "
            f"FROM {self.stage} WHERE {MARKER} IS NOT NULL ORDER BY {ORDER} LIMIT 1"
        ).fetchone()
        assert row is not None
        complaint, value = self.complaints[int(row[0])], None if row[3] is None else str(row[3])
        return Reject(str(row[1] or ""), int(row[2] or 0), 0, complaint.reason, complaint.column, value, "")


def _said(reject: Reject) -> str:
    """Return what is wrong with a row, as it stands in a sentence."""
    what = f"column {reject.column!r}: " if reject.column else ""
    return what + (reject.reason if reject.value is None else f"{reject.value!r} is {reject.reason}")
