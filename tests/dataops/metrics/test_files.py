"""What may stand in `metrics/*.yaml`, and what is told of what may not, at its place."""

from __future__ import annotations

import pytest

from ropewalk.dataops.metrics import (
    InvalidMetric,
    MetricMissing,
    RowsCountedTwice,
    read_metrics,
    survey_metrics,
)
from ropewalk.pipeline import State
from ropewalk.project import InvalidProjectFile

HEAD = "table: mart.flights\ndimensions: {carrier: carrier}\nmeasures:\n"


def node(result, name="metric:punctuality"):
    return next(node for node in result.nodes if node.id == name)


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        ("  a: {kind: sum}", "sum needs a column", 4),
        ("  a: {kind: sum, column: x, sql: y}", "sum needs a column", 4),
        ("  a: {kind: count, column: x}", "column is not for count", 4),
        ("  a: {kind: ratio, numerator: b}", "needs a numerator and a denominator", 4),
        (
            "  a: {kind: ratio, numerator: b, denominator: b}",
            "computed from 'b', which this file does not have",
            4,
        ),
        ("  a: {kind: expression, sql: 'a + 1'}", "computed from itself: a -> a", 4),
        ("  a: {kind: sum, sql: 'sum(x)'}", "aggregates", 4),
        ("  a: {kind: sum, column: 'other.x'}", "no join of this file", 4),
        ("  a: {kind: sum, sql: 'x +'}", "cannot be read", 4),
        ("  a: {kind: sum, sql: '(SELECT 1)'}", "no expression over columns", 4),
        ("  carrier: {kind: count}", "a dimension and a measure", 1),
        ("  a: {kind: count, colour: red}", "colour", 4),
        ("  a: {kind: total}", "", 4),
        ("  a b: {kind: count}", "", None),
    ],
)
def test_refused(bench, text, said, line):
    """A file that cannot work is told of with its line."""
    bench.write({"metrics/punctuality.yaml": HEAD + text + "\n"})

    with pytest.raises(InvalidProjectFile) as caught:
        read_metrics(bench.root)

    assert said in caught.value.message
    assert line in {None, caught.value.place.line}


def test_name_that_two_files_have(bench):
    """A metric's name means one thing."""
    bench.write({"metrics/other.yaml": HEAD + "  flights: {kind: count}\n"})

    with pytest.raises(InvalidMetric, match="'flights' is declared twice"):
        read_metrics(bench.root)


def test_broken_file_breaks_no_other(bench):
    """Its own metrics are gone, which is said to whoever asks for one; those of other files stay."""
    bench.write(
        {
            "metrics/broken.yaml": HEAD + "  late: {kind: total}\n",
            "metrics/twice.yaml": HEAD + "  flights: {kind: count}\n",
        }
    )

    found = survey_metrics(bench.root)

    assert found.find("late_share").subject.name == "punctuality"
    assert [*found.broken] == ["metrics/broken.yaml", "metrics/twice.yaml"]
    with pytest.raises(MetricMissing) as caught:
        found.find("late")
    assert caught.value.hint == "metrics/broken.yaml, metrics/twice.yaml cannot be read, and may declare it"
    assert "metrics/broken.yaml:4" in caught.value.detail


def test_metrics_are_nodes(bench):
    """A file of metrics is made from its tables, has its figures in its output, and is fresh the second time."""
    made = node(bench.run())

    assert made.output.summary["values"]["late_share"] == 0.5
    assert node(bench.run()).state is State.HIT


def test_changed_definition_has_its_reason(bench):
    """Another definition computes the figures anew, and the reason names the measure; a description does not."""
    bench.run()
    text = (bench.root / "metrics/punctuality.yaml").read_text()
    bench.write(
        {"metrics/punctuality.yaml": text.replace("{kind: count}", "{kind: count, description: All}")}
    )
    assert node(bench.run()).state is State.HIT

    bench.write({"metrics/punctuality.yaml": text.replace("kind: median", "kind: avg")})
    changed = node(bench.run())

    assert changed.state is State.EXECUTED
    assert "measure typical_delay" in str(changed.reasons[0])


def test_column_that_is_not_there(bench):
    """It is told of with its place in the file and the nearest name."""
    text = (bench.root / "metrics/punctuality.yaml").read_text()
    bench.write({"metrics/punctuality.yaml": text.replace("column: delay", "column: delai")})

    error = node(bench.run()).error

    assert isinstance(error, InvalidMetric)
    assert (error.nearest, error.place.path, error.place.line) == ("delay", "metrics/punctuality.yaml", 17)


def test_dimension_that_is_not_there(bench):
    """Dimensions are bound too, although the figures over all rows do not need them."""
    text = (bench.root / "metrics/punctuality.yaml").read_text()
    bench.write({"metrics/punctuality.yaml": text.replace("airlines.name", "airlines.nam")})

    assert "nam" in node(bench.run()).error.message


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"tables/mart/airlines.sql": "SELECT 'UA' AS carrier, 'x' AS name FROM range(2)"},
            "by the join 'airlines'",
        ),
        (
            {
                "tables/mart/flights.sql": "SELECT 1 AS id, 'UA' AS carrier, now()::TIMESTAMP AS dep, 1 AS delay, true AS late FROM range(3)"
            },
            "at the grain",
        ),
    ],
)
def test_rows_that_would_count_twice(bench, files, said):
    """A join that finds several rows, or a table that does not have its grain, is refused."""
    bench.write(files)

    error = node(bench.run()).error

    assert isinstance(error, RowsCountedTwice)
    assert said in error.message


def test_metric_of_no_table(bench):
    """A table that nothing makes is told of at the plan."""
    bench.write({"metrics/complaints.yaml": "table: mart.complaint\nmeasures: {complaints: {kind: count}}\n"})

    with pytest.raises(Exception, match="complaint") as caught:
        bench.run()

    assert caught.value.nearest == "mart.complaints"


EXPLICIT = {
    "tables/mart/base.sql": "SELECT * FROM (VALUES (1, 'UA')) AS v (id, carrier)",
    "tables/mart/flights.sql": "SELECT id, carrier, now()::TIMESTAMP AS dep, 5 AS delay, true AS late FROM mart.base",
    "tables/mart/airlines.sql": "SELECT carrier, 'x' AS name FROM mart.base",
}


@pytest.mark.parametrize(
    ("before", "after", "said", "close"),
    [
        ("column: delay", "column: delai", "mart.flights has no column 'delai'", "delay"),
        ("where: late", "where: lat", "mart.flights has no column 'lat'", "late"),
        ("airlines.name", "airlines.nam", "mart.airlines has no column 'nam'", "name"),
        ("grain: [id]", "grain: [idd]", "mart.flights has no column 'idd'", "id"),
        ("{carrier: carrier}}", "{carrier: carier}}", "mart.airlines has no column 'carier'", "carrier"),
    ],
)
def test_columns_are_checked_at_the_plan(bench, before, after, said, close):
    """Where a table's SQL names its columns, a wrong one is told of before anything runs."""
    text = (bench.root / "metrics/punctuality.yaml").read_text()
    assert before in text
    bench.write({**EXPLICIT, "metrics/punctuality.yaml": text.replace(before, after)})

    with pytest.raises(InvalidMetric) as caught:
        bench.run()

    assert said in caught.value.message
    assert (caught.value.nearest, caught.value.place.path) == (close, "metrics/punctuality.yaml")


def test_columns_that_only_running_tells(bench):
    """A SELECT of everything names nothing, and is left to the run."""
    bench.write(EXPLICIT)

    assert node(bench.run()).error is None
