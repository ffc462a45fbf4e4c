"""Files of every kind: how they are written, packed and encoded, and what is wrong with those that are not."""

from __future__ import annotations

import bz2
import gzip
import lzma

import pytest
from written_files import avro, workbook


def load(project, name: str, content: str | bytes, options: str = ""):
    """Load one file with `options` and return the rows."""
    project.write(f"landing/{name}", content)
    project.declare(f'{{kind: files, path: "landing/{name}"{", " if options else ""}{options}}}').load()
    return project.rows()


@pytest.mark.parametrize(
    ("name", "content", "options", "rows"),
    [
        ("a.csv", "a;b\n1;x\n", "", [(1, "x")]),
        ("a.tsv", "a\tb\n1\tx\n", "", [(1, "x")]),
        ("a.csv", "a;b\n1,5;x\n", 'decimal: ","', [(1.5, "x")]),
        ("a.csv", "a,b\n'1,5',x\n", 'quote: "\'"', [("1,5", "x")]),
        ("a.csv", 'a,b\n"say \\"hi\\"",x\n', 'escape: "\\\\"', [('say "hi"', "x")]),
        ("a.csv", "Report of May\n\na,b\n1,x\n", "skip: 2", [(1, "x")]),
        ("a.csv", 'a,b\n5" pipe,x\n', 'quote: ""', [('5" pipe', "x")]),
        ("a.txt", "a|b\n1|x\n", "format: csv", [(1, "x")]),
        ("data", '{"a": 1, "b": "x"}\n', "format: ndjson", [(1, "x")]),
        ("a.csv.gz", gzip.compress(b"a,b\n1,x\n", mtime=0), "", [(1, "x")]),
        ("a.csv.bz2", bz2.compress(b"a,b\n1,x\n"), "", [(1, "x")]),
        ("a.ndjson.xz", lzma.compress(b'{"a": 1, "b": "x"}\n'), "", [(1, "x")]),
        ("a.csv", "a,b\n1,Müller\n".encode("latin-1"), "encoding: latin-1", [(1, "Müller")]),
        ("a.csv", "a;b\n1;€\n".encode("cp1252"), "encoding: cp1252", [(1, "€")]),
        ("a.csv", "a,b\n1,ä\n".encode("utf-16"), "encoding: utf-16", [(1, "ä")]),
        ("a.csv.gz", gzip.compress("a,b\n1,ä\n".encode("latin-1"), mtime=0), "encoding: latin-1", [(1, "ä")]),
        ("a.json", '[{"a": 1, "b": "ß"}]'.encode("latin-1"), "encoding: latin-1", [(1, "ß")]),
    ],
)
def test_how_files_are_written(project, name: str, content: str | bytes, options: str, rows) -> None:
    """Dialect, packing and encoding: looked for or declared."""
    assert load(project, name, content, options) == rows


def test_copies_are_gone_and_rows_know_their_file(project) -> None:
    """What is unpacked on the way leaves nothing, and shows nowhere."""
    left = project.write(".ropewalk/files-999999999-x/0/a.csv", "")
    load(project, "a.csv.bz2", bz2.compress(b"a\n1\n"))

    assert project.rows("SELECT _file") == [("landing/a.csv.bz2",)]
    assert list((project.root / ".ropewalk").glob("files-*")) == []
    assert not left.exists()


def test_packed_by_zstandard(project) -> None:
    """The engine packs and unpacks it."""
    import duckdb

    (project.root / "landing").mkdir(parents=True)
    with duckdb.connect() as connection:
        path = project.root / "landing/a.ndjson.zst"
        connection.execute(f"COPY (SELECT 1 AS a) TO '{path}' (FORMAT json, COMPRESSION zstd)")

    project.declare('{kind: files, path: "landing/*.zst"}').load()

    assert project.rows() == [(1,)]


@pytest.mark.parametrize(
    ("name", "content", "options", "code", "message"),
    [
        ("a.csv", "a,b\n1,Müller\n".encode("latin-1"), "", "RW126", "not UTF-8"),
        ("a.csv", b"a\n\xff\n", "encoding: ascii", "RW126", "not UTF-8"),
        ("a.csv", b"a\n\x81\n", "encoding: cp1252", "RW126", "the file is not cp1252"),
        ("a.csv.bz2", b"no archive", "", "RW126", "not readable"),
        ("a.csv.xz", b"no archive", "", "RW126", "not readable"),
        ("a.csv", 'a,b\n1,"x\n2,y\n', "", "RW126", "(?i)quote"),
        ("a.xml", "<a/>", "", "RW125", "the suffix tells no format"),
    ],
)
def test_what_is_wrong_with_a_file(project, name, content, options: str, code: str, message: str) -> None:
    """Each has its code and says the file."""
    project.write(f"landing/{name}", content)
    entry = f'{{kind: files, path: "landing/{name}"{", " if options else ""}{options}}}'

    error = project.declare(entry).fail()

    assert error.code == code
    with pytest.raises(type(error), match=message):
        raise error
    assert name in f"{error.place}{error.message}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("cursor: {column: a}", "told apart by their content"),
        ("encoding: klingon", "'klingon' is not known"),
        ('decimal: ",", delimiter: ","', "are the same"),
        ("sheet: x", "sheet is for Excel files"),
        ("range: A1", "range"),
        ("max_quarantined: 101%", "max_quarantined"),
        ("write: merge", "needs a key"),
        ("schema: freez", "schema"),
    ],
)
def test_options_that_cannot_be(project, options: str, message: str) -> None:
    """The declaration is refused before anything is read."""
    from ropewalk.errors import RopewalkError

    project.declare(f"{{kind: files, path: a.csv, {options}}}")

    with pytest.raises(RopewalkError, match=message):
        project.plan()


