"""Avro, and Excel in part: read file by file, as their readers take one at a time; put together by columns' names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from ropewalk.dataops.lake import Column, literal, load_extension
from ropewalk.dataops.sources.columns import TEXT, Relation, describe
from ropewalk.dataops.sources.doubts import Doubt
from ropewalk.dataops.sources.errors import InvalidFile
from ropewalk.dataops.sources.local_files import FILE_COLUMN, LocalFiles
from ropewalk.dataops.sources.quarantine import RowPlace
from ropewalk.errors import Place, RopewalkError


class SingleFiles:
    """Files of a format whose reader takes one at a time.

    Attributes:
        files: where they lie.
        function: the reader.
        options: what it is told.
        extension: what of the engine it is part of.
    """

    is_guessing = False

    def __init__(self, files: LocalFiles, function: str, options: Sequence[str], extension: str) -> None:
        self.files = files
        self.function = function
        self.options = options
        self.extension = extension

    def relation(
        self,
        connection: duckdb.DuckDBPyConnection,
        paths: Sequence[str],
        wanted: Mapping[str, str],
        *,
        is_trusting: bool = False,
    ) -> tuple[Relation, Sequence[Column]]:
        """One SELECT over all files.

        Raises:
            InvalidFile: a file is not what its name says.
        """
        load_extension(connection, self.extension)
        found = {path: self._require(connection, path, self._rows(path)) for path in paths}
        each = self._each(connection, found, wanted, is_trusting=is_trusting)
        relation = describe(connection, " UNION ALL BY NAME ".join(f"({rows})" for rows in each))
        names = [column.name for column in relation.columns if column.name != FILE_COLUMN]
        columns = [*(c for c in relation.columns if c.name in names), Column(FILE_COLUMN, TEXT)]
        return Relation(relation.sql, tuple(columns), RowPlace(file=FILE_COLUMN)), ()

    def translate(self, error: duckdb.Error) -> RopewalkError | Doubt | None:
        """Leave it to the lake: what is wrong with a file was found before."""
        return None

    def _each(
        self,
        connection: duckdb.DuckDBPyConnection,
        found: Mapping[str, Sequence[Column]],
        wanted: Mapping[str, str],
        *,
        is_trusting: bool,
    ) -> list[str]:
        """Return the SELECT of each file, whose columns were found."""
        return [self._rows(path) for path in found]

    def _rows(self, path: str) -> str:
        return f"SELECT *, {literal(path)} AS {FILE_COLUMN} FROM {self._call(path)}"

    def _call(self, path: str, *more: str) -> str:
        return f"{self.function}({', '.join([literal(str(self.files.path(path))), *self.options, *more])})"

    def _require(self, connection: duckdb.DuckDBPyConnection, path: str, rows: str) -> Sequence[Column]:
        try:
            with connection.cursor() as aside:
                columns = describe(aside, rows).columns
        except duckdb.Error as error:
            text = (
                str(error).splitlines()[0].partition("Error: ")[2].replace(str(self.files.path(path)), path)
            )
            raise InvalidFile(
                f"not readable: {text}",
                place=Place(path),
                hint="check the file, and sheet and range of a workbook",
            ) from error
        if sum(column.name.lower() == FILE_COLUMN for column in columns) > 1:
            raise InvalidFile(f"a column must not be named {FILE_COLUMN!r}", place=Place(path))
        return columns
