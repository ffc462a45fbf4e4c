"""Tables of kind history: versions that open, close, are put right, and never overlap."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropewalk.dataops.lake import query_environment
from ropewalk.dataops.transform import HistoryKeyBroken, TableFailed, TableKind
from ropewalk.pipeline import RunOptions, State, declare_graph, execute

KINDS = {"table": TableKind()}
TIMED = "-- kind: history\n-- key: id\n-- time: moved\nSELECT * FROM staging.people"
PLAIN = "-- kind: history\n-- key: id\nSELECT id, name FROM staging.people"


class Silent:
    """An observer that is told everything and says nothing."""

    def started(self, node_id, reasons): ...

    def progressed(self, node_id, done, total, text): ...

    def ended(self, result): ...


def people(*rows):
    """Return the SQL of the table of people: (id, name, day of January) each."""
    values = ", ".join(f"({i}, {name!r}, TIMESTAMP '2026-01-{day:02d}')" for i, name, day in rows)
    where = "" if rows else " WHERE false"
    none = "(0, '', TIMESTAMP '2026-01-01')"
    return f"SELECT * FROM (VALUES {values or none}) AS v (id, name, moved){where}"


@pytest.fixture
def run(write_project, reopen_tables, run_tables):
    """Return a function that runs a project whose people are as given, and returns result and workspace."""

    def run_people(*rows, history=TIMED, sql=None):
        workspace = reopen_tables(
            write_project(
                {"tables/staging/people.sql": sql or people(*rows), "tables/mart/people.sql": history}
            )
        )
        return run_tables(workspace)["mart.people"], workspace

    return run_people


def versions(workspace, columns="id, name, day(valid_from), day(valid_to), is_current"):
    sql = f"SELECT {columns} FROM mart.people ORDER BY id, valid_from"
    return [tuple(row) for row in query_environment(workspace, sql).rows]


def test_a_changed_row_closes_the_version_before(run):
    """A change ends one version and begins the next at the time of the row."""
    run((1, "Ann", 1), (2, "Bob", 1))

    _, workspace = run((1, "Anna", 5), (2, "Bob", 3))

    assert versions(workspace) == [
        (1, "Ann", 1, 5, False),
        (1, "Anna", 5, None, True),
        (2, "Bob", 1, None, True),
    ]


def test_a_row_that_goes_and_comes_back(run):
    """A row that is gone is closed at the time of the run; when it comes back a version begins after that."""
    run((1, "Ann", 1))
    gone, workspace = run()
    closed = versions(workspace, "id, is_current, valid_to IS NOT NULL")

    _, workspace = run((1, "Ann", 2))

    began, ended = versions(workspace, "valid_from, valid_to")[1][0], versions(workspace, "valid_to")[0][0]
    assert (closed, began >= ended) == ([(1, False, True)], True)
    assert datetime.fromisoformat(gone.output.summary["time"]).replace(microsecond=0) == ended.replace(
        microsecond=0
    )


def test_a_row_that_changes_and_changes_back(run):
    """Content that was there before is a version of its own, not the build of then."""
    run((1, "Ann", 1))
    run((1, "Anna", 2))

    result, workspace = run((1, "Ann", 3))

    assert result.state is State.EXECUTED
    assert [row[1:4] for row in versions(workspace)] == [("Ann", 1, 2), ("Anna", 2, 3), ("Ann", 3, None)]


def test_a_change_without_a_later_time_puts_the_version_right(run):
    """A correction makes no version: nothing was ever as it said."""
    run((1, "Ann", 5))

    _, workspace = run((1, "Anne", 5))
    _, workspace = run((1, "Anna", 2))

    assert versions(workspace) == [(1, "Anna", 5, None, True)]


def test_nothing_new_makes_no_version(run):
    """A run over the same rows is fresh, and one over rows that only were touched leaves the table as it is."""
    first, _ = run((1, "Ann", 1))

    again, _ = run((1, "Ann", 1))
    touched, _ = run((1, "Ann", 9))

    assert [str(reason) for reason in again.reasons] == []
    assert again.state is State.HIT
    assert touched.output.digest == first.output.digest


def test_without_a_time_column_versions_begin_with_the_run(run):
    """What the rows do not tell is told by the time of the run, which is recorded."""
    first, _ = run((1, "Ann", 1), history=PLAIN)

    second, workspace = run((1, "Anna", 1), history=PLAIN)

    times = [datetime.fromisoformat(str(result.output.summary["time"])) for result in (first, second)]
    assert versions(workspace, "valid_from, valid_to") == [(times[0], times[1]), (times[1], None)]


def test_a_new_column_fills_the_current_versions(run):
    """Asking for more is no change of the world: versions that ended lack the column, current ones get it."""
    run((1, "Ann", 1), history=PLAIN)
    run((1, "Anna", 1), history=PLAIN)

    _, workspace = run((1, "Anna", 1), history=PLAIN.replace("name FROM", "name, 7 AS extra FROM"))
    wide = versions(workspace, "name, extra")
    _, workspace = run((1, "Al", 1), history=PLAIN)

    assert wide == [("Ann", None), ("Anna", 7)]
    assert versions(workspace, "name, extra") == [("Ann", None), ("Anna", 7), ("Al", None)]


REFUSED = [
    (people((1, "A", 1), (1, "B", 1)), TIMED, HistoryKeyBroken, "has a key that another has too"),
    ("SELECT NULL AS id, 'x' AS name, now() AS moved", TIMED, HistoryKeyBroken, "has no id or no moved"),
    ("SELECT 1 AS id, 'x' AS name, NULL::DATE AS moved", TIMED, HistoryKeyBroken, "has no id or no moved"),
    (people((1, "A", 1)), TIMED.replace("key: id", "key: idd"), TableFailed, "`key: idd`"),
    (people((1, "A", 1)), TIMED.replace("time: moved", "time: name"), TableFailed, "and is VARCHAR"),
    (people((1, "A", 1)), TIMED.replace("*", "*, 1 AS Valid_to"), TableFailed, "keeps 'Valid_to' itself"),
]


def test_rows_no_history_can_be_made_of(write_project, open_tables, run_tables):
    """Each table keeps what it had, and its error names the line of the header."""
    files = {}
    for number, (sql, history, _, _) in enumerate(REFUSED):
        files[f"tables/staging/people{number}.sql"] = sql
        files[f"tables/mart/h{number}.sql"] = history.replace("staging.people", f"staging.people{number}")

    results = run_tables(open_tables(write_project(files)))

    for number, (_, _, error, message) in enumerate(REFUSED):
        found = results[f"mart.h{number}"].error
        assert isinstance(found, error)
        assert message in found.message
        assert found.place.path == f"tables/mart/h{number}.sql"


def test_a_column_that_changes_its_type(run):
    """Versions of before that do not fit the new type end the build, and stay."""
    run((1, "Ann", 1))

    result, workspace = run(sql="SELECT 1 AS id, 5 AS name, TIMESTAMP '2026-01-02' AS moved")

    assert isinstance(result.error, TableFailed)
    assert "cannot go on" in result.error.message
    assert versions(workspace) == [(1, "Ann", 1, None, True)]


states = st.lists(
    st.dictionaries(st.integers(1, 3), st.tuples(st.sampled_from("ab"), st.integers(1, 9)), max_size=3),
    min_size=2,
    max_size=3,
)


@settings(max_examples=3, suppress_health_check=list(HealthCheck))
@given(states)
def test_versions_never_overlap(write_project, open_tables, run_tables, found):
    """Whatever happens, at each time a key has one version at most, and the current ones are the rows of now."""
    header = TIMED.partition("SELECT")[0]
    root = write_project({"tables/mart/people.sql": TIMED})
    shutil.rmtree(root / ".ropewalk", ignore_errors=True)
    for state in found:
        rows = [(key, name, day) for key, (name, day) in sorted(state.items())]
        workspace = open_tables(write_project({"tables/mart/people.sql": header + people(*rows)}))
        assert run_tables(workspace)["mart.people"].error is None

    last = sorted((key, name) for key, (name, _) in found[-1].items())
    overlaps = (
        "SELECT count(*) FROM mart.people AS a JOIN mart.people AS b ON a.id = b.id AND a.valid_from < b.valid_from "
        "WHERE a.valid_to IS NULL OR a.valid_to > b.valid_from"
    )
    current = query_environment(
        workspace, "SELECT id, name FROM mart.people WHERE is_current ORDER BY ALL"
    ).rows
    assert [tuple(row) for row in current] == last
    assert query_environment(workspace, overlaps).rows[0][0] == 0


def test_environments_go_on_from_what_they_have(write_project, open_tables, run_tables):
    """A branch continues the history it began with, and leaves that of the others as it is."""

    def run_in(environment, *rows):
        root = write_project({"tables/staging/people.sql": people(*rows), "tables/mart/people.sql": TIMED})
        workspace = open_tables(root)
        workspace.settings = replace(workspace.settings, environment=environment)
        run_tables(workspace)
        return versions(workspace, "name, day(valid_to)")

    run_in("dev", (1, "Ann", 1))
    branch = run_in("branch", (1, "Anna", 3))
    dev = run_in("dev", (1, "Al", 5))
    again = run_in("branch", (1, "Ada", 7))

    assert branch == [("Ann", 3), ("Anna", None)]
    assert dev == [("Ann", 5), ("Al", None)]
    assert again == [("Ann", 3), ("Anna", 7), ("Ada", None)]


def test_a_history_is_reproduced_as_it_went_on_then(run, write_project, open_tables):
    """Doing a run again starts from what was there then, at the time of then, whatever came since."""
    run((1, "Ann", 1), history=PLAIN)
    second, _ = run((1, "Anna", 1), history=PLAIN)
    run((1, "Al", 1), history=PLAIN)
    files = {"tables/staging/people.sql": people((1, "Anna", 1)), "tables/mart/people.sql": PLAIN}
    workspace = open_tables(write_project(files))
    options = RunOptions(cause="reproduce", reuses=False, records=False, moves_pointers=False)

    graph = declare_graph(workspace.project, KINDS)
    result = execute(graph, KINDS, workspace, Silent(), options=options)

    again = next(node for node in result.nodes if node.id == "table:mart.people")
    assert again.output.digest == second.output.digest
    assert len(versions(workspace)) == 3
