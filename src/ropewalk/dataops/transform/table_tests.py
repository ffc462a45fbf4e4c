"""Unit tests of tables as files: `tables/SCHEMA/NAME.test.yaml` tests the table `schema.name`.

The words are those of dbt's unit tests (given, input, rows, expect, overrides), so that people know them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from ropewalk.dataops.transform.errors import InvalidTableTest, TestWithoutTable
from ropewalk.dataops.transform.files import table_files
from ropewalk.errors import Place, nearest
from ropewalk.project import Document, InvalidProjectFile, files_below, parse_yaml, validate

SUFFIX = ".test.yaml"


@dataclass(frozen=True)
class Row:
    """One row as a test writes it: the value of each column it names, and where they stand."""

    cells: Mapping[str, object]
    place: Place
    places: Mapping[str, Place]


@dataclass(frozen=True)
class Rows:
    """Rows of a test: of one input, or those that are expected.

    Attributes:
        rows: each row.
        place: where they stand.
        types: the SQL types that the test itself gives columns.
        query: a SELECT that gives the rows instead.
    """

    rows: tuple[Row, ...]
    place: Place
    types: Mapping[str, str]
    query: str | None = None


@dataclass(frozen=True)
class TableTest:
    """One unit test: given these rows of the inputs, the table has those.

    Attributes:
        table: the table's full name.
        name: what the test is called; each once in a file.
        place: where it stands.
        given: the rows of each input, by the name the test gives it, in lower case.
        expect: the rows that are to come out.
        now: the time that the SQL is to take for the present.
    """

    table: str
    name: str
    place: Place
    given: Mapping[str, Rows]
    expect: Rows
    description: str | None = None
    now: datetime | None = None


SHAPE = "given: [{input: SCHEMA.TABLE, rows: [{COLUMN: VALUE}]}], and expect: {rows: [{COLUMN: VALUE}]}"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Fixture(_Strict):
    format: Literal["dict", "csv", "sql"] = "dict"
    rows: list[dict[str, object]] | str | None = None
    types: dict[str, str] = {}


class _Given(_Fixture):
    input: str


class _Overrides(_Strict):
    now: datetime | date | None = None


class _Test(_Strict):
    name: str
    description: str | None = None
    given: list[_Given] = []
    expect: _Fixture
    overrides: _Overrides = _Overrides()


class _File(_Strict):
    unit_tests: list[_Test]


def read_table_tests(root: Path, tables: Sequence[str] | None = None) -> list[TableTest]:
    """Return the unit tests in the project at `root`, or those of `tables` alone, in order of their files.

    Raises:
        InvalidProjectFile: a file is not well-formed, or has a key that means nothing.
        InvalidTableTest: two tests of a file share a name, or rows are written in a form they are not.
        TestWithoutTable: a file stands beside no table.
    """
    folder, known = root / "tables", table_files(root)
    found: list[TableTest] = []
    for path in files_below(folder, ".yaml"):
        if path.name.endswith(SUFFIX):
            table = _table(path, folder, known, root)
            if tables is None or table in tables:
                found += _read(path, root, table)
    return found


def _table(path: Path, folder: Path, known: Mapping[str, Path], root: Path) -> str:
    relative = path.relative_to(folder)
    table = ".".join([*relative.parent.parts, path.name.removesuffix(SUFFIX)]).lower()
    if table not in known:
        raise TestWithoutTable(
            f"there is no table {table!r} for these tests",
            place=Place(path.relative_to(root).as_posix()),
            nearest=nearest(table, known),
            hint=f"tables/SCHEMA/NAME{SUFFIX} tests the table of tables/SCHEMA/NAME.sql",
        )
    return table


def _read(path: Path, root: Path, table: str) -> list[TableTest]:
    document = parse_yaml(path, root)
    # A file that was only begun is no mistake yet.
    if document.data is None:
        return []
    try:
        declared: _File = validate(document, _File)
    except InvalidProjectFile as error:
        # People guess the shape by other tools' tests.
        error.hint = error.hint or SHAPE
        raise
    found: dict[str, TableTest] = {}
    for index, test in enumerate(declared.unit_tests):
        where = ("unit_tests", index)
        if test.name in found:
            raise InvalidTableTest(
                f"there are two tests {test.name!r}", place=document.place((*where, "name"))
            )
        found[test.name] = TableTest(
            table=table,
            name=test.name,
            place=document.place(where),
            given=_given(document, test, where),
            expect=_rows(document, test.expect, (*where, "expect")),
            description=test.description,
            now=_moment(test.overrides.now),
        )
    return list(found.values())


def _given(document: Document, test: _Test, where: tuple[str | int, ...]) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    for index, item in enumerate(test.given):
        place = (*where, "given", index)
        name = item.input.strip().lower()
        if name in found:
            raise InvalidTableTest(
                f"the rows of {item.input} are given twice", place=document.place((*place, "input"))
            )
        found[name] = _rows(document, item, place)
    return found


def _rows(document: Document, fixture: _Fixture, where: tuple[str | int, ...]) -> Rows:
    place = document.place((*where, "rows"))
    types = {name.lower(): kind for name, kind in fixture.types.items()}
    _refuse_other_form(fixture, place)
    if isinstance(fixture.rows, str):
        if fixture.format == "sql":
            return Rows((), place, types, fixture.rows)
        return Rows(_csv_rows(fixture.rows, place), place, types)
    rows = tuple(
        Row(
            {name.lower(): value for name, value in row.items()},
            document.place((*where, "rows", index)),
            {name.lower(): document.place((*where, "rows", index, name)) for name in row},
        )
        for index, row in enumerate(fixture.rows or [])
    )
    return Rows(rows, place, types)


def _refuse_other_form(fixture: _Fixture, place: Place) -> None:
    is_listed = fixture.format == "dict"
    if fixture.rows is not None and not isinstance(fixture.rows, list if is_listed else str):
        raise InvalidTableTest(
            f"rows of the format {fixture.format} are a {'list' if is_listed else 'text'}",
            place=place,
            hint="`format: csv` takes a text, `format: sql` a SELECT" if is_listed else None,
        )


def _csv_rows(text: str, place: Place) -> tuple[Row, ...]:
    """Return the rows of a text with a header; an empty cell is NULL, as in dbt."""
    lines = list(csv.reader(io.StringIO(text.strip()), skipinitialspace=True))
    if not lines:
        return ()
    header, found = [name.strip().lower() for name in lines[0]], []
    # Of two cells of one name the later would silently take the place of the earlier.
    twice = next((name for index, name in enumerate(header) if name in header[:index]), None)
    if twice is not None:
        raise InvalidTableTest(f"the header of the rows names {twice!r} twice", place=place)
    for number, cells in enumerate(lines[1:], 2):
        if len(cells) != len(header):
            raise InvalidTableTest(
                f"line {number} of the rows has {len(cells)} cells, and the header {len(header)}", place=place
            )
        values = {name: cell.strip() or None for name, cell in zip(header, cells, strict=True)}
        found.append(Row(values, place, {}))
    return tuple(found)


def _moment(value: datetime | date | None) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    return datetime(value.year, value.month, value.day)  # noqa: DTZ001  # the lake's times are UTC without saying so
