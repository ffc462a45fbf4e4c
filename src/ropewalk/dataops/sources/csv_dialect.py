"""How a CSV file is written: its delimiter, looked for where none is declared, and its header."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ropewalk.dataops.lake import literal
from ropewalk.dataops.sources.declarations import CSV_DELIMITERS, FilesSource, format_suffix
from ropewalk.dataops.sources.errors import InvalidFile, RecordTooLarge
from ropewalk.dataops.sources.local_files import FILE_COLUMN
from ropewalk.errors import Place

if TYPE_CHECKING:
    from _csv import Reader as CSVReader

# Looked for in this order; the one that makes most columns of most lines counts.
DELIMITERS = ",;\t|"
# As much of a file is looked at for its delimiter.
SAMPLE_CHARACTERS = 64 * 1024
SAMPLE_RECORDS = 100
# Of the records looked at, this share has to have as many values as the header.
LIKELY = 0.8
# A line, or a value over several lines, that is longer is not looked at here: a quote that is never closed, or a file
# without line ends, must not fill the memory.
LONGEST = 16 << 20
# Python's reader refuses what is over 128 kB, which is little for a text; the limit is one for the whole process.
csv.field_size_limit(max(csv.field_size_limit(), LONGEST))


class TooLong(csv.Error):
    """A line has more than `LONGEST` characters."""


@dataclass(frozen=True)
class Dialect:
    """How values stand in a CSV file.

    Attributes:
        delimiter: what separates values.
        quote: what stands around a value that holds a delimiter; empty when nothing does.
        escape: what stands before a quote inside such a value.
        has_header: whether the first line names the columns.
        skip: how many lines stand before it.
        decimal: what separates the whole part of a number from the fraction.
        nulls: texts that mean no value.
    """

    delimiter: str
    quote: str
    escape: str
    has_header: bool
    skip: int
    decimal: str
    nulls: tuple[str, ...]

    @property
    def sql(self) -> str:
        """The options of `read_csv`."""
        nulls = ", ".join(literal(null) for null in self.nulls)
        return (
            f"delim = {literal(self.delimiter)}, quote = {literal(self.quote)}, escape = {literal(self.escape)}, "
            f"header = {str(self.has_header).lower()}, skip = {self.skip}, "
            f"decimal_separator = {literal(self.decimal)}, nullstr = [{nulls}]"
        )

    def records(self, stream: TextIO) -> CSVReader:
        """Return a reader of the records below the skipped lines.

        It raises `csv.Error` at a record that is too long to be looked at.
        """
        lines = read_lines(stream)
        for _ in islice(lines, self.skip):
            pass
        is_doubled = self.escape == self.quote
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            doublequote=is_doubled,
            escapechar=None if is_doubled else self.escape or None,
        )

    def split(self, line: str) -> list[str]:
        """Return the values of one record."""
        try:
            return next(
                csv.reader(io.StringIO(line), delimiter=self.delimiter, quotechar=self.quote or None), []
            )
        except csv.Error:
            return [line]

    def lines(self, path: Path, numbers: Sequence[int]) -> dict[int, int]:
        """Return the line at which each of the records (from 1) begins; of those behind a very long one, nothing."""
        wanted, found = set(numbers), {}
        with open_text(path) as stream:
            # Python's reader counts lines also inside quoted values; this runs only when something is wrong.
            reader = self.records(stream)
            number, last = 1 - self.has_header, max(wanted, default=0)
            while number <= last:
                begins = reader.line_num + self.skip + 1
                try:
                    if next(reader, None) is None:
                        break
                except csv.Error:
                    # Where the next record begins cannot be told; the engine's own count has to do.
                    break
                if number in wanted:
                    found[number] = begins
                number += 1
        return found


def find_dialect(source: FilesSource, shown: str, path: Path) -> Dialect:
    """Return how the file at `path` is written: as declared, or else as its first lines show.

    Raises:
        InvalidFile: it cannot be unpacked.
    """
    quote = source.quote if source.quote is not None else '"'
    usual = CSV_DELIMITERS.get(format_suffix(shown), ",")
    return Dialect(
        delimiter=source.delimiter or _find_delimiter(shown, path, usual, quote, source.skip),
        quote=quote,
        escape=source.escape if source.escape is not None else quote,
        has_header=source.header,
        skip=source.skip,
        decimal=source.decimal,
        # DuckDB drops the empty text from the list as soon as another is named, and numbers would become text.
        nulls=("", *source.nulls),
    )


def read_header(dialect: Dialect, shown: str, path: Path) -> tuple[tuple[str, ...], bool]:
    """Return the names of the columns, and whether a row follows.

    Raises:
        InvalidFile: the file has no usable header.
    """
    try:
        with open_text(path) as stream:
            first = next(dialect.records(stream), None)
            has_rows = not dialect.has_header or bool(stream.read(1))
    except TooLong as error:
        raise record_too_large(Place(shown, 1 + dialect.skip)) from error
    except (csv.Error, gzip.BadGzipFile, EOFError) as error:
        raise InvalidFile(f"not readable as CSV: {error}", place=Place(shown)) from error
    if not first:
        raise InvalidFile("the file is empty: it has no header line", place=Place(shown))
    # Bytes that are not UTF-8 were replaced on reading; below the header DuckDB finds them, with their line.
    if any("\ufffd" in name for name in first):
        raise InvalidFile(
            "the file is not UTF-8",
            place=Place(shown, 1 + dialect.skip),
            hint="encoding: latin-1, or another",
        )
    if not dialect.has_header:
        return tuple(f"column{number}" for number in range(1, len(first) + 1)), has_rows
    _check_header(dialect, first, Place(shown, 1 + dialect.skip))
    return tuple(first), has_rows


def read_lines(stream: TextIO) -> Iterator[str]:
    """Yield the lines of a stream, never holding more than one that is as long as may be.

    Raises:
        TooLong: one is longer.
    """
    while line := stream.readline(LONGEST):
        if len(line) == LONGEST:
            raise TooLong
        yield line


def record_too_large(place: Place) -> RecordTooLarge:
    """Return the error for a record that is larger than may be."""
    return RecordTooLarge(
        "the line is longer than may be", place=place, hint="raise max_record, or check quote and the file"
    )


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """Yield the text of a file, unpacked; bytes that are not UTF-8 are replaced."""
    options = {"encoding": "utf-8-sig", "errors": "replace", "newline": ""}
    is_packed = path.suffix.lower() == ".gz"
    with gzip.open(path, "rt", **options) if is_packed else path.open(**options) as stream:  # type: ignore[call-overload]  # the options fit both
        yield stream


def _check_header(dialect: Dialect, names: list[str], place: Place) -> None:
    # Columns are found whatever their case, so two that differ by case alone would be one.
    lowered = [name.lower() for name in names]
    if len(names) == 1 and (other := next((d for d in DELIMITERS if d in names[0]), None)):
        raise InvalidFile(
            f"the header is not separated by {dialect.delimiter!r}", place=place, hint=f'delimiter: "{other}"'
        )
    for number, name in enumerate(lowered, start=1):
        if not name.strip():
            raise InvalidFile(
                f"column {number} has no name",
                place=place,
                hint="header: false, if it is data; skip: 1, if it is a title",
            )
        if lowered.count(name) > 1:
            raise InvalidFile(f"column {names[number - 1]!r} is there twice", place=place)
        if name == FILE_COLUMN:
            raise InvalidFile(f"a column must not be named {FILE_COLUMN!r}", place=place)


def _find_delimiter(shown: str, path: Path, usual: str, quote: str, skip: int) -> str:
    """Return the delimiter that makes most columns in the first records; the usual one where none makes two."""
    try:
        with open_text(path) as stream:
            for _ in islice(read_lines(stream), skip):
                pass
            sample = stream.read(SAMPLE_CHARACTERS)
    except TooLong as error:
        raise record_too_large(Place(shown)) from error
    except (gzip.BadGzipFile, EOFError) as error:
        raise InvalidFile(f"not readable as CSV: {error}", place=Place(shown)) from error
    candidates = [usual, *(delimiter for delimiter in DELIMITERS if delimiter != usual)]
    return max(candidates, key=lambda delimiter: _width(sample, delimiter, quote))


def _width(sample: str, delimiter: str, quote: str) -> int:
    """Return how many columns `delimiter` makes of a file that starts with `sample`; 1 when lines do not agree."""
    reader = csv.reader(io.StringIO(sample), delimiter=delimiter, quotechar=quote or None)
    try:
        widths = [len(record) for record in islice(reader, SAMPLE_RECORDS) if record]
    except csv.Error:
        return 1
    # The sample ends somewhere in a record.
    whole = widths[:-1] if len(sample) == SAMPLE_CHARACTERS and len(widths) > 1 else widths
    return whole[0] if whole and whole.count(whole[0]) >= LIKELY * len(whole) else 1
