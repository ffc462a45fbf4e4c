"""CSV: types over all rows of all files, no guesses, and errors that name file and line."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from ropewalk.dataops.sources.csv_files import CSVFormat
from ropewalk.dataops.sources.declarations import FilesSource
from ropewalk.dataops.sources.errors import InvalidFile, ValueMisfit
from ropewalk.dataops.sources.file_formats import CSVFiles


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("SET timezone = 'UTC'")
        yield opened


class Folder:
    """A folder of CSV files and how DuckDB reads them."""

    def __init__(self, root: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.root = root
        self.connection = connection
        self.paths: list[str] = []

    def write(self, content: str | bytes, name: str | None = None) -> None:
        path = name or f"{len(self.paths)}.csv"
        (self.root / path).write_bytes(content if isinstance(content, bytes) else content.encode())
        self.paths.append(path)

    def types(self, **options: object) -> dict[str, str]:
        source = FilesSource(kind="files", path="*.csv", **options)
        read = CSVFormat(source, self.root)
        return {column.name: column.type for column in read.columns(self.connection, read.groups(self.paths))}

    def rows(self, types: dict[str, str] | None = None, **options: object) -> list[tuple[object, ...]]:
        """Return the rows; errors come as a load would raise them."""
        files = CSVFiles(FilesSource(kind="files", path="*.csv", **options), self.root)
        try:
            relations = files.relations(self.connection, self.paths, types or {})
            return [row for r in relations for row in self.connection.execute(r.sql).fetchall()]
        except duckdb.Error as error:
            raise files.translate(error) or error from error


@pytest.fixture
def folder(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> Folder:
    return Folder(tmp_path, connection)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "2"], "BIGINT"),
        (["1", "2.5"], "DOUBLE"),
        (["-3", "4"], "BIGINT"),
        (["01234", "00001"], "VARCHAR"),
        (["x", "1"], "VARCHAR"),
        (["true", "False"], "BOOLEAN"),
        (["2013-01-01", "2013-12-31"], "DATE"),
        (["2013-01-01 10:00:00", "2013-01-01T11:00:00"], "TIMESTAMP"),
        (["2013-01-01T10:00:00Z"], "TIMESTAMP WITH TIME ZONE"),
        (["31/12/2013"], "VARCHAR"),
        (["01/02/2013"], "VARCHAR"),
        (["31/12/2013 10:00:00"], "VARCHAR"),
        (["", ""], "VARCHAR"),
        (["", "7"], "BIGINT"),
        (["NA", "7"], "BIGINT"),
        (["", "NA"], "VARCHAR"),
        (["12345678901234567890"], "DOUBLE"),
        (['"1"', '"2"'], "BIGINT"),
    ],
)
def test_types_of_values(folder: Folder, values: list[str], kind: str) -> None:
    """The type is the narrowest that all values have; a day and a month are never guessed apart."""
    folder.write("id,v\n" + "".join(f"row{n},{value}\n" for n, value in enumerate(values)))

    assert folder.types(nulls=["NA"])["v"] == kind


def test_the_last_row_counts_as_much_as_the_first(folder: Folder) -> None:
    """A value that comes after thousands of others still decides the type."""
    folder.write("v\n" + "1\n" * 30_000)
    folder.write("v\n" + "1\n" * 30_000 + "x\n")

    assert folder.types() == {"v": "VARCHAR"}


def test_a_file_without_values_in_a_column_decides_nothing(folder: Folder) -> None:
    """A month in which all values are missing does not turn the numbers of the others into text."""
    folder.write("id,v\na,NA\nb,NA\n")
    folder.write("id,v\nc,1\n")
    folder.write("id,v\nd,\n")

    assert folder.types(nulls=["NA"]) == {"id": "VARCHAR", "v": "BIGINT"}


def test_a_file_without_rows_decides_nothing(folder: Folder) -> None:
    """A header alone brings columns, not types."""
    folder.write("id,v\n")
    folder.write("id,v\n1,2.5\n")

    assert folder.types() == {"id": "BIGINT", "v": "DOUBLE"}
    assert folder.rows() == [(1, 2.5, "1.csv")]


def test_only_headers_make_an_empty_table(folder: Folder) -> None:
    """Without any row the columns are text."""
    folder.write("id,v\n")

    assert folder.types() == {"id": "VARCHAR", "v": "VARCHAR"}
    assert folder.rows() == []


def test_files_with_other_columns(folder: Folder) -> None:
    """Columns are taken from all files, and types from all that have the column."""
    folder.write("a,b\n1,x\n")
    folder.write("b,c,a\ny,2013-01-01,2.5\n")
    folder.write("A,c\n3,2013-01-01 10:00:00\n")

    assert folder.types() == {"a": "DOUBLE", "b": "VARCHAR", "c": "TIMESTAMP"}


@pytest.mark.parametrize(
    ("content", "options", "rows"),
    [
        ('a,b\n"x, y","say ""hi"""\n', {}, [("x, y", 'say "hi"')]),
        ('a,b\n"two\nlines",1\n', {}, [("two\nlines", 1)]),
        ("a,b\r\n1,2\r\n", {}, [(1, 2)]),
        ("\ufeffa,b\n1,2\n", {}, [(1, 2)]),
        ("a;b\n1;2\n", {"delimiter": ";"}, [(1, 2)]),
        ("a|b\n1|2\n", {"delimiter": "|"}, [(1, 2)]),
        ("1,x\n2,y\n", {"header": False}, [(1, "x"), (2, "y")]),
        ("a,b\n-,1\nNULL,2\n", {"nulls": ["-", "NULL"]}, [(None, 1), (None, 2)]),
        ("a,b\n#1,2\n", {}, [("#1", 2)]),
        ("a,b\nx,2", {}, [("x", 2)]),
        ("straße,größe\nä,ö\n", {}, [("ä", "ö")]),
        ('select,from,"a b"\n1,2,3\n', {}, [(1, 2, 3)]),
    ],
)  # fmt: skip
def test_what_csv_allows(
    folder: Folder, content: str, options: dict[str, object], rows: list[tuple[object, ...]]
) -> None:
    """Quotes, line breaks in values, byte order marks, other delimiters and no header are all read."""
    folder.write(content)

    assert [row[:-1] for row in folder.rows(**options)] == rows


