"""Building tables through the pipeline: content, contract, failures, and what stays when they happen."""

from __future__ import annotations

import shutil

import pytest

from ropewalk.dataops.contracts import CheckNotRun, ContractBroken
from ropewalk.dataops.lake import open_lake, query_environment
from ropewalk.dataops.transform import TableFailed
from ropewalk.pipeline import State

FLIGHTS = "SELECT * FROM (VALUES (1, 'EWR', 10), (2, 'JFK', NULL), (3, 'LGA', 70)) AS v (id, origin, delay)"
HEADER = "apiVersion: v3.1.0\nkind: DataContract\nid: f\nversion: 1.0.0\nschema:\n  - name: flights\n"
TABLE = "tables/staging/flights.sql"
CONTRACT = "contracts/staging.flights.odcs.yaml"
# What the engine refuses: SQL, message, place and nearest name.
REFUSED = [
    ("SELECT id,\n  delayy\nFROM flights", 'Referenced column "delayy" not found', ":2:3", "delay"),
    ("SELECT delayy FROM flights", 'Referenced column "delayy" not found', ":1:8", "delay"),
    ("-- x\nSELECT f.orgin FROM flights AS f", 'does not have a column named "orgin"', ":2:8", "origin"),
    (
        "SELECT id FROM flights JOIN staging.flights AS g ON flights.delayx = g.id",
        'column named "delayx"',
        ":1:53",
        "delay",
    ),
    ("SELECT CAST(origin AS INTEGER) FROM flights", "Could not convert string 'EWR'", ":1:8", None),
    (
        "SELECT strftim(id) FROM flights",
        "Scalar Function with name strftim does not exist",
        ":1:8",
        "strftime",
    ),
    ("SELECT origin + DATE '2013-01-01' FROM flights", "add explicit type casts.", ":1:15", None),
    ("SELECT sum(id), origin FROM flights", "must appear in the GROUP BY clause", ":1:17", None),
    ("SELECT error('boom') FROM flights", "boom", "", None),
    (f"SELECT {'1 AS i, ' * 30}delayy, {'2 AS j, ' * 30} FROM flights", "delayy", ":1:248", "delay"),
]


@pytest.fixture
def run(write_project, open_tables, run_tables):
    """Return a function that writes files over the project, runs it, and returns the results and the workspace."""

    def run_files(files):
        workspace = open_tables(write_project(files))
        return run_tables(workspace), workspace

    return run_files


def rows(workspace, table="staging.flights"):
    return open_lake(workspace).cursor().execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall()


def test_table_holds_the_rows_of_its_select(run):
    """A table is what its file selects, and may read another by its full or its short name."""
    results, workspace = run(
        {
            TABLE: FLIGHTS,
            "tables/mart/late.sql": "SELECT id FROM staging.flights WHERE delay > 60",
            "tables/mart/punctual.sql": "SELECT flights.id FROM Flights WHERE delay <= 60 -- done\n;\n",
        }
    )

    assert (rows(workspace, "mart.late"), rows(workspace, "mart.punctual")) == ([(3,)], [(1,)])
    assert results["mart.late"].output.summary == {"rows": 1, "columns": ["id"], "contract": None}


def test_output_names_the_snapshot_that_has_the_rows(run):
    """What the output refers to can be read again later, whatever the table became since."""
    results, workspace = run({TABLE: FLIGHTS})
    kind, _, snapshot = results["staging.flights"].output.reference.partition(":")

    _, workspace = run({TABLE: "SELECT 1 AS id"})

    old = f"staging.flights AT (VERSION => {snapshot})"
    assert (kind, len(rows(workspace, old)), rows(workspace)) == ("snapshot", 3, [(1,)])


def test_second_run_executes_nothing(run):
    """A table whose file and inputs did not change is a hit; a comment is no change."""
    run({TABLE: FLIGHTS, "tables/mart/a.sql": "SELECT id FROM flights"})

    results, _ = run({TABLE: f"-- All flights.\n{FLIGHTS.replace('SELECT', 'select ')}"})

    assert {result.state for result in results.values()} == {State.HIT}


