"""Partitioned tables: built interval by interval, and always equal to a full rebuild."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropewalk import plugins
from ropewalk.dataops.lake import open_lake, query_environment
from ropewalk.dataops.sources import SourceKind
from ropewalk.dataops.transform import InvalidSpan, TableFailed, TableKind, probe_parts
from ropewalk.errors import RopewalkError
from ropewalk.pipeline import (
    NodeResult,
    State,
    Workspace,
    current_records,
    declare_graph,
    execute,
    make_plan,
)
from ropewalk.project import load_project
from ropewalk.settings import load_settings

KINDS = {"source": SourceKind(), "table": TableKind()}
DECLARED = (
    "project: test\nsources:\n"
    "  trips: {kind: files, path: 'trips/*.csv', types: {began: TIMESTAMP}}\n"
    "  rates: {kind: files, path: 'rates.csv'}\n"
)
DAILY = (
    "-- What each day cost.\n-- partition: day(began)\n"
    "SELECT date_trunc('day', began) AS began, sum(km * rate) AS cost, count(*) AS trips\n"
    "FROM raw.trips CROSS JOIN raw.rates GROUP BY ALL\n"
)
TABLE = "tables/mart/daily.sql"


class Silent:
    """An observer that is told everything and says nothing."""

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_, **__: None


class Trips:
    """A project whose one table is partitioned by the day of a trip."""

    def __init__(self, root: Path, stack: ExitStack) -> None:
        self.root = root
        self.stack = stack
        self.write("ropewalk.yaml", DECLARED)
        self.write("rates.csv", "rate\n2\n")
        self.write(TABLE, DAILY)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def land(self, name: str, *rows: tuple[str, int]) -> None:
        """Let a file of trips (time, km) arrive, or arrive anew."""
        self.write(f"trips/{name}.csv", "began,km\n" + "".join(f"{at},{km}\n" for at, km in rows))

    def open(self, environment: str = "dev", interval: tuple[str, str] | None = None) -> Workspace:
        chosen = load_settings({}, environment=environment)
        workspace = self.stack.enter_context(Workspace(load_project(self.root, plugins.sections()), chosen))
        workspace.interval = interval
        return workspace

    def run(self, environment: str = "dev", interval: tuple[str, str] | None = None) -> NodeResult:
        """Bring everything up to date and return how the table ended."""
        workspace = self.open(environment, interval)
        graph = declare_graph(workspace.project, KINDS)
        results = {node.id: node for node in execute(graph, KINDS, workspace, Silent()).nodes}
        return results["table:mart.daily"]

    def counts(
        self, environment: str = "dev", interval: tuple[str, str] | None = None
    ) -> tuple[int, int, int]:
        """Run, and return how many intervals there are, were computed now and are missing."""
        result = self.run(environment, interval)
        assert result.output is not None, result.error
        found = result.output.summary["intervals"]
        assert isinstance(found, dict)
        assert result.state is State.EXECUTED
        return found["total"], found["computed"], found["missing"]

    def error(self) -> RopewalkError:
        error = self.run().error
        assert error is not None, "the build succeeded"
        return error

    def rows(self, environment: str = "dev") -> list[tuple[object, ...]]:
        sql = "SELECT strftime(began, '%m-%d'), cost::INT FROM mart.daily ORDER BY ALL"
        return list(query_environment(self.open(environment), sql).rows)

    def rebuilt_digest(self) -> str:
        """Return the digest of the table as it is without partitions, in an environment of its own."""
        self.write(TABLE, DAILY.replace("partition:", "not"))
        output = self.run("whole").output
        self.write(TABLE, DAILY)
        assert output is not None
        return output.digest


@pytest.fixture
def trips(tmp_path: Path) -> Iterator[Trips]:
    """Return the project with two days of trips."""
    with ExitStack() as stack:
        project = Trips(tmp_path, stack)
        project.land("a", ("2013-01-01 05:00:00", 10), ("2013-01-01 06:00:00", 20))
        project.land("b", ("2013-01-02 05:00:00", 5))
        yield project


def test_first_build_computes_every_interval(trips: Trips) -> None:
    """All of them at once, and the summary says how many."""
    assert trips.counts() == (2, 2, 0)
    assert trips.rows() == [("01-01", 60), ("01-02", 10)]


def test_late_data_reopen_exactly_their_interval(trips: Trips) -> None:
    """A trip of an old day is counted in; the other days are left as they were."""
    trips.counts()
    trips.land("late", ("2013-01-01 07:00:00", 1))

    assert trips.counts() == (2, 1, 0)
    assert trips.rows() == [("01-01", 62), ("01-02", 10)]


def test_new_day_is_computed_alone(trips: Trips) -> None:
    """What was computed before is not computed again."""
    trips.counts()
    trips.land("c", ("2013-01-03 05:00:00", 7))

    assert trips.counts() == (3, 1, 0)
    assert trips.rows()[-1] == ("01-03", 14)


def test_vanished_day_is_removed(trips: Trips) -> None:
    """A day whose trips are all gone leaves no row behind."""
    trips.counts()
    (trips.root / "trips/a.csv").unlink()

    assert trips.counts() == (1, 0, 0)
    assert trips.rows() == [("01-02", 10)]


def test_another_whole_input_computes_all_again(trips: Trips) -> None:
    """An input without the column counts for every interval."""
    trips.counts()
    trips.write("rates.csv", "rate\n3\n")

    assert trips.counts() == (2, 2, 0)
    assert trips.rows() == [("01-01", 90), ("01-02", 15)]


def test_another_select_computes_all_again(trips: Trips) -> None:
    """So does the SQL; a comment does not."""
    trips.counts()
    trips.write(TABLE, DAILY.replace("km * rate", "km * rate + 1"))

    assert trips.counts() == (2, 2, 0)
    trips.write(TABLE, "-- About costs.\n" + DAILY.replace("km * rate", "km * rate + 1"))
    assert trips.run().state is State.HIT


def test_trips_without_a_time_are_an_interval_of_their_own(trips: Trips) -> None:
    """They are computed once, and again when there are more of them."""
    trips.land("none", ("", 100))
    assert trips.counts() == (3, 3, 0)
    trips.land("more", ("", 1))

    assert trips.counts() == (3, 1, 0)
    assert trips.rows()[-1] == (None, 202)


def test_times_beyond_all_calendars_are_counted_with_those_that_are_missing(trips: Trips) -> None:
    """Infinity and the year 20,000 are in no interval, and nothing stumbles over them."""
    trips.land("odd", ("infinity", 1), ("20000-01-01 00:00:00", 2), ("0001-01-01 00:00:00", 3), ("", 4))

    assert trips.counts() == (3, 3, 0)
    assert trips.run().output.digest == trips.rebuilt_digest()


def test_backfill_computes_what_is_inside(trips: Trips) -> None:
    """The rest is missing until it is asked for, and the plan says how many intervals are."""
    trips.land("c", ("2013-01-03 05:00:00", 7))
    assert trips.counts(interval=("2013-01-02", "2013-01-03")) == (3, 1, 2)
    assert trips.rows() == [("01-02", 10)]

    workspace = trips.open()
    graph = declare_graph(workspace.project, KINDS)
    planned = make_plan(graph, KINDS, workspace, current_records(workspace)).nodes[-1]

    assert re.search(r"outside intervals: 2 missing \(\w{8}\) -> none missing", str(planned.reasons[0]))
    assert trips.counts(interval=("2013-01-03", "2013-02-01")) == (3, 1, 1)
    assert trips.counts() == (3, 1, 0)
    assert trips.run().output.digest == trips.rebuilt_digest()


@pytest.mark.parametrize(
    ("span", "told"),
    [
        (("2013-01-01", "2013-02-01"), "2013-01-01..2013-02-01"),
        (("2013-01-01T06:00", "2013-01-01T18:30"), "2013-01-01T06:00..2013-01-01T18:30"),
        (("2013-01-01T01:00+01:00", "2013-02-01"), "2013-01-01..2013-02-01"),
    ],
)
def test_span_is_told_as_the_reason(trips: Trips, span: tuple[str, str], told: str) -> None:
    """A backfill's reason is one line: the span that was asked for, with days where it is made of days."""
    trips.counts(interval=("2013-01-02", "2013-01-03"))
    workspace = trips.open(interval=span)
    graph = declare_graph(workspace.project, KINDS)

    planned = make_plan(graph, KINDS, workspace, current_records(workspace)).nodes[-1]

    (reason,) = map(str, planned.reasons)
    assert re.search(rf"outside intervals: 1 missing \(\w{{8}}\) -> {re.escape(told)} \(\w{{8}}\)$", reason)


