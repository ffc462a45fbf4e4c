"""The formats of files: for each, the SELECT that reads them, and what went wrong in our words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import duckdb

from ropewalk.dataops.lake import Column, literal, quote
from ropewalk.dataops.sources.columns import TEXT, Relation, describe
from ropewalk.dataops.sources.csv_files import DOUBT, CSVFormat, CSVTypes
from ropewalk.dataops.sources.csv_rejects import forget_rejects
from ropewalk.dataops.sources.declarations import (
    AVRO_SUFFIX,
    CSV_DELIMITERS,
    EXCEL_SUFFIX,
    JSON_SUFFIXES,
    PACKED_SUFFIXES,
    PARQUET_SUFFIX,
    FilesSource,
    format_suffix,
)
from ropewalk.dataops.sources.doubts import Doubt
from ropewalk.dataops.sources.errors import InvalidFile, InvalidSource
from ropewalk.dataops.sources.excel_files import excel_files
from ropewalk.dataops.sources.json_errors import (
    LINE_SUFFIXES,
    JSONEvidence,
    find_json_error,
    refuse_cut_array,
    too_large,
)
from ropewalk.dataops.sources.local_files import FILE_COLUMN, LocalFiles
from ropewalk.dataops.sources.plain_columns import plain_columns
from ropewalk.dataops.sources.quarantine import Evidence, Reject, RowPlace
from ropewalk.dataops.sources.single_files import SingleFiles
from ropewalk.errors import Place, RopewalkError, nearest

# The engine takes records of this size however low its limit is.
LARGEST_RECORD = 16 << 20
_JSON_FILE = re.compile(r'file "(.+?)"')
# What the engine says of a line that is no JSON, and of one that is JSON but no object.
_NO_RECORD = re.compile(r"Malformed JSON|non-record JSON")


class FileFormat(Protocol):
    """How DuckDB reads the files of one source."""

    @property
    def is_guessing(self) -> bool:
        """Whether there is a quick way to read, which may end in `Doubt`."""

    def relation(
        self,
        connection: duckdb.DuckDBPyConnection,
        paths: Sequence[str],
        wanted: Mapping[str, str],
        *,
        is_trusting: bool,
    ) -> tuple[Relation, Sequence[Column]]:
        """Return the rows of `paths` as a SELECT with a column `_file`, and the types found for what comes as text.

        Args:
            connection: in the transaction of the load.
            paths: as the files are known.
            wanted: the types of the table or the declaration, by lower-case name.
            is_trusting: whether to take the quick way.

        Raises:
            RopewalkError: a file is not what its name says.
        """

    def translate(self, error: duckdb.Error) -> RopewalkError | Doubt | None:
        """Return DuckDB's error about a file's content as ours, with its place, or None."""


class CSVFiles:
    """CSV and TSV."""

    is_guessing = True

    def __init__(self, source: FilesSource, files: LocalFiles) -> None:
        self._format = CSVFormat(source, files)

    def relation(
        self,
        connection: duckdb.DuckDBPyConnection,
        paths: Sequence[str],
        wanted: Mapping[str, str],
        *,
        is_trusting: bool = False,
    ) -> tuple[Relation, Sequence[Column]]:
        """One SELECT over all headers; a type is found for the columns that have none in `wanted`."""
        groups = self._format.groups(paths)
        names = {name.lower(): name for group in groups for name in group.names}
        found: dict[str, str] = {}
        if not wanted.keys() >= names.keys():
            columns = self._format.columns(connection, groups, is_thorough=not is_trusting)
            found = {column.name.lower(): column.type for column in columns}
        types = CSVTypes(found, wanted)
        relation = self._format.relation(groups, types, is_trusting=is_trusting)
        forget_rejects(connection)
        if is_trusting and relation.evidence:
            relation = replace(relation, evidence=_Trust(relation.evidence))
        return relation, [Column(c.name, types.of(c.name)) for c in relation.columns if c.name != FILE_COLUMN]

    def translate(self, error: duckdb.Error) -> RopewalkError | Doubt | None:
        """Tell doubt from what is wrong."""
        return Doubt() if DOUBT in str(error) else None


class ScannedFiles:
    """Formats that say themselves which values are numbers: JSON and Parquet."""

    is_guessing = False

    def __init__(self, files: LocalFiles, function: str, options: str = "") -> None:
        self.files = files
        self.function = function
        self.options = options

    def relation(
        self,
        connection: duckdb.DuckDBPyConnection,
        paths: Sequence[str],
        wanted: Mapping[str, str],
        *,
        is_trusting: bool = False,
    ) -> tuple[Relation, Sequence[Column]]:
        """One SELECT over all files; nested values of JSON stay JSON, so that they may change their shape."""
        if self.function == "read_json":
            for path in paths:
                refuse_cut_array(path, self.files)
        # By name, as a later file may have its columns in another order.
        sql = f"FROM {self.function}({self.files.sql(paths)}, union_by_name = true{self.options})"
        columns = describe(connection, sql).columns
        if FILE_COLUMN in {column.name.lower() for column in columns}:
            raise InvalidFile(f"a column must not be named {FILE_COLUMN!r}", place=Place(paths[0]))
        named = sql.removesuffix(")") + f", filename = {literal(FILE_COLUMN)})"
        plain = plain_columns(connection, sql, columns)
        replaced = [f"{made.sql} AS {quote(made.name)}" for made in plain if made.sql]
        select = f"SELECT * REPLACE ({', '.join([*replaced, self.files.shown_sql])}) {named}"
        loaded = (*(Column(made.name, made.type) for made in plain), Column(FILE_COLUMN, TEXT))
        return Relation(select, loaded, RowPlace(file=FILE_COLUMN), JSONEvidence(self.files)), ()

    def translate(self, error: duckdb.Error) -> RopewalkError | Doubt | None:
        """Name the file, and the line where DuckDB says it."""
        text = str(error).splitlines()[0]
        found = _JSON_FILE.search(text)
        if found and (large := too_large(text, self.files.shown(found[1]))):
            return large
        if found and "JSON" in text:
            return find_json_error(self.files.shown(found[1]), self.files)
        places = [str(self.files.root), *{str(path.parent) for path in self.files.copies.values()}]
        if named := re.search(rf"[\"']?((?:{'|'.join(map(re.escape, places))})/[^\"':]+)[\"']?", text):
            return InvalidFile(
                f"not readable: {text.partition('Error: ')[2].replace(named[1], self.files.shown(named[1]))}",
                place=Place(self.files.shown(named[1])),
            )
        return None


class LineFiles(ScannedFiles):
    """Newline-delimited JSON: a line that is no record is kept aside, the others are read."""

    is_guessing = True

    def __init__(self, files: LocalFiles, options: str) -> None:
        super().__init__(files, "read_json", f"{options}, format = 'newline_delimited', records = true")
        self._doubtful: tuple[str, ...] = ()

    def relation(
        self,
        connection: duckdb.DuckDBPyConnection,
        paths: Sequence[str],
        wanted: Mapping[str, str],
        *,
        is_trusting: bool = False,
    ) -> tuple[Relation, Sequence[Column]]:
        """One SELECT over all lines; on the quick way a line that is no record ends in `Doubt`.

        Raises:
            InvalidFile: there is no other line.
        """
        self._doubtful = tuple(paths) if is_trusting else ()
        try:
            return super().relation(connection, paths, wanted)
        except duckdb.BinderException:
            if is_trusting:
                raise
            for first in JSONEvidence(self.files).rejects(connection):
                raise InvalidFile(first.reason, place=Place(first.file, first.line)) from None
            # Files without any line have no records, which the engine takes for something else.
            self.options = self.options.removesuffix(", records = true")
            return super().relation(connection, paths, wanted)

    def translate(self, error: duckdb.Error) -> RopewalkError | Doubt | None:
        """Tell doubt from what is wrong."""
        if self._doubtful and _NO_RECORD.search(str(error)):
            return Doubt(self._doubtful)
        return super().translate(error)


class _Trust:
    """Evidence of the quick way: any line that could not be taken is a doubt."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    def rejects(self, connection: duckdb.DuckDBPyConnection) -> Sequence[Reject]:
        """Return none.

        Raises:
            Doubt: there is one.
        """
        if self._evidence.rejects(connection):
            raise Doubt
        return ()

    def lines(self, file: str, records: Sequence[int], rejects: Sequence[Reject]) -> Mapping[int, int]:
        """As the evidence says."""
        return self._evidence.lines(file, records, rejects)


