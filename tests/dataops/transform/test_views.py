"""Views: a table without rows of its own, which everybody reads like any other."""

from __future__ import annotations

import pytest

from ropewalk.dataops.contracts import ContractBroken
from ropewalk.dataops.lake import (
    list_environment_tables,
    open_lake,
    open_reader,
    query_environment,
    read_table,
    snapshot_of,
)
from ropewalk.dataops.transform import TableFailed
from ropewalk.pipeline import State

FLIGHTS = "SELECT * FROM (VALUES (1, 'EWR', 10), (2, 'JFK', NULL), (3, 'LGA', 70)) AS v (id, origin, delay)"
FILES = {
    "tables/staging/flights.sql": FLIGHTS,
    "tables/staging/late.sql": "-- Late ones.\n-- kind: view\nSELECT id, f.origin FROM flights AS f WHERE delay > 60 -- late",
    "tables/mart/origins.sql": "SELECT origin, count(*) AS n FROM staging.late GROUP BY ALL",
}


@pytest.fixture
def run(write_project, open_tables, run_tables):
    """Return a function that writes files over the project, runs it, and returns the results and the workspace."""

    def run_files(files):
        workspace = open_tables(write_project(files))
        return run_tables(workspace), workspace

    return run_files


def ask(workspace, sql):
    return [tuple(row) for row in query_environment(workspace, sql).rows]


def test_a_view_is_read_like_a_table(run):
    """SQL of people, tables behind it and steps all see its rows; none are stored."""
    results, workspace = run(FILES)

    snapshot = snapshot_of(results["staging.late"].output)
    assert ask(workspace, "FROM staging.late") == [(3, "LGA")]
    assert ask(workspace, "FROM mart.origins") == [("LGA", 1)]
    assert read_table(workspace.state, "staging.late", snapshot).fetchall() == [(3, "LGA")]
    files = list((workspace.state / "lake").rglob("late/*.parquet"))
    assert (results["staging.late"].output.summary["rows"], files) == (1, [])


def test_what_reads_a_view_becomes_stale_through_it(run):
    """A change of an input changes the view, and through it the tables behind."""
    run(FILES)

    results, workspace = run({"tables/staging/flights.sql": FLIGHTS.replace("10", "90")})

    assert {name: result.state for name, result in results.items()} == dict.fromkeys(results, State.EXECUTED)
    assert ask(workspace, "FROM mart.origins ORDER BY ALL") == [("EWR", 1), ("LGA", 1)]


def test_early_cut_off_at_a_view(run):
    """A change that the view does not let through stops at it."""
    run(FILES)

    results, _ = run({"tables/staging/flights.sql": FLIGHTS.replace("10", "11")})

    states = {name: result.state for name, result in results.items()}
    assert (states["staging.late"], states["mart.origins"]) == (State.EXECUTED, State.HIT)


def test_a_view_is_listed_with_its_columns_and_rows(run):
    """Pages and catalogues describe it as they describe tables."""
    _, workspace = run(FILES)

    found = {f"{info.schema}.{info.name}": info for info in list_environment_tables(workspace)}
    at_head = {f"{info.schema}.{info.name}": info.rows for info in open_lake(workspace).tables()}

    assert [column.name for column in found["staging.late"].columns] == ["id", "origin"]
    assert (found["staging.late"].rows, at_head) == (
        1,
        {"mart.origins": 1, "staging.flights": 3, "staging.late": 1},
    )


def test_a_view_means_what_it_meant(run):
    """An older snapshot of a view shows the inputs of then, also inside another lake connection at that snapshot."""
    results, workspace = run(FILES)
    was = snapshot_of(results["staging.late"].output)
    _, workspace = run({"tables/staging/flights.sql": FLIGHTS.replace("10", "90")})

    old = ask(workspace, f"SELECT id FROM staging.late AT (VERSION => {was})")
    reader = open_reader(workspace.state / "lake", was)

    assert (old, reader.sql("SELECT id FROM staging.late").fetchall()) == ([(3,)], [(3,)])


def test_a_view_over_a_view(run):
    """Views stack, with short names and with aliases."""
    _, workspace = run(
        {
            **FILES,
            "tables/mart/places.sql": "-- kind: view\nSELECT late.origin, g.id FROM late JOIN late AS g USING (id)",
        }
    )

    assert ask(workspace, "FROM mart.places") == [("LGA", 3)]


@pytest.mark.parametrize(("before", "after"), [("-- kind: view\n", ""), ("", "-- kind: view\n")])
def test_a_view_becomes_a_table_and_back(run, before, after):
    """The kind can change; the reason to build again names it."""
    run({"tables/mart/x.sql": f"{before}SELECT 1 AS a"})

    results, workspace = run({"tables/mart/x.sql": f"{after}SELECT 2 AS a"})

    assert ask(workspace, "FROM mart.x") == [(2,)]
    assert "kind" in [reason.what for reason in results["mart.x"].reasons]


def test_a_contract_of_a_view(run):
    """A view keeps its contract, or keeps what it meant before."""
    contract = (
        "apiVersion: v3.1.0\nkind: DataContract\nid: f\nversion: 1.0.0\nschema:\n  - name: late\n"
        "    properties:\n      - {name: id, logicalType: integer, unique: true}\n"
    )
    _, workspace = run({**FILES, "contracts/staging.late.odcs.yaml": contract})

    results, workspace = run(
        {"tables/staging/late.sql": "-- kind: view\nSELECT 1 AS id, origin FROM staging.flights"}
    )

    assert isinstance(results["staging.late"].error, ContractBroken)
    assert ask(workspace, "FROM staging.late") == [(3, "LGA")]


def test_a_view_that_fails_says_where(run):
    """The error names the place in the file."""
    results, _ = run({**FILES, "tables/staging/late.sql": "-- kind: view\nSELECT idd FROM flights"})

    error = results["staging.late"].error
    assert isinstance(error, TableFailed)
    assert (str(error.place), error.nearest) == ("tables/staging/late.sql:2:8", "id")


def test_garbage_collection_keeps_what_a_view_shows(run):
    """A snapshot stays for as long as a view that reads it stays, though no pointer names it any more."""
    results, workspace = run(FILES)
    source = snapshot_of(results["staging.flights"].output)
    lake = open_lake(workspace)
    with lake.transaction("churn") as transaction:
        transaction.replace("staging.flights", "SELECT 9 AS id, 'X' AS origin, 99 AS delay")
    kept = snapshot_of(results["staging.late"].output)

    lake.expire({kept}, 0)

    assert ask(workspace, "FROM staging.late") == [(3, "LGA")]
    assert len(ask(workspace, f"FROM staging.flights AT (VERSION => {source})")) == 3