def test_seconds_of_a_span_count(trips: Trips) -> None:
    """Two spans that read alike and differ in seconds are two states of the outside."""
    spans = [("2013-01-01T06:00:00", "2013-01-02"), ("2013-01-01T06:00:30", "2013-01-02")]

    facts = [probe_parts(trips.open(interval=span), None).facts["intervals"] for span in spans]

    assert facts[0] != facts[1]
    assert facts[0][:30] == facts[1][:30]


def test_backfill_of_a_complete_table_does_nothing(trips: Trips) -> None:
    """What is there under its key is not computed again, whatever is asked for."""
    trips.counts()

    assert trips.run(interval=("2013-01-01", "2013-01-02")).state is State.HIT


@pytest.mark.parametrize("interval", [("yesterday", "2013-01-01"), ("2013-01-02", "2013-01-02")])
def test_span_that_is_none_is_refused(trips: Trips, interval: tuple[str, str]) -> None:
    """Two times are needed, the first before the second."""
    error = trips.run(interval=interval).error

    assert isinstance(error, InvalidSpan)


def test_environments_build_on_their_own_version(trips: Trips) -> None:
    """The lake's head is another environment's; the intervals that are kept are still this one's."""
    trips.counts()
    trips.write(TABLE, DAILY.replace("km * rate", "km * rate * 100"))
    trips.counts("feature")
    trips.write(TABLE, DAILY)
    trips.land("c", ("2013-01-03 05:00:00", 7))

    assert trips.counts() == (3, 1, 0)
    assert trips.rows() == [("01-01", 60), ("01-02", 10), ("01-03", 14)]
    assert trips.rows("feature") == [("01-01", 6000), ("01-02", 1000)]


