"""Metrics by their names, and the pieces of SQL that they are made of."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ropewalk.dataops.metrics import InvalidMetric, MetricMissing, read_metrics
from ropewalk.dataops.metrics.declarations import Dimension, Join, Measure, MetricFile
from ropewalk.dataops.metrics.reading import parse_part, used_measures
from ropewalk.errors import Place

HERE = Place("metrics/a.yaml", 3, 7)


@pytest.fixture
def read(tmp_path):
    """Return a function that reads files of metrics from their texts."""

    def reading(**files):
        (tmp_path / "metrics").mkdir()
        for name, text in files.items():
            (tmp_path / f"metrics/{name}.yaml").write_text(f"table: main.{name}\nmeasures:\n{text}")
        return read_metrics(tmp_path)

    return reading


def test_no_folder_has_no_metrics(tmp_path):
    """A project without metrics is none that is wrong."""
    assert read_metrics(tmp_path).by_name == {}


def test_other_ending(tmp_path):
    """Both endings of YAML are read."""
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/a.yml").write_text("table: main.a\nmeasures:\n  n: {kind: count}\n")

    assert read_metrics(tmp_path).find("a.n").name == "n"


def test_owner_of_the_file_and_of_the_measure(read):
    """A measure's own owner goes before the file's."""
    found = read(a="  x: {kind: count, owner: Ann}\n  y: {kind: count}\nowner: Bob\n")

    assert [found.find(name).owner for name in ("x", "y")] == ["Ann", "Bob"]


@pytest.mark.parametrize(
    ("name", "close"), [("b.x", "x"), ("a.z", None), ("flihts", "flights"), ("", None), (".", None)]
)
def test_metric_of_no_file(read, name, close):
    """The file counts when it is named, and the nearest name is told."""
    found = read(a="  x: {kind: count}\n", c="  flights: {kind: count}\n")

    with pytest.raises(MetricMissing) as caught:
        found.find(name)

    assert (caught.value.nearest, caught.value.hint) == (close, "`ropewalk metric list` has them all")


def test_measures_of_measures(read):
    """They are told in order, each once; a measure of rows is made of none."""
    found = read(
        a="  n: {kind: count}\n  m: {kind: count}\n  r: {kind: ratio, numerator: n, denominator: m}\n"
        "  e: {kind: expression, sql: r * n + n}\n"
    )

    subject = found.subjects[0]
    assert {name: used_measures(subject, name) for name in subject.declared.measures} == {
        "n": [],
        "m": [],
        "r": ["n", "m"],
        "e": ["n", "r"],
    }


def test_long_circle(read):
    """The whole way round is told."""
    circle = (
        "  a: {kind: expression, sql: b}\n  b: {kind: expression, sql: c}\n  c: {kind: expression, sql: a}\n"
    )

    with pytest.raises(InvalidMetric, match="computed from itself: a -> b -> c -> a") as caught:
        read(a=circle)

    assert caught.value.place.path == "metrics/a.yaml"


@pytest.mark.parametrize(
    "text",
    [
        "a AS b",
        "a b",
        "SELECT 1",
        "(SELECT 1)",
        "a; b",
        "DROP TABLE a",
        "INSERT INTO a VALUES (1)",
        "",
        "'",
        "x\0",
    ],
)
def test_no_part_of_an_expression(text):
    """Names for columns, statements and halves of texts are no value of a row."""
    with pytest.raises(InvalidMetric) as caught:
        parse_part(text, HERE)

    assert caught.value.place == HERE


@pytest.mark.parametrize("text", ["a", "a + 1", "CASE WHEN a THEN 1 END", "lower(a.b)", "-1", "a IN (1, 2)"])
def test_parts_of_expressions(text):
    """Whatever is one value of a row is read, and written as it was."""
    assert parse_part(text, HERE).sql(dialect="duckdb").lower() == text.lower()


@pytest.mark.parametrize("kind", ["sum", "avg", "min", "max", "median", "count_distinct"])
def test_measure_of_one_column(kind):
    """SQL stands for a column, and only one of both is given."""
    assert Measure(kind=kind, sql="a + b", where="a > 1").sql == "a + b"
    for given in ({}, {"column": "a", "sql": "b"}, {"where": "a > 1"}):
        with pytest.raises(ValidationError, match=f"{kind} needs a column, or sql in its place"):
            Measure(kind=kind, **given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "count", "sql": "a"}, "sql is not for count"),
        ({"kind": "sum", "column": "a", "numerator": "b"}, "numerator is not for sum"),
        ({"kind": "ratio", "numerator": "a", "denominator": "b", "where": "c"}, "where is not for ratio"),
        ({"kind": "ratio", "denominator": "b"}, "ratio needs a numerator and a denominator"),
        ({"kind": "expression"}, "expression needs sql"),
        ({"kind": "expression", "sql": "a", "where": "b"}, "where is not for expression"),
        ({"kind": "expression", "sql": "a", "column": "b"}, "column is not for expression"),
        ({"kind": "count", "format": "percents"}, "format"),
        ({"kind": "count", "unit": ""}, "unit"),
    ],
)
def test_parts_that_a_kind_has_no_use_for(given, said):
    """Nothing that is written is ignored."""
    with pytest.raises(ValidationError, match=said):
        Measure(**given)


@pytest.mark.parametrize(
    "given", [{}, {"column": "a", "sql": "b"}, {"column": ""}, {"column": "a", "kind": "day"}]
)
def test_dimension_that_is_not_one_thing(given):
    """A column or SQL, not both, not neither."""
    with pytest.raises(ValidationError):
        Dimension(**given)


def test_join_without_columns():
    """A join on nothing would be each row with each."""
    with pytest.raises(ValidationError, match="at least 1"):
        Join(table="main.a", on={})


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"time": "day_of"}, "no dimension of kind: time"),
        ({"time": "carrier", "dimensions": {"carrier": "carrier"}}, "no dimension of kind: time"),
        ({"dimensions": {"month": "month"}}, "cannot be called 'month'"),
        ({"dimensions": {"n": "n"}}, "'n' is a dimension and a measure"),
        ({"measures": {}}, "at least 1"),
        ({"dimensions": {"1st": "a"}}, "pattern"),
        ({"dimensions": {"a" * 64: "a"}}, "at most 63"),
    ],
)
def test_names_that_do_not_fit(more, said):
    """A name means one thing wherever it is asked for."""
    with pytest.raises(ValidationError, match=said):
        MetricFile(**{"table": "main.a", "measures": {"n": {"kind": "count"}}, **more})


def test_column_in_short():
    """A text alone is a column."""
    found = MetricFile(table="a.b", dimensions={"x": "y"}, measures={"n": {"kind": "count"}})

    assert found.dimensions["x"] == Dimension(column="y")