def test_changed_text_with_equal_rows_stops_there(run):
    """A table rebuilt to the same content leaves what reads it alone."""
    run({TABLE: FLIGHTS, "tables/mart/a.sql": "SELECT id FROM flights"})

    results, _ = run({TABLE: f"{FLIGHTS} WHERE true"})

    assert results["staging.flights"].state is State.EXECUTED
    assert results["mart.a"].state is State.HIT


def test_table_dropped_from_the_head_is_still_the_environments(run):
    """What a pointer names is a snapshot, which no later change of the lake takes away."""
    _, workspace = run({TABLE: FLIGHTS})
    with open_lake(workspace).transaction("lose it") as transaction:
        transaction.drop("staging.flights")

    results, workspace = run({})

    assert results["staging.flights"].state is State.HIT
    assert len(query_environment(workspace, "FROM staging.flights").rows) == 3


def test_lake_made_again_does_not_pass_for_the_old_one(run):
    """What the records say counts only as long as the lake's own snapshots say it too."""
    _, workspace = run({TABLE: FLIGHTS})
    lake = open_lake(workspace)
    lake.close()
    shutil.rmtree(lake.folder)
    with lake.transaction("another") as transaction:
        transaction.replace("staging.flights", "SELECT 1 AS id")

    results, workspace = run({})

    assert results["staging.flights"].state is State.EXECUTED
    assert len(rows(workspace)) == 3


def test_other_columns_rebuild_the_table(run):
    """A changed SELECT may change the columns too."""
    run({TABLE: FLIGHTS})

    results, workspace = run({TABLE: "SELECT 'x' AS name, 1.5 AS value, [1] AS list"})

    assert results["staging.flights"].output.summary["columns"] == ["name", "value", "list"]
    assert rows(workspace) == [("x", 1.5, [1])]


def test_what_the_engine_refuses_is_an_error_in_the_file(run):
    """A failing SELECT names its file, the place where the engine says one, and the nearest column."""
    files = {f"tables/mart/a{number}.sql": sql for number, (sql, *_) in enumerate(REFUSED)}

    results, workspace = run({TABLE: FLIGHTS, **files})

    for number, (_, message, place, nearest) in enumerate(REFUSED):
        error = results[f"mart.a{number}"].error
        assert isinstance(error, TableFailed)
        assert message in error.message
        assert str(error.place) == f"tables/mart/a{number}.sql{place}"
        assert error.nearest == nearest
    assert open_lake(workspace).table_names() == ("staging.flights",)


def test_error_shows_the_line(run):
    """The detail is the line of the file with a mark below what is wrong, not the SQL as it was sent."""
    results, _ = run({TABLE: FLIGHTS, "tables/mart/a.sql": "SELECT\n  id, delayy\nFROM flights"})

    assert results["mart.a"].error.detail == "  id, delayy\n      ^"


def test_failure_keeps_the_old_content(run):
    """A table whose new SELECT fails still has the rows of the last one that worked."""
    run({TABLE: FLIGHTS})

    results, workspace = run({TABLE: "SELECT CAST('x' AS INTEGER) AS id"})

    assert results["staging.flights"].state is State.FAILED
    assert len(rows(workspace)) == 3


def test_failure_blocks_only_what_reads_the_table(run):
    """The rest of the project is built."""
    results, _ = run(
        {
            TABLE: "SELECT nothing",
            "tables/mart/a.sql": "FROM staging.flights",
            "tables/mart/b.sql": "SELECT 1 AS id",
        }
    )

    states = {name: result.state for name, result in results.items()}
    assert states == {"staging.flights": State.FAILED, "mart.a": State.BLOCKED, "mart.b": State.EXECUTED}


def test_kept_contract_is_in_the_summary(run):
    """How many checks held is recorded with the table; a warning is kept word by word."""
    rules = (
        "    quality: [{metric: rowCount, mustBe: 4, severity: warning}]\n"
        "    properties: [{name: id, primaryKey: true}]\n"
    )

    results, _ = run({TABLE: FLIGHTS, CONTRACT: HEADER + rules})

    found = results["staging.flights"].output.summary["contract"]
    assert (found["checks"], found["passed"]) == (4, 3)
    assert found["warnings"] == ["rowCount: 3 rows, must be 4"]


