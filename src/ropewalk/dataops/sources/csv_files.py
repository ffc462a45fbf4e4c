"""CSV and TSV: the header is read here, the types are found and the rows read by DuckDB, never by a guess.

Delimiter, quoting and header are declared or standard, and only ISO dates are taken for dates: a file that
is written otherwise is an error or text, not something else silently. The types are found over all rows.
"""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

import duckdb

from ropewalk.dataops.lake import Column, literal, quote
from ropewalk.dataops.sources.columns import TEXT, Relation, describe, with_article
from ropewalk.dataops.sources.declarations import CSV_DELIMITERS, FilesSource, format_suffix
from ropewalk.dataops.sources.errors import InvalidFile, ValueMisfit
from ropewalk.errors import Place, RopewalkError

FILE_COLUMN = "_file"
# DuckDB's messages about CSV, as version 1.5.5 words them; tests hold them against the engine.
_LINE = re.compile(r"CSV Error on Line: (\d+)")
_VALUE = re.compile(
    r'Error when converting column "(.+?)"\. Could not convert string "(.*?)" to \'(.+?)\'', re.DOTALL
)
_WIDTH = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
_FILE = re.compile(r"^  file = (.*)$", re.MULTILINE)
_OTHER_DELIMITERS = ";\t|,"
# What a column without any value has, until other files say more.
NO_TYPE = "NULL"
SAMPLE = 2000
_WIDER = {
    frozenset({"BIGINT", "DOUBLE"}): "DOUBLE",
    frozenset({"DATE", "TIMESTAMP"}): "TIMESTAMP",
    frozenset({"DATE", "TIMESTAMP WITH TIME ZONE"}): "TIMESTAMP WITH TIME ZONE",
    frozenset({"TIMESTAMP", "TIMESTAMP WITH TIME ZONE"}): "TIMESTAMP WITH TIME ZONE",
}


@dataclass(frozen=True)
class CSVGroup:
    """Files with one header."""

    names: tuple[str, ...]
    paths: tuple[str, ...]