def test_contract_reads_the_inputs_whole(trips: Trips) -> None:
    """A rule about another table sees all its rows, not those of the interval that was computed last."""
    trips.write(
        "contracts/mart.daily.odcs.yaml",
        "apiVersion: v3.1.0\nkind: DataContract\nid: f\nversion: 1.0.0\nschema:\n  - name: daily\n"
        "    quality: [{type: sql, query: 'SELECT (SELECT count(*) FROM raw.trips) -"
        " (SELECT sum(trips) FROM ${table})', mustBe: 0}]\n",
    )
    trips.counts()
    trips.land("c", ("2013-01-03 05:00:00", 7))

    assert trips.counts() == (3, 1, 0)


def test_failed_interval_leaves_all_as_it_was(trips: Trips) -> None:
    """Rows and the book of intervals change together or not at all."""
    trips.counts()
    before = trips.rows()
    trips.land("c", ("2013-01-03 05:00:00", 7))
    trips.write(TABLE, DAILY.replace("count(*)", "error('boom')"))

    assert isinstance(trips.error(), TableFailed)
    trips.write(TABLE, DAILY)
    assert trips.rows() == before
    assert trips.counts() == (3, 1, 0)


@pytest.mark.parametrize(
    ("change", "message", "nearest"),
    [
        (("day(began)", "day(began_)"), "has a column 'began_' to partition by", "began"),
        (("day(began)", "day(km)"), "has times in a column 'km'", None),
        (("AS began,", "AS began_,"), "its SELECT gives no such column", "began_"),
        (
            ("date_trunc('day', began)", "date_trunc('day', began) + INTERVAL 9 DAY"),
            "rows of the interval 2013-01-10",
            None,
        ),
    ],
)
def test_table_that_cannot_be_built_in_parts(
    trips: Trips, change: tuple[str, str], message: str, nearest: str | None
) -> None:
    """The error stands at the header and says what is missing."""
    trips.write(TABLE, DAILY.replace(*change))

    error = trips.error()

    assert message in error.message
    assert (str(error.place), error.nearest) == (f"{TABLE}:2", nearest)


