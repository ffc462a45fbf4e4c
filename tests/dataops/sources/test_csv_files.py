"""CSV: types over all rows of all files, no guesses, and errors that name file and line."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from ropewalk.dataops.sources.csv_dialect import find_dialect
from ropewalk.dataops.sources.csv_files import CSVFormat
from ropewalk.dataops.sources.declarations import FilesSource
from ropewalk.dataops.sources.errors import InvalidFile
from ropewalk.dataops.sources.file_formats import CSVFiles, Doubt
from ropewalk.dataops.sources.local_files import LocalFiles
from ropewalk.dataops.sources.quarantine import Reject


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
        read = CSVFormat(source, LocalFiles(self.root))
        return {column.name: column.type for column in read.columns(self.connection, read.groups(self.paths))}

    def rows(self, **options: object) -> list[tuple[object, ...]]:
        """Return the rows in the types that were found."""
        files = CSVFiles(FilesSource(kind="files", path="*.csv", **options), LocalFiles(self.root))
        found, _ = files.relation(self.connection, self.paths, {}, is_trusting=True)
        return self.connection.execute(found.sql).fetchall()

    def rejects(self, types: dict[str, str] | None = None) -> list[Reject]:
        """Return the lines that are not taken."""
        files = CSVFiles(FilesSource(kind="files", path="*.csv"), LocalFiles(self.root))
        found, _ = files.relation(self.connection, self.paths, types or {})
        self.connection.execute(found.sql).fetchall()
        assert found.evidence is not None
        return list(found.evidence.rejects(self.connection))


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
        ('a,b\n1,"2\n3,4\n', 2, "unterminated quote"),
        ("a,b\n1,M\xfcnchen\n".encode("latin-1"), 2, "not UTF-8"),
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
        folder.rejects()

    assert caught.value.place is not None
    assert (caught.value.place.path, caught.value.place.line) == ("1.csv", line)


def test_a_broken_gzip_file(folder: Folder) -> None:
    """A cut-off archive is said as such."""
    folder.write(gzip.compress(b"a,b\n" + b"1,2\n" * 1000)[:30], "a.csv.gz")

    with pytest.raises(InvalidFile, match="not readable as CSV"):
        folder.rows()


@pytest.mark.parametrize(
    ("line", "reason", "row"),
    [
        ("3", "the line has 1 values, and the header 2", '{"id": "3"}'),
        ("3,4,5", "the line has 3 values, and the header 2", '{"id": "3", "v": "4", "": ["5"]}'),
        ("3,soon", "not a DOUBLE", '{"id": "3", "v": "soon"}'),
    ],
)
def test_lines_that_are_not_taken(folder: Folder, line: str, reason: str, row: str) -> None:
    """Each is told with its line, the reason and what stands there; the others are read."""
    folder.write(f'id,v\n"a\nb",1\n{line}\n4,4\n')

    found = folder.rejects({"id": "VARCHAR", "v": "DOUBLE"})

    assert [(r.file, r.line, r.reason, r.row) for r in found] == [("0.csv", 4, reason, row)]


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        ("a\tb\n1\t2\n", "\t"),
        ("a;b\n1,5;2\n3,5;4\n", ";"),
        ("a|b|c\n1|2,5|3\n", "|"),
        ("a,b\n1,x;y\n2,z\n", ","),
        ('a;b\n"x,y";2\n', ";"),
        ("a\nx;y\nz\n", ","),
        ("one column\n1\n", ","),
        ("a;b\n" + "1;2\n" * 50_000, ";"),
    ],
)
def test_the_delimiter_is_looked_for(tmp_path: Path, content: str, delimiter: str) -> None:
    """The one that makes most columns of most lines, outside quotes."""
    (tmp_path / "a.csv").write_text(content)

    found = find_dialect(FilesSource(kind="files", path="a.csv"), "a.csv", tmp_path / "a.csv")

    assert found.delimiter == delimiter


def test_the_line_of_a_record_counts_line_breaks_in_values(folder: Folder) -> None:
    """The third record stands on line five here."""
    folder.write('a,b\n1,"x\ny"\n2,z\n3,z\n')
    dialect = find_dialect(FilesSource(kind="files", path="*.csv"), "0.csv", folder.root / "0.csv")

    assert dialect.lines(folder.root / "0.csv", [1, 2, 3]) == {1: 2, 2: 4, 3: 5}


@pytest.mark.parametrize(
    "late", ["x", "1.5", "007", "1e3", "2013-01-01"], ids=["text", "fraction", "zeros", "power", "date"]
)
def test_a_late_value_is_a_doubt(folder: Folder, late: str) -> None:
    """The quick way ends when a value is not written as the first ones; the thorough one finds the type of all."""
    folder.write("v\n" + "1\n" * 30_000 + f"{late}\n")
    files = CSVFiles(FilesSource(kind="files", path="*.csv"), LocalFiles(folder.root))
    relation, _ = files.relation(folder.connection, folder.paths, {}, is_trusting=True)

    def read() -> None:
        folder.connection.execute(relation.sql).fetchall()
        relation.evidence.rejects(folder.connection)

    with pytest.raises((duckdb.Error, Doubt)) as caught:
        read()

    assert isinstance(caught.value, Doubt) or isinstance(files.translate(caught.value), Doubt)
    assert folder.types()["v"] == ("DOUBLE" if late in {"1.5", "1e3"} else "VARCHAR")


def test_another_error_is_not_taken_for_one_of_csv(tmp_path: Path) -> None:
    """What does not speak of doubt is left to others."""
    read = CSVFiles(FilesSource(kind="files", path="*.csv"), LocalFiles(tmp_path))

    assert read.translate(duckdb.BinderException("Binder Error: something")) is None


def test_a_column_called_as_the_reader_calls_its_own(folder: Folder) -> None:
    """A file may have any names: what stands beside a text while it is read hides none of them."""
    folder.write("v,_ropewalk_value_v,__ROPEWALK_VALUE_V\n1,x,true\n2,y,false\n")

    assert folder.rows() == [(1, "x", True, "0.csv"), (2, "y", False, "0.csv")]