def test_broken_contract_keeps_the_old_content(run):
    """New rows that break the contract are refused with a sample, and never seen by a reader."""
    rules = "    properties: [{name: id, primaryKey: true}, {name: delay, required: true}]\n"
    run({TABLE: "SELECT 1 AS id, 5 AS delay", CONTRACT: HEADER + rules})

    results, workspace = run({TABLE: FLIGHTS})

    error = results["staging.flights"].error
    assert isinstance(error, ContractBroken)
    assert error.detail == "required(delay): 1 of 3 rows are NULL\n    id = 2, delay = None"
    assert rows(workspace) == [(1, 5)]
    assert results["staging.flights"].state is State.FAILED


def test_stricter_contract_is_checked_on_the_next_run(run):
    """Editing only the contract runs the table again, and names the contract as the reason."""
    run({TABLE: FLIGHTS, CONTRACT: f"{HEADER}    properties: [{{name: id}}]\n"})

    results, _ = run({CONTRACT: f"{HEADER}    properties: [{{name: id, enum: [{{value: 1}}]}}]\n"})

    assert results["staging.flights"].error.message.startswith(
        "staging.flights breaks its contract: enum(id)"
    )


def test_mended_data_pass_again(run):
    """After a refusal the table is built as soon as its rows keep the contract."""
    rules = "    properties: [{name: delay, required: true}]\n"
    run({TABLE: FLIGHTS, CONTRACT: HEADER + rules})

    results, workspace = run({TABLE: f"{FLIGHTS} WHERE delay IS NOT NULL"})

    assert results["staging.flights"].state is State.EXECUTED
    assert len(rows(workspace)) == 2


def test_contract_query_sees_the_new_rows_and_other_tables(run):
    """A rule compares what the transaction is about to publish with other tables of the lake."""
    rules = (
        "    quality:\n"
        "      - name: known airports\n"
        "        type: sql\n"
        "        query: SELECT count(*) FROM ${table} ANTI JOIN staging.airports USING (origin)\n"
        "        mustBe: 0\n"
    )

    results, _ = run(
        {TABLE: FLIGHTS, "tables/staging/airports.sql": "SELECT 'EWR' AS origin", CONTRACT: HEADER + rules}
    )

    assert results["staging.flights"].error.message.endswith("known airports: 2 by its query, must be 0")


def test_contract_query_that_fails_is_no_pass(run):
    """A rule that cannot be run refuses the table, at the rule's place."""
    rules = "    quality: [{type: sql, query: 'SELECT sum(nothing) FROM ${table}', mustBe: 0}]\n"

    results, workspace = run({TABLE: FLIGHTS, CONTRACT: HEADER + rules})

    error = results["staging.flights"].error
    assert isinstance(error, CheckNotRun)
    assert str(error.place) == f"{CONTRACT}:7:27"
    assert open_lake(workspace).table_names() == ()


def test_failed_run_leaves_the_parse_cache_usable(run):
    """After an error the same files give the same error, from the cache."""
    first, _ = run({TABLE: "SELECT nothing"})

    second, _ = run({})

    assert first["staging.flights"].error.as_json() == second["staging.flights"].error.as_json()


@pytest.mark.parametrize("tag", ["", ", tags: [pii]"])
def test_complaints_have_no_personal_values(run, tag):
    """A value that cannot be cast is told of, but not when an input's contract has persons in it."""
    contract = HEADER + f"    properties: [{{name: id{tag}}}]\n"
    source = "SELECT 'ann' AS id"

    results, _ = run(
        {
            TABLE: source,
            CONTRACT: contract,
            "tables/mart/a.sql": "SELECT CAST(id AS INT) AS n FROM staging.flights",
        }
    )

    assert ("'ann'" in results["mart.a"].error.message) is (not tag)
