"""The formats of files: for each, which columns the files have and the SELECT that reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import duckdb

from ropewalk.dataops.lake import Column, literal, quote
from ropewalk.dataops.sources.columns import TEXT, Relation, describe, is_rounding
from ropewalk.dataops.sources.csv_files import FILE_COLUMN, CSVFormat, shown_path
from ropewalk.dataops.sources.declarations import (
    CSV_DELIMITERS,
    JSON_SUFFIXES,
    PARQUET_SUFFIX,
    FilesSource,
    format_suffix,
)
from ropewalk.dataops.sources.errors import InvalidFile, InvalidSource
from ropewalk.dataops.sources.json_errors import find_json_error, refuse_cut_array
from ropewalk.dataops.sources.plain_columns import plain_columns
from ropewalk.errors import Place, RopewalkError, nearest

_JSON_FILE = re.compile(r'JSON.* in file "(.+?)"')


class FileFormat(Protocol):
    """How DuckDB reads the files of one source."""

    def relations(
        self, connection: duckdb.DuckDBPyConnection, paths: Sequence[str], types: Mapping[str, str]
    ) -> list[Relation]:
        """Return the rows of `paths` (relative to the project) as SELECTs with a column `_file`.

        `types` are wanted types by lower-case column name: those of the table, or declared ones. A format in
        which every value is text reads them directly; others leave the cast to the caller.

        Raises:
            RopewalkError: a file is not what its name says.
        """

    def translate(self, error: duckdb.Error) -> RopewalkError | None:
        """Return DuckDB's error about a file's content as ours, with its place, or None."""

    def line_of(self, path: str, record: int) -> int | None:
        """Return the line of the file at which a record (from 1) stands, where the format has lines."""


class CSVFiles:
    """CSV and TSV."""

    def __init__(self, source: FilesSource, root: Path) -> None:
        self._format = CSVFormat(source, root)

    def relations(
        self, connection: duckdb.DuckDBPyConnection, paths: Sequence[str], types: Mapping[str, str]
    ) -> list[Relation]:
        """One SELECT per header; a type is found for the columns that have none in `types`."""
        groups = self._format.groups(paths)
        found = {column.name.lower(): column.type for column in self._format.columns(connection, groups)}
        # A cast inside the CSV reader would round without a word: such columns are read as they are found.
        wanted = {
            name: kind if is_rounding(kind, types.get(name, kind)) else types.get(name, kind)
            for name, kind in found.items()
        }
        return [self._format.relation(group, wanted) for group in groups]

    def translate(self, error: duckdb.Error) -> RopewalkError | None:
        """Name file, line, column and value."""
        return self._format.translate(error)

    def line_of(self, path: str, record: int) -> int | None:
        """Return the line, which a quoted line break puts off."""
        return self._format.line_of(path, record)


class ScannedFiles:
    """Formats that say themselves which values are numbers: JSON and Parquet."""

    def __init__(self, root: Path, function: str, options: str = "") -> None:
        self.root = root
        self.function = function
        self.options = options

    def relations(
        self, connection: duckdb.DuckDBPyConnection, paths: Sequence[str], types: Mapping[str, str]
    ) -> list[Relation]:
        """One SELECT over all files; nested values of JSON stay JSON, so that they may change their shape."""
        if self.function == "read_json":
            for path in paths:
                refuse_cut_array(path, self.root)
        files = ", ".join(literal(str(self.root / path)) for path in paths)
        # By name, as a later file may have its columns in another order.
        sql = f"FROM {self.function}([{files}], union_by_name = true{self.options})"
        columns = describe(connection, sql).columns
        if FILE_COLUMN in {column.name.lower() for column in columns}:
            raise InvalidFile(f"a column must not be named {FILE_COLUMN!r}", place=Place(paths[0]))
        named = sql.removesuffix(")") + f", filename = {literal(FILE_COLUMN)})"
        shown = shown_path(self.root)
        plain = plain_columns(connection, sql, columns)
        replaced = ", ".join([*(f"{made.sql} AS {quote(made.name)}" for made in plain if made.sql), shown])
        loaded = [Column(made.name, made.type) for made in plain]
        return [Relation(f"SELECT * REPLACE ({replaced}) {named}", (*loaded, Column(FILE_COLUMN, TEXT)))]

    def translate(self, error: duckdb.Error) -> RopewalkError | None:
        """Name the file, and the line where DuckDB says it."""
        text = str(error).splitlines()[0]
        if found := _JSON_FILE.search(text):
            return find_json_error(found[1].removeprefix(f"{self.root}/"), self.root)
        if named := re.search(rf"[\"']?({re.escape(str(self.root))}/[^\"':]+)[\"']?", text):
            return InvalidFile(
                f"not readable: {text.partition('Error: ')[2]}",
                place=Place(named[1].removeprefix(f"{self.root}/")),
            )
        return None

    def line_of(self, path: str, record: int) -> int | None:
        """Return the line in the formats that have one record on each."""
        return record if format_suffix(path) in {".ndjson", ".jsonl"} else None


def choose_format(source: FilesSource, paths: Sequence[str], root: Path, place: Place) -> FileFormat:
    """Return how the files at `paths` are read, by their suffix.

    Raises:
        InvalidSource: they are of several formats, or of one that is not known.
    """
    suffixes = {format_suffix(path): path for path in paths}
    families = {suffix: _family(suffix, path, place) for suffix, path in suffixes.items()}
    if len(set(families.values())) > 1:
        raise InvalidSource(
            f"the files of one source must be of one format, not {', '.join(sorted(suffixes))}",
            place=place,
            hint="make a source of each",
        )
    match next(iter(families.values())):
        case "csv":
            return CSVFiles(source, root)
        case "json":
            # A type found in a sample would round or refuse what comes after it.
            return ScannedFiles(root, "read_json", ", sample_size = -1")
        case _:
            return ScannedFiles(root, "read_parquet")


def _family(suffix: str, path: str, place: Place) -> str:
    if suffix in CSV_DELIMITERS:
        return "csv"
    if suffix in JSON_SUFFIXES:
        return "json"
    if suffix == PARQUET_SUFFIX:
        return "parquet"
    known = [*CSV_DELIMITERS, *sorted(JSON_SUFFIXES), PARQUET_SUFFIX]
    raise InvalidSource(
        f"{path}: the suffix tells no format",
        place=place,
        nearest=nearest(suffix, known),
        hint=f"known: {', '.join(known)}, and each with .gz",
    )