def largest_record(source: FilesSource) -> int:
    """Return how many bytes a record of JSON may have."""
    return source.max_record or LARGEST_RECORD


def choose_format(source: FilesSource, paths: Sequence[str], files: LocalFiles, place: Place) -> FileFormat:
    """Return how the files at `paths` are read, as declared or by their suffix.

    Raises:
        InvalidSource: they are of several formats, or of one that is not known.
    """
    suffixes = {f".{source.format}"} if source.format else {format_suffix(path) for path in paths}
    families = {suffix: _family(suffix, paths, place) for suffix in suffixes}
    if len(set(families.values())) > 1:
        raise InvalidSource(
            f"the files of one source must be of one format, not {', '.join(sorted(suffixes))}",
            place=place,
            hint="make a source of each",
        )
    match next(iter(families.values())):
        case "csv":
            return CSVFiles(source, files)
        case "json":
            return _json_files(files, largest_record(source), suffixes)
        case "excel":
            return excel_files(source, files)
        case "avro":
            return SingleFiles(files, "read_avro", (), "avro")
        case _:
            return ScannedFiles(files, "read_parquet")


def _json_files(files: LocalFiles, largest: int, suffixes: set[str]) -> ScannedFiles:
    # A type found in a sample would round or refuse what comes after it.
    options = f", sample_size = -1, maximum_object_size = {largest}"
    return (
        LineFiles(files, options) if suffixes <= LINE_SUFFIXES else ScannedFiles(files, "read_json", options)
    )


def _family(suffix: str, paths: Sequence[str], place: Place) -> str:
    families = {
        **dict.fromkeys(CSV_DELIMITERS, "csv"),
        **dict.fromkeys(JSON_SUFFIXES, "json"),
        PARQUET_SUFFIX: "parquet",
        EXCEL_SUFFIX: "excel",
        ".excel": "excel",
        AVRO_SUFFIX: "avro",
    }
    if suffix in families:
        return families[suffix]
    odd = next((path for path in paths if format_suffix(path) == suffix), suffix)
    known = sorted(families.keys() - {".excel"})
    raise InvalidSource(
        f"{odd}: the suffix tells no format",
        place=place,
        nearest=nearest(suffix, known),
        hint=f"declare format, or name files {', '.join(known)}, each also packed ({', '.join(PACKED_SUFFIXES)})",
    )
