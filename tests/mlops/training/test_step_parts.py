"""Steps that make their table in parts: called for the intervals that need it, and equal to a whole rebuild."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ropewalk import plugins
from ropewalk.dataops.lake import open_lake, query_environment
from ropewalk.dataops.transform import TableFailed, TableKind
from ropewalk.mlops.training import InvalidStep, StepKind
from ropewalk.mlops.training.step_parts import books_of, read_partition
from ropewalk.pipeline import NodeResult, State, Workspace, declare_graph, execute
from ropewalk.project import load_project
from ropewalk.settings import load_settings

KINDS = {"table": TableKind(), "step": StepKind()}
STEP = """
from pathlib import Path
from ropewalk import Table, step

@step(partition="{partition}")
def daily(trips: Table, rates: Table) -> Table:
    rate = rates.relation().fetchall()[0][0]
    rows = trips.relation().aggregate("flown_on, km, sum(n) AS n").order("flown_on, km").fetchall()
    return Table.of(trips.relation().project(f"flown_on, km, km * {{rate}} AS cost"))
"""
TRIPS = "tables/staging/trips.sql"
RATES = {"tables/staging/rates.sql": "SELECT 2 AS rate"}


class _Quiet:
    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_, **__: None


def trips(*rows: tuple[str, int]) -> dict[str, str]:
    values = ", ".join(f"(DATE '{day}', {km}, 1)" for day, km in rows)
    return {TRIPS: f"SELECT * FROM (VALUES {values}) AS v (flown_on, km, n)"}


def step(partition: str = "day(flown_on)", body: str = STEP) -> dict[str, str]:
    return {"steps/daily.py": body.format(partition=partition)}


class Parted:
    """A project whose one step makes a table in parts."""

    def __init__(self, write: Callable[[Mapping[str, str]], Path]) -> None:
        self.write = write

    def run(self, files: Mapping[str, str], span: tuple[str, str] | None = None) -> NodeResult:
        """Write files over the project, run it, and return what became of the step."""
        project = load_project(self.write({**RATES, **files}), plugins.sections())
        with Workspace(project, load_settings({})) as workspace:
            workspace.interval = span
            made = execute(declare_graph(project, KINDS), KINDS, workspace, _Quiet())
            self.rows = (
                query_environment(workspace, "FROM steps.daily ORDER BY ALL").rows
                if open_lake(workspace).exists and "steps.daily" in open_lake(workspace).table_names()
                else ()
            )
        return next(node for node in made.nodes if node.id == "step:daily")


@pytest.fixture
def parted(write_project) -> Parted:
    """Return an empty project."""
    return Parted(write_project)


def counts(result: NodeResult) -> tuple[object, ...]:
    assert result.error is None, result.error
    assert result.output is not None
    told = result.output.summary["intervals"]
    assert isinstance(told, dict)
    return told["total"], told["computed"], told["missing"]


def test_only_what_changed_is_computed(parted: Parted) -> None:
    """Each day once, then late rows of a day that day alone, and a day that vanished not at all."""
    assert counts(parted.run({**step(), **trips(("2013-01-01", 1), ("2013-01-02", 2))})) == (2, 2, 0)
    assert counts(parted.run(trips(("2013-01-01", 1), ("2013-01-02", 2), ("2013-01-02", 5)))) == (2, 1, 0)
    assert [row[1:] for row in parted.rows] == [(1, 2), (2, 4), (5, 10)]
    assert counts(parted.run(trips(("2013-01-02", 2), ("2013-01-02", 5)))) == (1, 0, 0)
    assert [row[1] for row in parted.rows] == [2, 5]
    assert parted.run({}).state is State.HIT


def test_what_is_whole_computes_all_again(parted: Parted) -> None:
    """Another rate is an input of every day, and so is the step's code."""
    days = trips(("2013-01-01", 1), ("2013-01-02", 2))
    parted.run({**step(), **days})

    assert counts(parted.run({"tables/staging/rates.sql": "SELECT 3 AS rate", **days})) == (2, 2, 0)
    assert [row[2] for row in parted.rows] == [3, 6]


