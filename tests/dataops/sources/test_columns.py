"""Types across loads: what a table keeps, what it takes on, and what does not fit."""

from __future__ import annotations

import json

import pytest

CSV = '{kind: files, path: "landing/*.csv", max_quarantined: 0}'
JSON = '{kind: files, path: "landing/*.json"}'


def load_csv(project, *files: str, entry: str = CSV) -> None:
    """Load the first file, then each of the others in a load of its own."""
    project.declare(entry)
    for number, content in enumerate(files):
        project.write(f"landing/{number}.csv", content)
        project.load()


def test_a_later_column_is_added(project) -> None:
    """Old rows have NULL in it."""
    load_csv(project, "a\n1\n", "a,b\n2,x\n")

    assert project.rows() == [(1, None), (2, "x")]
    assert project.types() == {"a": "BIGINT", "b": "VARCHAR"}


def test_a_missing_column_is_null(project) -> None:
    """A file that lacks a column has NULL there."""
    load_csv(project, "a,b\n1,x\n", "a\n2\n")

    assert project.rows() == [(1, "x"), (2, None)]


def test_columns_are_found_whatever_their_case(project) -> None:
    """`Flight` and `flight` are one column."""
    load_csv(project, "Flight,n\nUA1,1\n", "n,FLIGHT\n2,UA2\n")

    assert project.rows() == [("UA1", 1), ("UA2", 2)]


def test_a_later_number_fits_a_text_column(project) -> None:
    """Text takes anything."""
    load_csv(project, "a\nx\n", "a\n1\n")

    assert project.rows() == [("1",), ("x",)]


def test_a_column_that_was_empty_takes_the_first_real_type(project) -> None:
    """A month without values does not make the column text for ever."""
    load_csv(project, "a,b\n1,\n", "a,b\n2,2.5\n")

    assert project.types() == {"a": "BIGINT", "b": "DOUBLE"}
    assert project.rows() == [(1, None), (2, 2.5)]


def test_a_later_empty_column_keeps_the_type(project) -> None:
    """A month without values changes nothing."""
    load_csv(project, "a,b\n1,2.5\n", "a,b\n2,\n")

    assert project.types() == {"a": "BIGINT", "b": "DOUBLE"}


def test_a_later_value_that_does_not_fit(project) -> None:
    """A number column refuses text and names the line; the declaration can widen it."""
    load_csv(project, "a\n1\n")
    project.write("landing/1.csv", "a\n2\nx\n")

    error = project.fail()

    assert (error.code, str(error.place)) == ("RW423", "landing/1.csv:3")
    project.declare('{kind: files, path: "landing/*.csv", types: {a: VARCHAR}}')
    assert project.load().summary["rows"] == 3


def test_a_fraction_is_never_rounded_away(project) -> None:
    """A whole-number column refuses 2.5, which a plain cast would make 3."""
    load_csv(project, "a\n1\n")
    project.write("landing/1.csv", "a\n2\n2.5\n")

    error = project.fail()

    assert (error.code, str(error.place)) == ("RW423", "landing/1.csv:3")
    assert "'2.5' is not a BIGINT" in error.message


def test_a_declared_whole_number_takes_whole_fractions(project) -> None:
    """517.0 is a whole number."""
    load_csv(project, "a\n517.0\n518.0\n", entry='{kind: files, path: "landing/*.csv", types: {a: INTEGER}}')

    assert project.rows() == [(517,), (518,)]
    assert project.types() == {"a": "INTEGER"}


def test_a_time_is_not_cut_to_a_date(project) -> None:
    """A declared DATE refuses a time of day."""
    project.write("landing/0.csv", "a\n2013-01-01 00:00:00\n2013-01-01 10:00:00\n")

    error = project.declare(
        '{kind: files, path: "landing/*.csv", types: {a: DATE}, max_quarantined: 0}'
    ).fail()

    assert (error.code, str(error.place)) == ("RW423", "landing/0.csv:3")


@pytest.mark.parametrize(
    ("kind", "seen"),
    [("INTEGER", "INTEGER"), ("int", "INTEGER"), ("decimal(10, 2)", "DECIMAL(10,2)"), ("double", "DOUBLE"),
     ("text", "VARCHAR"), ("timestamp with time zone", "TIMESTAMP WITH TIME ZONE")],
)  # fmt: skip
def test_declared_types(project, kind: str, seen: str) -> None:
    """Any spelling that SQL knows is taken."""
    value = "2013-01-01 10:00:00" if "time" in kind else "1"
    load_csv(
        project, f"a\n{value}\n", entry=f'{{kind: files, path: "landing/*.csv", types: {{A: "{kind}"}}}}'
    )

    assert project.types() == {"a": seen}


