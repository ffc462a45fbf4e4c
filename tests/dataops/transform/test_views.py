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
from ropewalk.dataops.transform import TableFailed, TableKind
from ropewalk.pipeline import State, Workspace, declare_graph, execute
from ropewalk.project import load_project
from ropewalk.settings import load_settings

FLIGHTS = "SELECT * FROM (VALUES (1, 'EWR', 10), (2, 'JFK', NULL), (3, 'LGA', 70)) AS v (id, origin, delay)"
FILES = {
    "tables/staging/flights.sql": FLIGHTS,
    "tables/staging/late.sql": "-- Late ones.\n-- kind: view\nSELECT id, f.origin FROM flights AS f WHERE delay > 60 -- late",
    "tables/mart/origins.sql": "SELECT origin, count(*) AS n FROM staging.late GROUP BY ALL",
}


class Silent:
    """An observer that is told everything and says nothing."""

    def started(self, node_id, reasons): ...

    def progressed(self, node_id, done, total, text): ...

    def ended(self, result): ...


@pytest.fixture
def run(write_project, reopen_tables, run_tables):
    """Return a function that writes files over the project, runs it, and returns the results and the workspace."""

    def run_files(files):
        workspace = reopen_tables(write_project(files))
        return run_tables(workspace), workspace

    return run_files


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Return the results and the open workspace of a project that tests only read."""
    root = tmp_path_factory.mktemp("project")
    others = {
        "ropewalk.yaml": "project: test",
        "tables/mart/places.sql": "-- kind: view\nSELECT late.origin, g.id FROM late JOIN late AS g USING (id)",
        "tables/mart/wrong.sql": "-- kind: view\nSELECT idd FROM flights",
    }
    for name, text in {**FILES, **others}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    kinds = {"table": TableKind()}
    with Workspace(load_project(root, []), load_settings({})) as workspace:
        graph = declare_graph(workspace.project, kinds)
        result = execute(graph, kinds, workspace, Silent())
        yield {node.id.partition(":")[2]: node for node in result.nodes}, workspace


def ask(workspace, sql):
    return [tuple(row) for row in query_environment(workspace, sql).rows]


def test_a_view_is_read_like_a_table(ran):
    """SQL of people, tables behind it and steps all see its rows; none are stored."""
    results, workspace = ran

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


def test_a_view_is_listed_with_its_columns_and_rows(ran):
    """Pages and catalogues describe it as they describe tables."""
    _, workspace = ran

    found = {f"{info.schema}.{info.name}": info for info in list_environment_tables(workspace)}
    at_head = {f"{info.schema}.{info.name}": info.rows for info in open_lake(workspace).tables()}

    assert [column.name for column in found["staging.late"].columns] == ["id", "origin"]
    assert (found["staging.late"].rows, at_head) == (
        1,
        {"mart.origins": 1, "mart.places": 1, "staging.flights": 3, "staging.late": 1},
    )


def test_a_view_means_what_it_meant(run):
    """An older snapshot of a view shows the inputs of then, also inside another lake connection at that snapshot."""
    results, workspace = run(FILES)
    was = snapshot_of(results["staging.late"].output)
    _, workspace = run({"tables/staging/flights.sql": FLIGHTS.replace("10", "90")})

    old = ask(workspace, f"SELECT id FROM staging.late AT (VERSION => {was})")
    reader = open_reader(workspace.state / "lake", was)

    assert (old, reader.sql("SELECT id FROM staging.late").fetchall()) == ([(3,)], [(3,)])


def test_a_view_over_a_view(ran):
    """Views stack, with short names and with aliases."""
    assert ask(ran[1], "FROM mart.places") == [("LGA", 3)]


def test_a_view_becomes_a_table_and_back(run):
    """The kind can change; the reason to build again names it."""
    run({"tables/mart/x.sql": "-- kind: view\nSELECT 1 AS a"})

    table, _ = run({"tables/mart/x.sql": "SELECT 2 AS a"})
    view, workspace = run({"tables/mart/x.sql": "-- kind: view\nSELECT 3 AS a"})

    assert ask(workspace, "FROM mart.x") == [(3,)]
    assert [reason.what for reason in [*table["mart.x"].reasons, *view["mart.x"].reasons]].count("kind") == 2


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


def test_a_view_that_fails_says_where(ran):
    """The error names the place in the file."""
    error = ran[0]["mart.wrong"].error

    assert isinstance(error, TableFailed)
    assert (str(error.place), error.nearest) == ("tables/mart/wrong.sql:2:8", "id")


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
