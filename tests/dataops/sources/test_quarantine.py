"""Rows that do not fit, as a person meets them: in the run's words, in SQL, per environment, and gone when mended."""

from __future__ import annotations

import pytest

from ropewalk.dataops.lake import list_environment_tables, query_environment
from ropewalk.dataops.sources.csv_rejects import _Line
from ropewalk.errors import RopewalkError

CSV = '{kind: files, path: "landing/*.csv", types: {n: INTEGER}}'
BAD = "id,n\na,1\nb,many\nc,2,3\nd,4\ne,5\nf,1.5\n"


def ask(project, sql: str):
    return query_environment(project.workspace, sql).rows


@pytest.fixture
def loaded(project):
    """Return a project with three rows that do not fit of six, and what its load said."""
    project.write("landing/1.csv", BAD)
    return project.declare(CSV), project.load()


def test_what_is_kept(loaded) -> None:
    """Reason, column, value, file, line and the whole row."""
    project, _ = loaded

    rows = ask(
        project, "SELECT _reason, _column, _value, _file, _line, _row FROM quarantine.things ORDER BY _line"
    )

    assert rows == (
        ("not an INTEGER", "n", "many", "landing/1.csv", 3, '{"id":"b","n":"many"}'),
        ("the line has 3 values, and the header 2", None, None, "landing/1.csv", 4, '{"id": "c", "n": "2", "": ["3"]}'),
        ("not an INTEGER", "n", "1.5", "landing/1.csv", 7, '{"id":"f","n":"1.5"}'),
    )  # fmt: skip
    assert project.rows("SELECT id, n") == [("a", 1), ("d", 4), ("e", 5)]


def test_what_is_said(loaded) -> None:
    """The summary counts them, and a warning says where they are."""
    _, output = loaded

    assert (output.summary["rows"], output.summary["quarantined"]) == (3, 3)
    assert output.summary["warning"] == "3 rows do not fit: SELECT * FROM quarantine.things"


def test_a_mended_file_takes_its_rows_along(loaded) -> None:
    """Those of other files stay aside."""
    project, _ = loaded
    project.write("landing/2.csv", "id,n\ng,7\nh,x\n")
    project.load()

    project.write("landing/1.csv", "id,n\na,1\nb,2\n")
    project.load()

    assert ask(project, "SELECT _file, _value FROM quarantine.things") == (("landing/2.csv", "x"),)
    assert project.rows("SELECT id") == [("a",), ("b",), ("g",)]


def test_a_file_that_is_gone_takes_its_rows_along(loaded) -> None:
    """The table follows the files, and so does what is kept aside."""
    project, _ = loaded
    project.write("landing/2.csv", "id,n\ng,7\n")
    (project.root / "landing/1.csv").unlink()

    project.load()

    assert ask(project, "SELECT count(*) FROM quarantine.things") == ((0,),)


def test_nothing_was_ever_kept_aside(project) -> None:
    """Then there is no such table, and the error names what there is."""
    project.write("landing/1.csv", "id,n\na,1\n")
    project.declare(CSV).load()

    with pytest.raises(RopewalkError, match="quarantine"):
        ask(project, "FROM quarantine.things")


def test_quarantine_follows_the_environment(loaded) -> None:
    """An environment sees what its own load kept aside, whatever came later."""
    project, output = loaded
    before = output.reference
    project.write("landing/1.csv", "id,n\na,1\nb,2\n")
    project.load()
    records = "SELECT count(*) FROM quarantine.things"
    assert ask(project, records) == ((0,),)

    with project.lake.cursor() as connection:
        number = before.removeprefix("snapshot:")
        then = connection.execute(f"SELECT count(*) FROM quarantine.things AT (VERSION => {number})")

        assert then.fetchone() == (3,)
    names = [f"{info.schema}.{info.name}" for info in list_environment_tables(project.workspace)]
    assert names == ["quarantine.things", "raw.things"]


def test_a_frozen_schema_takes_none(project) -> None:
    """The first row that does not fit fails the load, with its place."""
    project.write("landing/1.csv", BAD)

    error = project.declare(CSV.removesuffix("}") + ", schema: freeze}").fail()

    assert (error.code, str(error.place)) == ("RW127", "landing/1.csv:3")
    assert "column 'n': 'many' is not an INTEGER" in error.message


@pytest.mark.parametrize(("limit", "fits"), [("50%", True), ("49%", False), (3, True), (2, False)])
def test_the_limit(project, limit: str | int, fits: bool) -> None:
    """A share of the rows that arrive, or a number of them."""
    project.write("landing/1.csv", BAD)

    error = project.declare(CSV.removesuffix("}") + f", max_quarantined: {limit}}}").run().error

    assert (error is None) == fits


def test_a_late_type_on_the_first_load(project) -> None:
    """Without a declared type the column takes the one that all rows have: nothing is kept aside."""
    project.write("landing/1.csv", "n\n" + "1\n" * 30_000 + "x\n")

    output = project.declare('{kind: files, path: "landing/*.csv"}').load()

    assert project.types() == {"n": "VARCHAR"}
    assert "quarantined" not in output.summary


def test_a_late_type_on_a_later_load(project) -> None:
    """The table's type stands; the row that has another is kept aside with its line."""
    project.write("landing/1.csv", "n\n1\n")
    project.declare('{kind: files, path: "landing/*.csv"}').load()
    project.write("landing/2.csv", "n\n" + "1\n" * 30_000 + "x\n" + "2\n")

    output = project.load()

    assert (output.summary["quarantined"], output.summary["rows"]) == (1, 30_002)
    assert ask(project, "SELECT _value, _line FROM quarantine.things") == (("x", 30_002),)


def test_lines_of_json_records(project) -> None:
    """Empty lines count for the place."""
    project.write("landing/1.ndjson", '{"n": 1}\n\n{"n": 2}\n{"n": "x"}\n')

    project.declare('{kind: files, path: "landing/*.ndjson", types: {n: BIGINT}}').load()

    assert ask(project, "SELECT _value, _line FROM quarantine.things") == (('"x"', 4),)


@pytest.mark.parametrize("name", ["csv", "json", "parquet"])
def test_a_source_that_is_called_as_a_format(project, name: str) -> None:
    """Its tables are not taken for files of that name."""
    project.write("landing/1.csv", "n\n1\n2\nx\n")
    entry = "{kind: files, path: 'landing/*.csv', types: {n: BIGINT}}"
    project.write("ropewalk.yaml", f"project: test\nsources:\n  {name}: {entry}\n")

    assert project.load().summary["quarantined"] == 1
    assert project.is_hit()


@pytest.mark.parametrize(
    ("kind", "message", "reason"),
    [
        ("CAST", "Error: Could not convert string \"ann@x\" to 'INTEGER'", "not an INTEGER"),
        ("CAST", 'Could not convert string "ann@x" into anything', "not of its column's type"),
        (
            "TOO MANY COLUMNS",
            "Expected Number of Columns: 2 Found: 3",
            "the line has 3 values, and the header 2",
        ),
        (
            "UNQUOTED VALUE",
            "Value with unterminated quote found.\nann@x",
            "Value with unterminated quote found.",
        ),
    ],
)
def test_reasons_repeat_no_value(kind, message, reason):
    """They are shown to those too who may not see what stands in the row."""
    assert _Line("a.csv", 1, 1, "a", kind, "ann@x", message).reason(2) == reason