class CSVFormat:
    """How the CSV files of one source are read, relative to the folder `root`."""

    def __init__(self, source: FilesSource, root: Path) -> None:
        self.root = root
        self.has_header = source.header
        self.delimiter = source.delimiter or CSV_DELIMITERS.get(format_suffix(source.path), ",")
        # DuckDB drops the empty text from the list as soon as another is named, and numbers would become text.
        self.nulls = ["", *source.nulls]

    def groups(self, paths: Sequence[str]) -> list[CSVGroup]:
        """Return the files with at least one row, grouped by their columns.

        Raises:
            InvalidFile: a file has no usable header.
        """
        found: dict[tuple[str, ...], list[str]] = {}
        for path in paths:
            names, has_rows = self._read_header(path)
            # A file of a header alone brings its columns, but DuckDB's sniffer would take the header for data.
            found.setdefault(names, [])
            if has_rows:
                found[names].append(path)
        return [CSVGroup(names, tuple(members)) for names, members in found.items()]

    def columns(self, connection: duckdb.DuckDBPyConnection, groups: Sequence[CSVGroup]) -> list[Column]:
        """Return the columns over all files, in order of first appearance, with the types their values have."""
        found: dict[str, Column] = {}
        for group in groups:
            for column in self._sniff(connection, group):
                old = found.get(column.name.lower(), Column(column.name, NO_TYPE))
                found[old.name.lower()] = Column(old.name, _common_type(old.type, column.type))
        return [Column(c.name, TEXT if c.type == NO_TYPE else c.type) for c in found.values()]

    def relation(self, group: CSVGroup, types: Mapping[str, str]) -> Relation:
        """Return the rows of a group with the types given by lower-case column name, and the file's path."""
        # With all types given DuckDB does not sniff again, which makes this the cheapest way to read CSV.
        columns = [Column(name, types[name.lower()]) for name in group.names]
        typed = ", ".join(f"{literal(column.name)}: {literal(column.type)}" for column in columns)
        sql = (
            f"FROM read_csv({self._list(group.paths)}, {self._options()}, auto_detect = false, "
            f"columns = {{{typed}}}, filename = {literal(FILE_COLUMN)})"
        )
        shown = shown_path(self.root)
        return Relation(
            f"SELECT * REPLACE ({shown}) {sql}" if group.paths else _no_rows(columns),
            (*columns, Column(FILE_COLUMN, TEXT)),
        )

    def translate(self, error: duckdb.Error) -> RopewalkError | None:
        """Return DuckDB's error about a CSV file as ours, with file and line, or None when it is another."""
        # The text is all there is: DuckDB's error has no fields.
        text = str(error)
        line, file = _LINE.search(text), _FILE.search(text)
        if line is None or file is None:
            return None
        place = Place(self._shown(file[1]), int(line[1]))
        if value := _VALUE.search(text):
            return ValueMisfit(
                f"column {value[1]!r}: {value[2]!r} is not {with_article(value[3])}",
                place=place,
                hint=f"if it means no value, add it to nulls; if the column is text, types: {{{value[1]}: VARCHAR}}",
            )
        if width := _WIDTH.search(text):
            return InvalidFile(f"the line has {width[2]} values, and the header {width[1]}", place=place)
        if "not utf-8" in text:
            return InvalidFile("the file is not UTF-8", place=place, hint="convert it, e.g. with iconv")
        return InvalidFile(_reason(text), place=place)

    def line_of(self, path: str, record: int) -> int | None:
        """Return the line at which the record with that number (from 1) ends."""
        with _open_text(self.root / path) as stream:
            # Python's reader counts lines also inside quoted values; this runs only when something is wrong.
            reader = csv.reader(stream, delimiter=self.delimiter)
            next(islice(reader, record - 1 + self.has_header, None), None)
            return reader.line_num

    def _read_header(self, path: str) -> tuple[tuple[str, ...], bool]:
        try:
            with _open_text(self.root / path) as stream:
                reader = csv.reader(stream, delimiter=self.delimiter)
                first = next(reader, None)
                has_rows = not self.has_header or bool(stream.read(1))
        except (csv.Error, gzip.BadGzipFile, EOFError) as error:
            raise InvalidFile(f"not readable as CSV: {error}", place=Place(path)) from error
        if not first:
            raise InvalidFile("the file is empty: it has no header line", place=Place(path))
        # Bytes that are not UTF-8 were replaced on reading; below the header DuckDB finds them, with their line.
        if any("\ufffd" in name for name in first):
            raise InvalidFile(
                "the file is not UTF-8", place=Place(path, 1), hint="convert it, e.g. with iconv"
            )
        if not self.has_header:
            return tuple(f"column{number}" for number in range(1, len(first) + 1)), has_rows
        self._check_header(first, path)
        return tuple(first), has_rows

    def _check_header(self, names: list[str], path: str) -> None:
        place = Place(path, 1)
        # Columns are found whatever their case, so two that differ by case alone would be one.
        lowered = [name.lower() for name in names]
        if len(names) == 1 and (other := next((d for d in _OTHER_DELIMITERS if d in names[0]), None)):
            raise InvalidFile(
                f"the header is not separated by {self.delimiter!r}",
                place=place,
                hint=f'delimiter: "{other}"',
            )
        for number, name in enumerate(lowered, start=1):
            if not name.strip():
                raise InvalidFile(
                    f"column {number} has no name", place=place, hint="header: false, if it is data"
                )
            if lowered.count(name) > 1:
                raise InvalidFile(f"column {names[number - 1]!r} is there twice", place=place)
            if name == FILE_COLUMN:
                raise InvalidFile(f"a column must not be named {FILE_COLUMN!r}", place=place)

    def _sniff(self, connection: duckdb.DuckDBPyConnection, group: CSVGroup) -> list[Column]:
        if not group.paths:
            return [Column(name, NO_TYPE) for name in group.names]
        columns = self._sniffed(connection, group)
        texts = [column.name for column in columns if column.type == TEXT]
        settled = self._settle_texts(connection, group, texts) if texts else {}
        columns = [Column(column.name, settled.get(column.name, column.type)) for column in columns]
        return [self._without_guess(connection, group, column) for column in columns]

    def _sniffed(self, connection: duckdb.DuckDBPyConnection, group: CSVGroup) -> list[Column]:
        names = ", ".join(literal(name) for name in group.names)
        options = f"skip = 0, comment = '', dateformat = '%Y-%m-%d', sample_size = -1, names = [{names}]"
        sql = f"FROM read_csv({self._list(group.paths)}, {self._options()}, {options}, union_by_name = true)"
        try:
            return list(describe(connection, sql).columns)
        except duckdb.InvalidInputException:
            # The sniffer does not name the line; reading everything as text does. The error has ended the
            # transaction, so this is read beside it.
            with connection.cursor() as aside:
                aside.execute(f"SELECT count(COLUMNS(*)) FROM ({self._as_text(group)})").fetchall()
            raise

    def _settle_texts(
        self, connection: duckdb.DuckDBPyConnection, group: CSVGroup, names: Sequence[str]
    ) -> dict[str, str]:
        """Return the types of columns that seem to be text, but only because some files have no value there."""
        text = self._as_text(group)
        open_names = [name for name in names if not _shows_text(connection, text, name)]
        if not open_names:
            return {}
        # Counting values per file is the dear part, and is rarely needed: most texts show in the first rows.
        counts = ", ".join(f"count({quote(name)})" for name in open_names)
        rows = connection.execute(
            f"SELECT {FILE_COLUMN}, {counts} FROM ({text}) GROUP BY 1 ORDER BY 1"
        ).fetchall()
        settled: dict[str, str] = {}
        for number, name in enumerate(open_names, start=1):
            filled = tuple(str(row[0]) for row in rows if row[number])
            if len(filled) < len(group.paths):
                settled[name] = self._type_in(connection, CSVGroup(group.names, filled), name)
        return settled

    def _type_in(self, connection: duckdb.DuckDBPyConnection, group: CSVGroup, name: str) -> str:
        if not group.paths:
            return NO_TYPE
        return next(column.type for column in self._sniffed(connection, group) if column.name == name)

    def _without_guess(
        self, connection: duckdb.DuckDBPyConnection, group: CSVGroup, column: Column
    ) -> Column:
        """Take a time that is not written in ISO for text, as a plain cast could not read it."""
        # One value is enough: DuckDB has found one format that all of them have.
        if not column.type.startswith("TIME"):
            return column
        name = quote(column.name)
        first = f"SELECT {name} FROM ({self._as_text(group)}) WHERE {name} IS NOT NULL LIMIT 1"
        sql = f"SELECT 1 FROM ({first}) WHERE TRY_CAST({name} AS {column.type}) IS NULL"
        return Column(column.name, TEXT) if connection.execute(sql).fetchone() else column

    def _as_text(self, group: CSVGroup) -> str:
        return self.relation(group, dict.fromkeys((name.lower() for name in group.names), TEXT)).sql

    def _options(self) -> str:
        nulls = ", ".join(literal(null) for null in self.nulls)
        return (
            f"""delim = {literal(self.delimiter)}, quote = '"', escape = '"', """
            f"header = {str(self.has_header).lower()}, nullstr = [{nulls}]"
        )

    def _list(self, paths: Sequence[str]) -> str:
        return "[" + ", ".join(literal(str(self.root / path)) for path in paths) + "]"

    def _shown(self, path: str) -> str:
        return path.removeprefix(f"{self.root}/")