def test_columns_without_a_header_are_numbered(folder: Folder) -> None:
    """They are called column1, column2 and so on."""
    folder.write("1,x\n")

    assert list(folder.types(header=False)) == ["column1", "column2"]


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("a,b\n1,2\n3\n", 3, "the line has 1 values, and the header 2"),
        ("a,b\n1,2\n3,4,5\n", 3, "the line has 3 values, and the header 2"),
        ('a,b\n1,"2\n3,4\n', 2, "unterminated quote"),
        ("a,b\n1,M\xfcnchen\n".encode("latin-1"), 2, "not UTF-8"),
        ("a;b\n1;2\n", 1, "not separated by ','"),
        ("a,a\n1,2\n", 1, "'a' is there twice"),
        ("a,A\n1,2\n", 1, "'a' is there twice"),
        ("a,\n1,2\n", 1, "column 2 has no name"),
        ("a,_file\n1,2\n", 1, "must not be named '_file'"),
        ("", None, "empty"),
        (b"\xff\xfea\x00,\x00b\x00", 1, "not UTF-8"),
    ],
)
def test_broken_files_name_their_line(
    folder: Folder, content: str | bytes, line: int | None, message: str
) -> None:
    """Each kind of damage is said with file and line."""
    folder.write("a,b\n1,2\n")
    folder.write(content)

    with pytest.raises(InvalidFile, match=message) as caught:
        folder.rows()

    assert caught.value.place is not None
    assert (caught.value.place.path, caught.value.place.line) == ("1.csv", line)


def test_a_broken_gzip_file(folder: Folder) -> None:
    """A cut-off archive is said as such."""
    folder.write(gzip.compress(b"a,b\n" + b"1,2\n" * 1000)[:30], "a.csv.gz")

    with pytest.raises(InvalidFile, match="not readable as CSV"):
        folder.rows()


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("BIGINT", "soon"),
        ("DOUBLE", "NA"),
        ("DATE", "31/12/2013"),
        ("BOOLEAN", "perhaps"),
        ("TINYINT", "300"),
    ],
)
def test_a_value_that_does_not_fit_names_its_line(folder: Folder, kind: str, value: str) -> None:
    """Column, value, type, file and line stand in the error."""
    folder.write(f"id,v\n1,\n2,{value}\n")

    with pytest.raises(ValueMisfit) as caught:
        folder.rows({"v": kind})

    assert caught.value.message.startswith(f"column 'v': '{value}' is not a")
    assert str(caught.value.place) == "0.csv:3"
    assert "types: {v: VARCHAR}" in str(caught.value.hint)


def test_a_delimiter_hint(folder: Folder) -> None:
    """The likely delimiter is named."""
    folder.write("a\tb\n1\t2\n")

    with pytest.raises(InvalidFile) as caught:
        folder.rows()

    assert caught.value.hint == 'delimiter: "\t"'


def test_the_line_of_a_record_counts_line_breaks_in_values(folder: Folder) -> None:
    """The third record stands on line five here."""
    folder.write('a,b\n1,"x\ny"\n2,z\n3,z\n')
    read = CSVFormat(FilesSource(kind="files", path="*.csv"), folder.root)

    assert [read.line_of("0.csv", record) for record in (1, 2, 3)] == [3, 4, 5]


def test_another_error_is_not_taken_for_one_of_csv() -> None:
    """What does not speak of a line in a file is left to others."""
    read = CSVFormat(FilesSource(kind="files", path="*.csv"), Path("/"))

    assert read.translate(duckdb.BinderException("Binder Error: something")) is None
