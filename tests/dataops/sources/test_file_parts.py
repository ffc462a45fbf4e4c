"""Parts of reading files: dialects, headers, names, suffixes, broken JSON, and what may not be declared."""

from __future__ import annotations

import gzip
from pathlib import Path

import duckdb
import pytest
from pydantic import ValidationError

from ropewalk.dataops.lake import Column, quote
from ropewalk.dataops.sources.csv_dialect import Dialect, find_dialect, read_header
from ropewalk.dataops.sources.declarations import FilesSource, SQLiteSource, format_suffix
from ropewalk.dataops.sources.errors import InvalidFile, InvalidSource
from ropewalk.dataops.sources.file_formats import choose_format
from ropewalk.dataops.sources.json_errors import JSONEvidence, find_json_error
from ropewalk.dataops.sources.local_files import LocalFiles
from ropewalk.dataops.sources.quarantine import Complaint, by_number, complaint_sql, text_of
from ropewalk.dataops.sources.write_modes import FittingRows, Written, since_sql
from ropewalk.errors import Place

PLACE = Place("ropewalk.yaml", 3, 3)
PLAIN = Dialect(",", '"', '"', has_header=True, skip=0, decimal=".", nulls=("",))


def files(**options: object) -> FilesSource:
    return FilesSource(**{"kind": "files", "path": "landing/*.csv", **options})


def header(tmp_path: Path, content: str | bytes, dialect: Dialect = PLAIN) -> tuple[tuple[str, ...], bool]:
    (tmp_path / "a.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_header(dialect, "landing/a.csv", tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("content", "names", "has_rows"),
    [
        ("a,b\n1,2\n", ("a", "b"), True),
        ("a,b\n", ("a", "b"), False),
        ("a,b", ("a", "b"), False),
        ("\ufeffa,b\n", ("a", "b"), False),
        ('"a,b","c\nd"\n1,2', ("a,b", "c\nd"), True),
        ("a,b\r\n1,2", ("a", "b"), True),
    ],
)
def test_headers(tmp_path: Path, content: str, names: tuple[str, ...], has_rows: bool) -> None:
    """With or without a byte order mark, quotes and line breaks; and whether rows follow."""
    assert header(tmp_path, content) == (names, has_rows)


@pytest.mark.parametrize(
    ("content", "message", "place"),
    [
        ("", "the file is empty", "landing/a.csv"),
        ("a;b\n1;2\n", "not separated by ','", "landing/a.csv:1"),
        ("a,,c\n", "column 2 has no name", "landing/a.csv:1"),
        ("a, \n", "column 2 has no name", "landing/a.csv:1"),
        ("a,b,A\n", "column 'a' is there twice", "landing/a.csv:1"),
        ("a,_FILE\n", "must not be named '_file'", "landing/a.csv:1"),
        (b"a,\xff\n", "not UTF-8", "landing/a.csv:1"),
    ],
)
def test_headers_that_cannot_be_used(tmp_path: Path, content: str | bytes, message: str, place: str) -> None:
    """The error names the file as it is known, and its line."""
    with pytest.raises(InvalidFile, match=message) as caught:
        header(tmp_path, content)

    assert str(caught.value.place) == place


def test_lines_before_the_header_count(tmp_path: Path) -> None:
    """They are skipped, and the line that is named is that of the file."""
    skipping = Dialect(",", '"', '"', has_header=True, skip=2, decimal=".", nulls=("",))

    assert header(tmp_path, "title\n\na,b\n1,2\n", skipping) == (("a", "b"), True)
    with pytest.raises(InvalidFile) as caught:
        header(tmp_path, "title\n\na,a\n", skipping)
    assert str(caught.value.place) == "landing/a.csv:3"


def test_lines_of_records(tmp_path: Path) -> None:
    """Line breaks within quotes are counted; a record that is not there has none."""
    (tmp_path / "a.csv").write_text('a\n"1\n1"\n2\n"3\n\n3"\n4\n')

    assert PLAIN.lines(tmp_path / "a.csv", [4, 1, 2, 3, 9]) == {1: 2, 2: 4, 3: 5, 4: 8}
    assert PLAIN.lines(tmp_path / "a.csv", []) == {}


@pytest.mark.parametrize(
    ("line", "values"),
    [("1,2", ["1", "2"]), ('"1,2",3', ["1,2", "3"]), ("", []), ("a,", ["a", ""]), ('"open', ["open"])],
)
def test_values_of_a_line(line: str, values: list[str]) -> None:
    """As much as can be read of it."""
    assert PLAIN.split(line) == values