def shown_path(root: Path) -> str:
    """Return the SQL of the column `_file`: the file's path, relative to `root` where it is below it."""
    base = literal(f"{root}/")
    return (
        f"CASE WHEN starts_with({FILE_COLUMN}, {base}) THEN substr({FILE_COLUMN}, length({base}) + 1) "
        f"ELSE {FILE_COLUMN} END AS {FILE_COLUMN}"
    )


def _open_text(path: Path) -> TextIO:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="replace", newline="")
    return path.open(encoding="utf-8-sig", errors="replace", newline="")


def _no_rows(columns: Sequence[Column]) -> str:
    nulls = ", ".join(f"CAST(NULL AS {column.type}) AS {quote(column.name)}" for column in columns)
    return f"SELECT {nulls}, '' AS {FILE_COLUMN} WHERE false"


def _common_type(first: str, second: str) -> str:
    """Return the type that holds what two groups of files have in one column."""
    if second in {first, NO_TYPE}:
        return first
    if first == NO_TYPE:
        return second
    return _WIDER.get(frozenset({first, second}), TEXT)


def _shows_text(connection: duckdb.DuckDBPyConnection, sql: str, name: str) -> bool:
    """Return whether one of the first values in a column of texts can be nothing but text."""
    column = quote(name)
    casts = " AND ".join(
        f"TRY_CAST({column} AS {kind}) IS NULL" for kind in ("DOUBLE", "TIMESTAMP", "BOOLEAN")
    )
    first = f"SELECT {column} FROM ({sql}) LIMIT {SAMPLE}"
    row = connection.execute(
        f"SELECT 1 FROM ({first}) WHERE {column} IS NOT NULL AND {casts} LIMIT 1"
    ).fetchone()
    return row is not None


def _reason(text: str) -> str:
    """Return the sentence of DuckDB's message that says what is wrong with a line."""
    paragraph = text.split("Possible ", maxsplit=1)[0].strip()
    return paragraph.splitlines()[-1].strip()