def test_backfill(parted: Parted) -> None:
    """A span computes what starts inside; the next whole run computes what is missing, and only that."""
    days = trips(("2013-01-31", 1), ("2013-02-01", 2), ("2013-02-15", 3))

    first = parted.run({**step("month(flown_on)"), **days}, ("2013-02-01", "2013-03-01"))

    assert counts(first) == (2, 1, 1)
    assert [row[1] for row in parted.rows] == [2, 3]
    assert counts(parted.run({})) == (2, 1, 0)
    assert [row[1] for row in parted.rows] == [1, 2, 3]


def test_a_file_that_it_reads_counts_for_every_interval(parted: Parted) -> None:
    """What was found to be read beside the inputs computes all intervals again when it changes, once."""
    reading = step(body=STEP.replace("    rate =", "    Path('factor.txt').read_text()\n    rate ="))
    days = trips(("2013-01-01", 1), ("2013-01-02", 2))
    parted.run({**reading, **days, "factor.txt": "1"})

    assert parted.run({}).state is State.HIT
    more = trips(("2013-01-01", 1), ("2013-01-02", 2), ("2013-01-03", 3))
    assert counts(parted.run(more)) == (3, 1, 0)
    assert counts(parted.run({"factor.txt": "2"})) == (3, 3, 0)


def test_no_rows_make_an_empty_table(parted: Parted) -> None:
    """The step is called once without rows, as it alone knows the columns."""
    empty = {TRIPS: "SELECT DATE '2013-01-01' AS flown_on, 1 AS km, 1 AS n WHERE false"}

    assert counts(parted.run({**step(), **empty})) == (0, 0, 0)
    assert parted.rows == ()


@pytest.mark.parametrize(
    ("said", "project", "message"),
    [
        (
            "day(flown_at)",
            "flown_on, km, 1 AS cost",
            "no table that steps.daily reads has a column 'flown_at'",
        ),
        ("day(flown_on)", "km, 1 AS cost", "its step gives no such column"),
        ("day(flown_on)", "flown_on + 1 AS flown_on, km, 1 AS c", "has rows of the interval 2013-01-02"),
    ],
)
def test_what_cannot_be_made_in_parts(parted: Parted, said: str, project: str, message: str) -> None:
    """The error names the table and the step's line, and no table stays."""
    body = STEP.replace("flown_on, km, km * {{rate}} AS cost", project)

    failed = parted.run({**step(said, body), **trips(("2013-01-01", 1))})

    assert isinstance(failed.error, TableFailed)
    assert message in failed.error.message
    assert failed.error.place is not None
    assert failed.error.place.path == "steps/daily.py"
    assert parted.rows == ()


@pytest.mark.parametrize(
    ("said", "makes", "message"),
    [
        ("week(flown_on)", "Table", "is not a partition"),
        ("day", "Table", "is not a partition"),
        ("day(a b)", "Table", "is not a partition"),
        ("day(flown_on)", "Metrics", "is partitioned and makes no table"),
        ("day(a)', max_partitions='2", "Table", "'max_partitions' of @step must be a whole number from 1"),
        ("day(a)', max_partitions=0, version='", "Table", "must be a whole number from 1"),
    ],
)
def test_slips_are_found_while_planning(write_project, said: str, makes: str, message: str) -> None:
    """An option that means nothing is told with its place before anything runs."""
    source = (
        f"from ropewalk import Metrics, Table, step\n\n@step(partition='{said}')\ndef a() -> {makes}: ...\n"
    )
    project = load_project(write_project({"steps/a.py": source}), plugins.sections())

    with pytest.raises(InvalidStep, match=message) as caught:
        declare_graph(project, KINDS)

    assert caught.value.place is not None


def test_partition_of_the_text() -> None:
    """Text and value say the same."""
    assert str(read_partition("month(flown_on)", 3)) == "month(flown_on)"
    assert read_partition("key(plane)", 3).line == 3


def test_books_travel_with_partitioned_tables_only(write_project) -> None:
    """Whoever gets the table from the shared cache goes on with its intervals."""
    project = load_project(write_project({**RATES, **trips(("2013-01-01", 1)), **step()}), plugins.sections())
    nodes = declare_graph(project, KINDS).nodes

    assert books_of(nodes["step:daily"]) == {"intervals": "steps.daily"}
    assert books_of(nodes["table:staging.trips"]) == {}
