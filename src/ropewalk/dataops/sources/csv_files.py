"""CSV and TSV: types that all rows have, and rows read by DuckDB once.

A type that the first rows show is taken at its word only while every later value is written the same way: a value
that a cast would round, cut or change is doubt, and then the types are found over all rows. Only ISO dates are taken
for dates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from ropewalk.dataops.lake import Column, literal, quote
from ropewalk.dataops.sources.columns import TEXT, Relation, describe, is_rounding, misfit_condition
from ropewalk.dataops.sources.csv_dialect import Dialect, find_dialect, read_header, record_too_large
from ropewalk.dataops.sources.csv_rejects import STORED, CSVEvidence
from ropewalk.dataops.sources.declarations import FilesSource
from ropewalk.dataops.sources.errors import InvalidFile
from ropewalk.dataops.sources.local_files import FILE_COLUMN, LocalFiles
from ropewalk.dataops.sources.quarantine import RowPlace
from ropewalk.errors import Place

# What a column without any value has, until other files say more.
NO_TYPE = "NULL"
SAMPLE = 2000
# A doubt in the middle of a statement ends it; `error` is the engine's only way to say so.
DOUBT = "ropewalk: a value is not written as the first ones are"
_OVER_MAXIMUM = re.compile(r"^Maximum line size of \d+ bytes exceeded", re.MULTILINE)
_WIDER = {
    frozenset({"BIGINT", "DOUBLE"}): "DOUBLE",
    frozenset({"DATE", "TIMESTAMP"}): "TIMESTAMP",
    frozenset({"DATE", "TIMESTAMP WITH TIME ZONE"}): "TIMESTAMP WITH TIME ZONE",
    frozenset({"TIMESTAMP", "TIMESTAMP WITH TIME ZONE"}): "TIMESTAMP WITH TIME ZONE",
}
# How a text is written that a cast to the type neither rounds nor cuts nor takes for something else; {1} is what the
# cast gives.
_WRITTEN = {
    "BIGINT": "CAST({1} AS VARCHAR) = {0}",
    "DATE": "strlen({0}) = 10 AND {1} IS NOT NULL",
    "BOOLEAN": "{0} IN ('true', 'false') OR lower({0}) IN ('true', 'false')",
}


@dataclass(frozen=True)
class CSVGroup:
    """Files with one header, written in one way."""

    names: tuple[str, ...]
    dialect: Dialect
    paths: tuple[str, ...]


@dataclass(frozen=True)
class CSVTypes:
    """The types of columns: which were found in the files, and which the table or the declaration wants."""

    found: Mapping[str, str]
    wanted: Mapping[str, str]

    def of(self, name: str) -> str:
        """Return the type that the column `name` is to have."""
        return self.wanted.get(name.lower(), self.found.get(name.lower(), TEXT))

    def read_as(self, name: str) -> str:
        """Return the type as which it is read: text, where a cast inside the reader could lose something unseen."""
        kind = self.of(name)
        return (
            TEXT
            if kind in _WRITTEN or is_rounding("DOUBLE", kind) or is_rounding("TIMESTAMP", kind)
            else kind
        )


class CSVFormat:
    """How the CSV files of one source are read."""

    def __init__(self, source: FilesSource, files: LocalFiles) -> None:
        self.source = source
        self.files = files

    def groups(self, paths: Sequence[str]) -> list[CSVGroup]:
        """Return the files with at least one row, grouped by their columns and how they are written.

        Raises:
            InvalidFile: a file has no usable header.
        """
        found: dict[tuple[tuple[str, ...], Dialect], list[str]] = {}
        for path in paths:
            dialect = find_dialect(self.source, path, self.files.path(path))
            names, has_rows = read_header(dialect, path, self.files.path(path))
            # A file of a header alone brings its columns, but DuckDB's sniffer would take the header for data.
            members = found.setdefault((names, dialect), [])
            if has_rows:
                members.append(path)
        return [CSVGroup(names, dialect, tuple(members)) for (names, dialect), members in found.items()]

    def evidence(self, groups: Sequence[CSVGroup]) -> CSVEvidence:
        """Return what is known of the rows of `groups` beside their values."""
        return CSVEvidence(
            self.files,
            {path: group.dialect for group in groups for path in group.paths},
            {path: group.names for group in groups for path in group.paths},
        )

    def columns(
        self, connection: duckdb.DuckDBPyConnection, groups: Sequence[CSVGroup], *, is_thorough: bool = True
    ) -> list[Column]:
        """Return the columns over all files, in order of first appearance, with the types their values have.

        With `is_thorough` all values are looked at, else the first ones.
        """
        found: dict[str, Column] = {}
        for group in groups:
            for column in _Sniffer(connection, self, is_thorough).columns(group):
                old = found.get(column.name.lower(), Column(column.name, NO_TYPE))
                found[old.name.lower()] = Column(old.name, _common_type(old.type, column.type))
        return [Column(c.name, TEXT if c.type == NO_TYPE else c.type) for c in found.values()]

    def relation(self, groups: Sequence[CSVGroup], types: CSVTypes, *, is_trusting: bool = False) -> Relation:
        """Return the rows of all groups in types of `types`, and the file's path.

        Columns that have to be cast with care come as text; with `is_trusting` they are cast, and a value in doubt
        ends the statement with `DOUBT`.
        """
        names: dict[str, str] = {}
        for group in groups:
            for name in group.names:
                names.setdefault(name.lower(), name)
        columns = [
            Column(name, types.of(name) if is_trusting else types.read_as(name)) for name in names.values()
        ]
        rows = " UNION ALL BY NAME ".join(f"({self.rows(group, types)})" for group in groups if group.paths)
        rows = rows or _no_rows(columns, types)
        values = _value_names(columns)
        if is_trusting:
            # Cast one level below: the engine would cast once for the check and once more for the value.
            rows = f"SELECT *{''.join(self._casts(columns, types, values))} FROM ({rows})"
        shown = ", ".join(
            [
                *(self._trusted(c, types, values[c.name]) if is_trusting else quote(c.name) for c in columns),
                FILE_COLUMN,
            ]
        )
        sql = f"SELECT {shown} FROM ({rows})"
        made = (*columns, Column(FILE_COLUMN, TEXT))
        return Relation(sql, made, RowPlace(file=FILE_COLUMN), self.evidence(groups))

    def rows(self, group: CSVGroup, types: CSVTypes, errors: str = STORED) -> str:
        """Return the SELECT of a group's rows, every column in the type it is read as.

        With errors stored, all columns have to be read: DuckDB 1.5.5 ends the engine when a line is wrong in a
        column that is not.
        """
        # With all types given DuckDB does not sniff again, which makes this the cheapest way to read CSV.
        typed = ", ".join(f"{literal(name)}: {literal(types.read_as(name))}" for name in group.names)
        return (
            f"SELECT * REPLACE ({self.files.shown_sql}) FROM read_csv({self.files.sql(group.paths)}, "
            f"{group.dialect.sql}, auto_detect = false, columns = {{{typed}}}, {self.line_size}{errors}, filename = {literal(FILE_COLUMN)})"
        )

    @property
    def line_size(self) -> str:
        """The option for long lines; the engine reserves sixteen times as much memory, so only on demand."""
        limit = self.source.max_record
        return f"max_line_size = {limit}, " if limit is not None else ""

    def _casts(self, columns: Sequence[Column], types: CSVTypes, values: Mapping[str, str]) -> Iterator[str]:
        for column in columns:
            if types.read_as(column.name) != column.type:
                yield f", TRY_CAST({quote(column.name)} AS {column.type}) AS {values[column.name]}"

    def _trusted(self, column: Column, types: CSVTypes, value: str) -> str:
        name, kind = quote(column.name), column.type
        if types.read_as(column.name) == kind:
            return name
        written = _WRITTEN.get(kind, "false").format(name, value)
        if column.name.lower() in types.wanted:
            # What the table or the declaration has decided binds, however a value is written that fits.
            written = f"{written} OR NOT ({misfit_condition(Column(column.name, TEXT), kind)})"
        doubt = f"error({literal(DOUBT)})"
        return f"CASE WHEN {name} IS NULL OR {written} THEN {value} ELSE {doubt} END AS {name}"


@dataclass(frozen=True)
class _Sniffer:
    """Finds the types of a group's columns."""

    connection: duckdb.DuckDBPyConnection
    format: CSVFormat
    is_thorough: bool
    _nothing: Mapping[str, str] = field(default_factory=dict)

    def columns(self, group: CSVGroup) -> list[Column]:
        if not group.paths:
            return [Column(name, NO_TYPE) for name in group.names]
        columns = self._sniffed(group, self.is_thorough)
        open_names = self._open_texts(group, columns)
        if open_names and not self.is_thorough:
            # The first rows have no value there: only all of them can tell.
            columns = self._sniffed(group, is_thorough=True)
        settled = self._settle_texts(group, open_names) if open_names else {}
        columns = [Column(column.name, settled.get(column.name, column.type)) for column in columns]
        return [self._without_guess(group, column) for column in columns]

    def _open_texts(self, group: CSVGroup, columns: Sequence[Column]) -> list[str]:
        """Return the columns that were found to be text, though their first values do not show that."""
        texts = [column.name for column in columns if column.type == TEXT]
        return [name for name in texts if not _shows_text(self.connection, self._as_text(group), name)]

    def _sniffed(self, group: CSVGroup, is_thorough: bool) -> list[Column]:
        names = ", ".join(literal(name) for name in group.names)
        sample = "sample_size = -1, " if is_thorough else ""
        # Only ISO dates are taken for dates, and a line that starts with # is a line.
        strict = "comment = '', dateformat = '%Y-%m-%d', "
        sql = (
            f"FROM read_csv({self.format.files.sql(group.paths)}, {group.dialect.sql}, {strict}{sample}names = [{names}], "
            f"{self.format.line_size}ignore_errors = true, union_by_name = true)"
        )
        try:
            return list(describe(self.connection, sql).columns)
        except duckdb.InvalidInputException as error:
            # The sniffer does not name the line; reading everything as text does. The error has ended the
            # transaction, so this is read beside it.
            with self.connection.cursor() as aside:
                aside.execute(f"SELECT count(COLUMNS(*)) FROM ({self._as_text(group, STORED)})").fetchall()
                self.format.evidence([group]).rejects(aside)
            if _OVER_MAXIMUM.search(str(error)):
                raise record_too_large(Place(group.paths[0])) from error
            why = str(error).splitlines()[1 if "Error when sniffing" in str(error) else 0]
            raise InvalidFile(f"not readable as CSV: {why}", place=Place(group.paths[0])) from error

    def _settle_texts(self, group: CSVGroup, open_names: Sequence[str]) -> dict[str, str]:
        """Return the types of columns that seem to be text, but only because some files have no value there."""
        # Counting values per file is the dear part, and is rarely needed: most texts show in the first rows.
        counts = ", ".join(f"count({quote(name)})" for name in open_names)
        rows = self.connection.execute(
            f"SELECT {FILE_COLUMN}, {counts} FROM ({self._as_text(group)}) GROUP BY 1 ORDER BY 1"
        ).fetchall()
        settled: dict[str, str] = {}
        for number, name in enumerate(open_names, start=1):
            filled = tuple(str(row[0]) for row in rows if row[number])
            if len(filled) < len(group.paths):
                settled[name] = self._type_in(CSVGroup(group.names, group.dialect, filled), name)
        return settled

    def _type_in(self, group: CSVGroup, name: str) -> str:
        if not group.paths:
            return NO_TYPE
        columns = self._sniffed(group, is_thorough=True)
        return next(column.type for column in columns if column.name == name)

    def _without_guess(self, group: CSVGroup, column: Column) -> Column:
        """Take a time that is not written in ISO for text, as a plain cast could not read it."""
        # One value is enough: DuckDB has found one format that all of them have.
        if not column.type.startswith("TIME"):
            return column
        name = quote(column.name)
        first = f"SELECT {name} FROM ({self._as_text(group)}) WHERE {name} IS NOT NULL LIMIT 1"
        sql = f"SELECT 1 FROM ({first}) WHERE TRY_CAST({name} AS {column.type}) IS NULL"
        return Column(column.name, TEXT) if self.connection.execute(sql).fetchone() else column

    def _as_text(self, group: CSVGroup, errors: str = "ignore_errors = true") -> str:
        return self.format.rows(group, CSVTypes(self._nothing, self._nothing), errors)


def _value_names(columns: Sequence[Column]) -> dict[str, str]:
    """Return the SQL name, which no column has, under which the value of each column stands beside its text."""
    prefix = "_ropewalk_value_"
    while any(column.name.lower().startswith(prefix) for column in columns):
        prefix = f"_{prefix}"
    return {column.name: quote(f"{prefix}{column.name}") for column in columns}


def _no_rows(columns: Sequence[Column], types: CSVTypes) -> str:
    nulls = ", ".join(f"CAST(NULL AS {types.read_as(c.name)}) AS {quote(c.name)}" for c in columns)
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