def test_error_of_the_engine_has_its_place(trips: Trips) -> None:
    """As in a table that is built at once."""
    trips.write(TABLE, DAILY.replace("km *", "kmm *"))

    error = trips.error()

    assert (str(error.place), error.nearest) == (f"{TABLE}:3:47", "km")


def test_partition_by_key(trips: Trips) -> None:
    """Each value is a part, whatever its type."""
    trips.write(
        TABLE, "-- partition: key(km)\nSELECT km, max(began) AS began, 1 AS cost FROM raw.trips GROUP BY km\n"
    )
    assert trips.counts() == (3, 3, 0)
    trips.land("c", ("2013-01-09 05:00:00", 5), ("2013-01-09 05:00:00", 6))

    assert trips.counts() == (4, 2, 0)
    assert trips.rows() == [("01-01", 1), ("01-01", 1), ("01-09", 1), ("01-09", 1)]


@pytest.mark.parametrize(("by", "intervals"), [("hour", 3), ("month", 1)])
def test_other_lengths(trips: Trips, by: str, intervals: int) -> None:
    """An hour or a month is an interval as a day is."""
    trips.write(TABLE, f"-- partition: {by}(began)\nSELECT began, km AS cost FROM raw.trips\n")

    assert trips.counts() == (intervals, intervals, 0)
    assert [cost for _, cost in trips.rows()] == [10, 20, 5]


def test_empty_input_makes_an_empty_table(trips: Trips) -> None:
    """No interval is no error: the table has its columns and no rows."""
    trips.write(TABLE, "-- partition: day(began)\nSELECT began, 1 AS cost FROM raw.trips WHERE false\n")
    trips.counts()
    trips.write("tables/mart/daily.sql", DAILY.replace("raw.trips", "mart.none"))
    trips.write("tables/mart/none.sql", "FROM raw.trips WHERE false")

    assert trips.counts() == (0, 0, 0)
    assert trips.rows() == []


def test_partitioned_table_travels_with_its_intervals(trips: Trips, tmp_path: Path) -> None:
    """On another machine the next build goes on where this one had come."""
    result, workspace = trips.run(), trips.open()
    kind, node = KINDS["table"], declare_graph(workspace.project, KINDS).nodes["table:mart.daily"]

    packed = kind.pack(node, result.output, workspace)
    state = tmp_path / "elsewhere"
    shutil.copytree(workspace.state / "objects", state / "objects")
    with Workspace(workspace.project, load_settings({}, state_dir=str(state))) as other:
        there = kind.unpack(node, "key", packed, other)
        snapshot = int(there.reference.partition(":")[2])
        rows = open_lake(other).read_book("intervals", "mart.daily", snapshot)

    labels = [label for _, label, _ in rows]
    assert labels == ["2013-01-01", "2013-01-02"]


DAYS = st.tuples(st.integers(1, 5), st.integers(0, 23), st.integers(1, 9))
LANDINGS = st.lists(st.tuples(st.integers(0, 3), st.lists(DAYS, max_size=4)), min_size=1, max_size=4)


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(landings=LANDINGS)
def test_parts_equal_the_whole(tmp_path_factory: pytest.TempPathFactory, landings) -> None:
    """Whatever arrives late, changes or vanishes: the table has the digest of a full rebuild."""
    with ExitStack() as stack:
        trips = Trips(tmp_path_factory.mktemp("trips"), stack)
        trips.land("always", ("2013-01-01 00:00:00", 1))
        for file, rows in landings:
            trips.land(str(file), *((f"2013-01-{day:02} {hour:02}:00:00", km) for day, hour, km in rows))
            output = trips.run().output

        assert output is not None
        assert output.digest == trips.rebuilt_digest()