@pytest.mark.parametrize(
    ("name", "head", "size"), [("a.csv", "a,b\n1,", 9000), ("a.ndjson", '{"a": "', 34 << 20)]
)
def test_a_record_that_is_too_large(project, name: str, head: str, size: int) -> None:
    """It stops the load where it would take memory without end."""
    project.write(f"landing/{name}", f"{head}{'x' * size}\n")

    error = project.declare(f"{{kind: files, path: landing/{name}, max_record: 2048}}").fail()

    assert (error.code, str(error.place).split(":")[0]) == ("RW120", f"landing/{name}")
    assert "max_record" in str(error.hint)


def test_a_higher_limit_takes_the_record(project) -> None:
    """It is a matter of memory alone."""
    assert load(project, "a.csv", f"a\n{'x' * 9000}\n", "max_record: 20000") == [("x" * 9000,)]


SHEETS = {
    "Sales": [["id", "name"], [1, "a"], [2, "b"]],
    "Notes": [["a title"], ["k", "v"], [7, "x"]],
}


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ("", [(1.0, "a"), (2.0, "b")]),
        ("sheet: Notes, range: A2:B3", [(7.0, "x")]),
        ("header: false, range: A2:B2", [(1.0, "a")]),
        ("types: {id: INTEGER}", [(1, "a"), (2, "b")]),
    ],
)
def test_excel(project, options: str, rows) -> None:
    """The first sheet, or the one and the cells that are named."""
    pytest.importorskip("duckdb_extension_excel", reason="the extra excel is not installed")

    assert load(project, "book.xlsx", workbook(SHEETS), options) == rows


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [(workbook(SHEETS), "sheet: Sale", "Sale"), (b"no workbook", "", "not readable")],
)
def test_what_is_wrong_with_a_workbook(project, content: bytes, options: str, message: str) -> None:
    """A sheet that is not there, and a file that is none."""
    pytest.importorskip("duckdb_extension_excel", reason="the extra excel is not installed")
    project.write("landing/book.xlsx", content)

    error = project.declare(
        f"{{kind: files, path: landing/book.xlsx{', ' if options else ''}{options}}}"
    ).fail()

    assert (error.code, str(error.place)) == ("RW126", "landing/book.xlsx")
    assert message in error.message
    assert str(project.root) not in error.message


def test_avro(project) -> None:
    """Each file of a folder, with the types that its schema says."""
    pytest.importorskip("duckdb_extension_avro", reason="the extra avro is not installed")
    project.write("landing/b.avro", avro(["id", "name"], [[3, "c"]]))

    assert load(project, "a.avro", avro(["id", "name"], [[1, "a"], [-2, "b"]])) == [(-2, "b"), (1, "a")]
    project.declare('{kind: files, path: "landing/*.avro"}').load()
    assert project.rows() == [(-2, "b"), (1, "a"), (3, "c")]
    assert project.types() == {"id": "BIGINT", "name": "VARCHAR"}


@pytest.mark.parametrize(
    "name", ["it's.csv", "a[1].csv", "a; DROP TABLE x.csv", "größe ü.csv", "100%.csv", "a*b.csv"]
)
def test_odd_names_of_files(project, name: str) -> None:
    """They are names, neither SQL nor patterns."""
    project.write(f"landing/{name}", "n\n1\n")
    project.write("landing/a1.csv", "n\n2\n")
    project.write("landing/axb.csv", "n\n3\n")

    project.declare('{kind: files, path: "landing/*.csv"}').load()

    assert project.rows("SELECT n, _file") == [
        (1, f"landing/{name}"), (2, "landing/a1.csv"), (3, "landing/axb.csv")]  # fmt: skip


def test_a_type_that_changes_half_way_down_a_sheet(project) -> None:
    """The column is read as text, each cell as it is seen; where numbers are declared, the text goes to quarantine."""
    pytest.importorskip("duckdb_extension_excel", reason="the extra excel is not installed")
    book = workbook({"S": [["n", "m"], [1, None], [2.5, "late"], ["none", 3]]})

    assert load(project, "book.xlsx", book) == [("1", None), ("2.5", "late"), ("none", "3")]
    assert load(project, "book.xlsx", book, "types: {n: DOUBLE, m: VARCHAR}") == [(1.0, None), (2.5, "late")]


def test_sheets_that_disagree_about_a_type(project) -> None:
    """What is text in one of them is text in all; a number in it has no point that nobody wrote."""
    pytest.importorskip("duckdb_extension_excel", reason="the extra excel is not installed")
    project.write("landing/a.xlsx", workbook({"S": [["k"], [7]]}))
    project.write("landing/b.xlsx", workbook({"S": [["k"], ["x"]]}))

    project.declare('{kind: files, path: "landing/*.xlsx"}').load()

    assert project.rows() == [("7",), ("x",)]


def test_a_column_of_a_sheet_that_fills_later(project) -> None:
    """What is empty in the first file is no number: the next one may bring texts, and none of them is put aside."""
    pytest.importorskip("duckdb_extension_excel", reason="the extra excel is not installed")
    project.write("landing/1.xlsx", workbook({"S": [["n", "note"], [1, None], [2, None]]}))
    project.declare('{kind: files, path: "landing/*.xlsx"}').load()
    assert project.types() == {"n": "DOUBLE", "note": "VARCHAR"}

    project.write("landing/2.xlsx", workbook({"S": [["n", "note"], [3, "late"], [4, 5]]}))
    project.load()

    assert project.rows() == [(1, None), (2, None), (3, "late"), (4, "5")]
