"""Excel: one sheet of each file, read by DuckDB's own reader; all sheets come with the types that their cells have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from ropewalk.dataops.lake import Column, literal
from ropewalk.dataops.sources.columns import TEXT, Relation, describe
from ropewalk.dataops.sources.declarations import FilesSource
from ropewalk.dataops.sources.errors import InvalidFile
from ropewalk.dataops.sources.local_files import FILE_COLUMN, LocalFiles
from ropewalk.dataops.sources.quarantine import RowPlace
from ropewalk.errors import Place, RopewalkError


class ExcelFiles:
    """Sheets of `.xlsx` files."""

    is_guessing = False

    def __init__(self, source: FilesSource, files: LocalFiles) -> None:
        self.source = source
        self.files = files

    def relation(
        self,
        connection: duckdb.DuckDBPyConnection,
        paths: Sequence[str],
        wanted: Mapping[str, str],
        *,
        is_trusting: bool = False,
    ) -> tuple[Relation, Sequence[Column]]:
        """One SELECT over the sheets of all files.

        Raises:
            InvalidFile: a file has no such sheet, or is none.
        """
        sheets = [self._sheet(path) for path in paths]
        for path, sheet in zip(paths, sheets, strict=True):
            self._require(connection, path, sheet)
        relation = describe(connection, " UNION ALL BY NAME ".join(f"({sheet})" for sheet in sheets))
        names = [column.name for column in relation.columns if column.name != FILE_COLUMN]
        columns = [*(c for c in relation.columns if c.name in names), Column(FILE_COLUMN, TEXT)]
        return Relation(relation.sql, tuple(columns), RowPlace(file=FILE_COLUMN)), ()

    def translate(self, error: duckdb.Error) -> RopewalkError | None:
        """Leave it to the lake: what is wrong with a file was found before."""
        return None

    def _sheet(self, path: str) -> str:
        options = [f"header = {str(self.source.header).lower()}", "stop_at_empty = false"]
        options += [f"sheet = {literal(self.source.sheet)}"] if self.source.sheet else []
        options += [f"range = {literal(self.source.range.upper())}"] if self.source.range else []
        where = literal(str(self.files.path(path)))
        return f"SELECT *, {literal(path)} AS {FILE_COLUMN} FROM read_xlsx({where}, {', '.join(options)})"

    def _require(self, connection: duckdb.DuckDBPyConnection, path: str, sheet: str) -> None:
        try:
            with connection.cursor() as aside:
                columns = describe(aside, sheet).columns
        except duckdb.Error as error:
            text = (
                str(error).splitlines()[0].partition("Error: ")[2].replace(str(self.files.path(path)), path)
            )
            raise InvalidFile(
                f"not readable: {text}", place=Place(path), hint="check sheet and range"
            ) from error
        if sum(column.name.lower() == FILE_COLUMN for column in columns) > 1:
            raise InvalidFile(f"a column must not be named {FILE_COLUMN!r}", place=Place(path))
