"""Sheets of Excel workbooks, in which any cell may be of another type than those above it.

The engine's reader takes a column's type from its first row, and fails at a cell that is of none such. The quick way
trusts it; after a doubt, a column with such a cell is read as text, each cell as a person sees it.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence

import duckdb

from ropewalk.dataops.lake import Column, literal, quote
from ropewalk.dataops.sources.columns import TEXT
from ropewalk.dataops.sources.declarations import FilesSource
from ropewalk.dataops.sources.doubts import Doubt
from ropewalk.dataops.sources.local_files import FILE_COLUMN, LocalFiles
from ropewalk.dataops.sources.single_files import SingleFiles
from ropewalk.errors import RopewalkError

# What the reader says of a cell that is of another type than the first one of its column.
_OTHER_TYPE = "Failed to parse cell"
_NUMBER = "DOUBLE"


class ExcelFiles(SingleFiles):
    """Sheets of `.xlsx` files."""

    is_guessing = True

    def translate(self, error: duckdb.Error) -> RopewalkError | Doubt | None:
        """Doubt the types of first rows where a cell has another."""
        return Doubt() if _OTHER_TYPE in str(error) else None

    def _each(
        self,
        connection: duckdb.DuckDBPyConnection,
        found: Mapping[str, Sequence[Column]],
        wanted: Mapping[str, str],
        *,
        is_trusting: bool,
    ) -> list[str]:
        """Return the SELECT of each file, with texts in columns that hold any, here or elsewhere."""
        texts = {name for name, kind in wanted.items() if kind == TEXT}
        for path, columns in found.items():
            texts |= {column.name.lower() for column in columns if column.type == TEXT}
            texts |= set() if is_trusting else set(self._mixed(connection, path, columns))
        texts |= self._empty(connection, found, texts | wanted.keys())
        return [
            self._as_text(path, columns, texts, is_trusting=is_trusting) for path, columns in found.items()
        ]

    def _empty(
        self,
        connection: duckdb.DuckDBPyConnection,
        found: Mapping[str, Sequence[Column]],
        known: Container[str],
    ) -> set[str]:
        """Return the columns without any value, which the reader calls numbers: the next file may have texts there."""
        empty, filled = set[str](), set[str]()
        for path, columns in found.items():
            # Only a table that is new, or that gets new columns, is read once more for it.
            names = [c.name for c in columns if c.type == _NUMBER and c.name.lower() not in known]
            if names:
                counts = ", ".join(f"count({quote(name)})" for name in names)
                row = connection.execute(
                    f"SELECT {counts} FROM {self._call(path, 'all_varchar = true')}"
                ).fetchone()
                for name, count in zip(names, row or (), strict=True):
                    (filled if count else empty).add(name.lower())
        return empty - filled

    def _mixed(
        self, connection: duckdb.DuckDBPyConnection, path: str, columns: Sequence[Column]
    ) -> Iterator[str]:
        """Yield the columns of a file with a cell that is of another type than the first one."""
        typed = [column.name for column in columns if column.name != FILE_COLUMN and column.type != TEXT]
        if not typed:
            return
        odd = ", ".join(f"bool_or(t.{quote(name)} IS NULL AND v.{quote(name)} IS NOT NULL)" for name in typed)
        row = connection.execute(f"SELECT {odd} FROM {self._both(path, is_trusting=False)}").fetchone()
        yield from (name.lower() for name, is_odd in zip(typed, row or (), strict=True) if is_odd)

    def _as_text(self, path: str, columns: Sequence[Column], texts: set[str], *, is_trusting: bool) -> str:
        own = [column for column in columns if column.name != FILE_COLUMN]
        if not any(column.name.lower() in texts and column.type != TEXT for column in own):
            return self._rows(path)
        cells = ", ".join(_cell(column, is_text=column.name.lower() in texts) for column in own)
        return f"SELECT {cells}, {literal(path)} AS {FILE_COLUMN} FROM {self._both(path, is_trusting=is_trusting)}"

    def _both(self, path: str, *, is_trusting: bool) -> str:
        """Return a sheet twice, row beside row: with the types of its first row, and as text."""
        # A cell that is left out without an error is known of only where all were looked at.
        lenient = () if is_trusting else ("ignore_errors = true",)
        typed, text = self._call(path, *lenient), self._call(path, "all_varchar = true")
        return f"{typed} AS t POSITIONAL JOIN {text} AS v"


def _cell(column: Column, *, is_text: bool) -> str:
    name = quote(column.name)
    if not is_text or column.type == TEXT:
        return f"t.{name}"
    # Dates and truths are numbers in the file: their text is that of the value, and a number's is that of the file.
    shown = f"v.{name}" if column.type == _NUMBER else f"coalesce(CAST(t.{name} AS {TEXT}), v.{name})"
    return f"{shown} AS {name}"


def excel_files(source: FilesSource, files: LocalFiles) -> ExcelFiles:
    """Return how the sheets of `.xlsx` files are read."""
    options = [f"header = {str(source.header).lower()}", "stop_at_empty = false"]
    options += [f"sheet = {literal(source.sheet)}"] if source.sheet else []
    options += [f"range = {literal(source.range.upper())}"] if source.range else []
    return ExcelFiles(files, "read_xlsx", options, "excel")