@pytest.mark.parametrize(
    ("content", "options", "delimiter"),
    [
        ("a;b\n1;2\n", {"quote": ""}, ";"),
        ("a;b\n1;2\n", {"delimiter": ","}, ","),
        ("the title\na;b\n1;2\n", {"skip": 1}, ";"),
        ("", {}, ","),
        ("a|b\n1|2\n1\n2\n3\n", {}, ","),
        ('"never closed;\n', {}, ","),
    ],
)
def test_delimiters(tmp_path: Path, content: str, options: dict[str, object], delimiter: str) -> None:
    """As declared, else what most lines agree on, else the usual one."""
    (tmp_path / "a.csv").write_text(content)

    assert find_dialect(files(**options), "a.csv", tmp_path / "a.csv").delimiter == delimiter


def test_a_packed_file_that_was_cut_off(tmp_path: Path) -> None:
    """It is named as it is known."""
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"a,b\n" * 1000)[:30])

    with pytest.raises(InvalidFile, match="not readable as CSV") as caught:
        find_dialect(files(), "landing/a.csv.gz", tmp_path / "x.gz")

    assert str(caught.value.place) == "landing/a.csv.gz"


@pytest.mark.parametrize(
    ("path", "suffix"),
    [
        ("a.csv", ".csv"),
        ("A.CSV.GZ", ".csv"),
        ("https://h/a.parquet?sig=x.json", ".parquet"),
        ("what?.json", ".json"),
        ("landing/*", ""),
        ("a.gz", ""),
        ("dir.csv/a", ""),
    ],
)
def test_suffixes(path: str, suffix: str) -> None:
    """Without what a file is packed with, and without the query of an address."""
    assert format_suffix(path) == suffix


@pytest.mark.parametrize(
    ("paths", "options", "message"),
    [
        (["a.csv", "b.json"], {"path": "*"}, "must be of one format, not .csv, .json"),
        (["a.cvs"], {"path": "*"}, "a.cvs: the suffix tells no format"),
        (["README"], {"path": "*"}, "README: the suffix tells no format"),
    ],
)
def test_files_of_no_one_format(
    tmp_path: Path, paths: list[str], options: dict[str, object], message: str
) -> None:
    """The error says which, and what to do."""
    with pytest.raises(InvalidSource, match=message) as caught:
        choose_format(files(**options), paths, LocalFiles(tmp_path), PLACE)

    assert (caught.value.place, caught.value.hint is not None) == (PLACE, True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "a.parquet", "delimiter": ";"}, "delimiter is for CSV files"),
        ({"path": "a.json", "header": False}, "header is for"),
        ({"path": "a.csv", "sheet": "x"}, "sheet is for Excel files"),
        ({"path": "a", "format": "avro", "skip": 1}, "skip is for CSV files"),
        ({"decimal": ",", "delimiter": ","}, "decimal and delimiter are the same"),
        ({"encoding": "utf-9"}, "encoding: 'utf-9' is not known"),
        ({"cursor": "at"}, "cursor"),
        ({"delimiter": "||"}, "at most 1 character"),
        ({"skip": -1}, "greater than or equal to 0"),
        ({"path": "a.xlsx", "range": "B3"}, "should match pattern"),
        ({"max_quarantined": "101%"}, "max_quarantined"),
        ({"max_quarantined": -1}, "max_quarantined"),
        ({"max_record": 10}, "greater than or equal to 1024"),
    ],
)
def test_declarations_that_do_not_fit(options: dict[str, object], message: str) -> None:
    """Each is told of before anything is read."""
    with pytest.raises(ValidationError, match=message):
        files(**options)


@pytest.mark.parametrize("options", [{}, {"table": "t", "query": "SELECT 1"}, {"table": ""}])
def test_a_table_or_a_query(options: dict[str, str]) -> None:
    """Exactly one, and not nothing."""
    with pytest.raises(ValidationError):
        SQLiteSource(kind="sqlite", path="a.db", **options)


