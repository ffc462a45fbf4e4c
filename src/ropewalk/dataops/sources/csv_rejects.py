"""Lines of CSV files that DuckDB could not take: which, why, and what stands on them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from ropewalk.dataops.sources.columns import with_article
from ropewalk.dataops.sources.csv_dialect import Dialect, record_too_large
from ropewalk.dataops.sources.errors import InvalidFile
from ropewalk.dataops.sources.local_files import LocalFiles
from ropewalk.dataops.sources.quarantine import Reject
from ropewalk.errors import Place

ERRORS, SCANS = "ropewalk_reject_errors", "ropewalk_reject_scans"
STORED = f"store_rejects = true, rejects_table = '{ERRORS}', rejects_scan = '{SCANS}'"
# DuckDB's words for what is wrong with a line, as version 1.5.5 has them; tests hold them against the engine.
_TYPE = re.compile(r"to '(.+?)'\s*$")
_WIDTH = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
# Of a line with several mistakes the first counts.
_READ = f"""
    SELECT s.file_path, e.line, e.column_idx, e.column_name, CAST(e.error_type AS VARCHAR), e.csv_line, e.error_message
    FROM temp.{ERRORS} e JOIN temp.{SCANS} s USING (scan_id, file_id)
    QUALIFY row_number() OVER (PARTITION BY s.file_path, e.line ORDER BY e.column_idx) = 1
    ORDER BY 1, 2
"""


def forget_rejects(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop what earlier reads could not take."""
    connection.execute(f"DROP TABLE IF EXISTS temp.{ERRORS}; DROP TABLE IF EXISTS temp.{SCANS}")


@dataclass(frozen=True)
class CSVEvidence:
    """What is known of the rows of CSV files beside their values.

    Attributes:
        files: where they lie.
        dialects: how each is written.
        names: the columns of each.
    """

    files: LocalFiles
    dialects: dict[str, Dialect]
    names: dict[str, tuple[str, ...]]

    def rejects(self, connection: duckdb.DuckDBPyConnection) -> list[Reject]:
        """Return the lines that were not taken.

        Raises:
            InvalidFile: one is not UTF-8: then others may be wrong that do not show it.
            RecordTooLarge: one is larger than may be.
        """
        try:
            rows = connection.execute(_READ).fetchall()
        # Without any file to read there was no read.
        except duckdb.CatalogException:
            return []
        return [self._reject(_Line(*row)) for row in rows]

    def lines(self, file: str, records: Sequence[int], rejects: Sequence[Reject]) -> dict[int, int]:
        """Return the line of each of the `records` (from 1) that were taken from `file`."""
        dialect = self.dialects[file]
        # The engine counts records, the rejected ones too; those that were taken are numbered without them.
        taken, at = {}, 0
        left_out = {reject.record for reject in rejects if reject.file == file}
        wanted = set(records)
        for number in range(1, max(wanted, default=0) + 1):
            at += 1
            while at in left_out:
                at += 1
            if number in wanted:
                taken[number] = at
        lines = dialect.lines(self.files.path(file), list(taken.values()))
        return {number: lines[at] for number, at in taken.items() if at in lines}

    def _reject(self, line: _Line) -> Reject:
        file = self.files.shown(line.path)
        dialect, names = self.dialects[file], self.names[file]
        record = line.number - dialect.has_header
        begins = dialect.lines(self.files.path(file), [record]).get(record) or line.number + dialect.skip
        reason = line.reason(len(names))
        _refuse_broken(line, reason, Place(file, begins))
        values = dialect.split(line.text or "")
        is_value = line.kind == "CAST" and line.index <= len(values)
        rest = {"": values[len(names) :]} if len(values) > len(names) else {}
        return Reject(
            file,
            begins,
            record,
            reason,
            line.column if is_value else None,
            values[line.index - 1] if is_value else None,
            json.dumps({**dict(zip(names, values, strict=False)), **rest}),
        )


@dataclass(frozen=True)
class _Line:
    """A line that was not taken, as DuckDB notes it."""

    path: str
    number: int
    index: int
    column: str | None
    kind: str
    text: str | None
    message: str

    def reason(self, width: int) -> str:
        """Return what is wrong in our words; the file has `width` columns."""
        if (found := _WIDTH.search(self.message)) is not None:
            return f"the line has {found[2]} values, and the header {width}"
        # Reasons are shown to those too who may not see the values, so that the engine's words, which repeat them, are not.
        if self.kind == "CAST":
            wanted = _TYPE.search(self.message)
            return f"not {with_article(wanted[1])}" if wanted else "not of its column's type"
        return self.message.splitlines()[0]


def _refuse_broken(line: _Line, reason: str, place: Place) -> None:
    """Raise when what is wrong with a line says that the file is broken."""
    if line.kind == "INVALID ENCODING":
        raise InvalidFile("the file is not UTF-8", place=place, hint="encoding: latin-1, or another")
    if line.kind in {"UNQUOTED VALUE", "INVALID STATE"}:
        # What follows may be anything: a quote that is never closed swallows the rest of the file.
        raise InvalidFile(reason, place=place)
    if line.kind == "LINE SIZE OVER MAXIMUM":
        raise record_too_large(place)