@pytest.mark.parametrize(
    ("kind", "nearest"),
    [
        ("INTEGR", "INTEGER"),
        ("nonsense", None),
        ("INTEGER); DROP TABLE x; --", None),
        ("", None),
        ("1", None),
    ],
)
def test_a_declared_type_that_is_none(project, kind: str, nearest: str | None) -> None:
    """The error names the key and the nearest type, and nothing of the text reaches SQL."""
    project.write("landing/0.csv", "a\n1\n")

    error = project.declare(f'{{kind: files, path: "landing/*.csv", types: {{a: "{kind}"}}}}').fail()

    assert (error.code, error.nearest) == ("RW125", nearest)
    assert error.message.startswith("types.a: ")


def test_a_declared_column_that_is_none(project) -> None:
    """A misspelt column of `types` names the nearest."""
    project.write("landing/0.csv", "dep_delay,flight\n1,x\n")

    error = project.declare('{kind: files, path: "landing/*.csv", types: {dep_dleay: DOUBLE}}').fail()

    assert (error.code, error.nearest) == ("RW227", "dep_delay")


def test_json_values(project) -> None:
    """Numbers, texts, nested values and times have plain types; a column without values is text."""
    record = {"n": -1, "m": 2, "x": 1.5, "s": "a", "o": {"p": [1]}, "l": [1, 2], "e": None, "b": True,
              "t": "2013-01-01T06:00:00Z", "u": "2013-01-01 06:00:00", "d": "2013-01-01"}  # fmt: skip
    project.write("landing/0.json", json.dumps([record, {**record, "n": 5}]))

    project.declare(JSON).load()

    assert project.types() == {
        "n": "BIGINT", "m": "BIGINT", "x": "DOUBLE", "s": "VARCHAR", "o": "JSON", "l": "JSON", "e": "VARCHAR",
        "b": "BOOLEAN", "t": "TIMESTAMP WITH TIME ZONE", "u": "TIMESTAMP", "d": "DATE",
    }  # fmt: skip
    assert project.rows("SELECT DISTINCT o, l, CAST(t AS VARCHAR)") == [
        ('{"p":[1]}', "[1,2]", "2013-01-01 06:00:00+00")
    ]


def test_json_of_another_shape_later(project) -> None:
    """A nested value may change its shape, as it stays JSON."""
    project.write("landing/0.json", '[{"o": {"p": 1}}]')
    project.declare(JSON).load()
    project.write("landing/1.json", '[{"o": {"q": [1]}, "new": 1}]')

    project.load()

    assert project.rows() == [('{"p":1}', None), ('{"q":[1]}', 1)]


def test_json_numbers_that_do_not_fit(project) -> None:
    """A fraction in a whole-number column is refused with its record."""
    project.write("landing/0.ndjson", '{"n": 1}\n')
    project.declare('{kind: files, path: "landing/*.ndjson", max_quarantined: 0}').load()
    project.write("landing/1.ndjson", '{"n": 2}\n{"n": 2.5}\n')

    error = project.fail()

    assert (error.code, str(error.place)) == ("RW423", "landing/1.ndjson:2")


def test_large_whole_numbers_stay_whole(project) -> None:
    """What BIGINT cannot hold keeps all its digits."""
    project.write("landing/0.json", '[{"n": 12345678901234567890}]')

    project.declare(JSON).load()

    assert project.rows() == [(12345678901234567890,)]


@pytest.mark.parametrize(
    ("content", "place"),
    [('{"a":\n', "landing/0.ndjson:1"), ("not json", "landing/0.ndjson:1")],
)
def test_broken_json_names_its_line(project, content: str, place: str) -> None:
    """File and line stand in the error."""
    project.write("landing/0.ndjson", content)

    error = project.declare('{kind: files, path: "landing/*.ndjson"}').fail()

    assert (error.code, str(error.place)) == ("RW126", place)


def test_broken_parquet_names_its_file(project) -> None:
    """A file that is none is said by its path."""
    project.write("landing/0.parquet", b"PAR1 nothing more PAR1")

    error = project.declare('{kind: files, path: "landing/*.parquet"}').fail()

    assert (error.code, str(error.place)) == ("RW126", "landing/0.parquet")


def test_a_json_column_named_as_ours(project) -> None:
    """`_file` is taken."""
    project.write("landing/0.json", '[{"_file": 1}]')

    assert project.declare(JSON).fail().code == "RW126"