@pytest.mark.parametrize(
    ("name", "content", "message", "place"),
    [
        ("a.json", b"[1,\n x]", "not valid JSON", "a.json:2:2"),
        ("a.json", b"\xff", "not UTF-8", "a.json"),
        ("a.json", b"[" * 200_000, "nested too deeply", "a.json:1:1"),
        ("a.ndjson", b'{"a":1}\n\n' + b"[" * 200_000, "nested too deeply", "a.ndjson:3:1"),
        ("a.ndjson", b'{"a":1}\r\n{"a"}\r\n', "not valid JSON", "a.ndjson:2:5"),
        ("a.ndjson", b'{"a":1}\n', "not valid newline-delimited JSON", "a.ndjson"),
        ("a.json", b'{"a":1}', "one record per line", "a.json"),
        ("a.json.gz", b"no gzip", "not readable", "a.json.gz"),
    ],
)
def test_where_json_is_broken(tmp_path: Path, name: str, content: bytes, message: str, place: str) -> None:
    """Line and column are those that a person counts."""
    (tmp_path / name).write_bytes(content)

    error = find_json_error(name, LocalFiles(tmp_path))

    assert message in error.message
    assert str(error.place) == place


def test_lines_of_json_records_skip_empty_ones(tmp_path: Path) -> None:
    """An array has no lines of records."""
    (tmp_path / "a.ndjson").write_text('\n{"a":1}\n  \n{"a":2}\n')
    evidence = JSONEvidence(LocalFiles(tmp_path))

    assert evidence.lines("a.ndjson", [1, 2, 3], []) == {1: 2, 2: 4}
    assert evidence.lines("a.json", [1], []) == {}


def test_names_of_copies(tmp_path: Path) -> None:
    """A file that was fetched is known by its address; a name with stars is one file."""
    found = LocalFiles(tmp_path, {"s3://b/a'b.csv": Path("/copies/1.csv")})

    assert found.path("s3://b/a'b.csv") == Path("/copies/1.csv")
    assert found.shown("/copies/1.csv") == "s3://b/a'b.csv"
    assert found.shown(f"{tmp_path}/x.csv") == "x.csv"
    assert "[*]" in LocalFiles(tmp_path).sql(["*.csv"])
    with duckdb.connect() as connection:
        shown = connection.execute(
            f"SELECT {found.shown_sql} FROM (VALUES ('/copies/1.csv'), ('{tmp_path}/x.csv'), ('/y')) AS t(_file)"
        ).fetchall()
    assert shown == [("s3://b/a'b.csv",), ("x.csv",), ("/y",)]


@pytest.mark.parametrize(
    ("watermark", "kind", "overlap", "value"),
    [
        ("5", "BIGINT", None, "5"),
        ("5", "BIGINT", 2, "3"),
        ("1.5", "DOUBLE", 0.5, "1.0"),
        ("2013-01-02", "DATE", "1d", "2013-01-01"),
        ("2013-01-01 00:00:00", "TIMESTAMP", "90 m", "2012-12-31 22:30:00"),
        ("2013-01-08 00:00:00", "TIMESTAMP", "1w", "2013-01-01 00:00:00"),
        ("it's", "VARCHAR", None, "it's"),
    ],
)
def test_where_an_overlap_begins(watermark: str, kind: str, overlap: str | float | None, value: str) -> None:
    """In the type of the cursor."""
    with duckdb.connect() as connection:
        row = connection.execute(f"SELECT CAST({since_sql(watermark, kind, overlap)} AS VARCHAR)").fetchone()

    assert row == (value,)


def test_the_last_row_of_each_key() -> None:
    """It wins, in the order of arrival; without a key all rows stay."""
    rows = "SELECT * FROM (VALUES (1, 'a', 1), (2, 'b', 2), (1, 'c', 3)) AS t(id, \"odd \"\"n\", _ropewalk_order)"
    columns = ("id", 'odd "n')
    with duckdb.connect() as connection:
        keyed = connection.execute(FittingRows(rows, columns, ("id",)).last_by_key()).fetchall()
        plain = connection.execute(FittingRows(rows, columns, ()).last_by_key()).fetchall()

    assert keyed == [(2, "b"), (1, "c")]
    assert len(plain) == 3
    assert [bool(each) for each in (Written(), Written(removed=1), Written(added=1))] == [False, True, True]


def test_the_first_complaint_counts() -> None:
    """A row that fits has none, and a complaint shows the value of its column."""
    made = [Complaint("a", "no value", "a IS NULL"), Complaint("b", "not positive", "b <= 0")]
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT _ropewalk_complaint, {by_number([text_of(each) for each in made])} FROM "
            f"(SELECT *, {complaint_sql(made)} AS _ropewalk_complaint FROM "
            f"(VALUES (NULL, -1), (1, -2), (1, 1)) AS t(a, b))"
        ).fetchall()
        none = connection.execute(f"SELECT {complaint_sql([])}").fetchone()

    assert found == [(0, None), (1, "-2"), (None, None)]
    assert none == (None,)
    assert text_of(made[0]) == f"CAST({quote(Column('a', 'X').name)} AS VARCHAR)"
