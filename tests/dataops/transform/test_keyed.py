"""Tables of kind incremental with a key: only what changes touch is computed, and it is what a full build gives."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropewalk.dataops.lake import query_environment
from ropewalk.dataops.transform import TableFailed

HEADER = "-- kind: incremental\n-- key: id\n"
DIMENSION = "SELECT * FROM (VALUES (0, 'even'), (1, 'odd')) AS v (parity, word)"
QUERIES = {
    "rows": "SELECT id, qty * 2 AS twice FROM staging.orders WHERE qty > 1",
    "joined": "SELECT o.id, o.qty, p.word FROM staging.orders AS o LEFT JOIN staging.parities AS p ON o.qty % 2 = p.parity",
    "grouped": "SELECT id, sum(qty)::BIGINT AS qty, count(*) AS n FROM staging.orders GROUP BY ALL",
    "chained": "WITH o AS (SELECT * FROM staging.orders), p AS (SELECT id AS number, qty FROM o)\n"
    "SELECT p.number AS id, max(qty) OVER (PARTITION BY p.number) AS most, qty FROM p",
    "distinct": "SELECT DISTINCT id, qty FROM staging.orders",
}


def orders(rows):
    values = ", ".join(f"({'NULL' if i is None else i}, {qty})" for i, qty in rows) or "(0, 0)"
    filler = " UNION ALL SELECT 100 + range, 7 FROM range(20)"
    return f"SELECT * FROM (VALUES {values}) AS v (id, qty) WHERE id IS NULL OR id <> 0{filler}"


@pytest.fixture
def run(write_project, reopen_tables, run_tables):
    """Return a function that runs a project of orders and a table made of them."""

    def run_orders(rows, query=QUERIES["rows"], **files):
        root = write_project(
            {
                "tables/staging/orders.sql": orders(rows),
                "tables/staging/parities.sql": files.get("dimension", DIMENSION),
                "tables/mart/made.sql": files.get("header", HEADER) + query,
            }
        )
        workspace = reopen_tables(root)
        return run_tables(workspace)["mart.made"], workspace

    return run_orders


def made(workspace):
    return sorted(query_environment(workspace, "FROM mart.made").rows, key=repr)


def test_only_affected_keys_are_computed(run):
    """One changed row computes the rows of its key, not those of the others."""
    first, _ = run([(1, 2), (2, 3)])

    second, workspace = run([(1, 2), (2, 5)])

    assert first.output.summary["incremental"] == {"full": "it is not there yet"}
    assert second.output.summary["incremental"] == {"keys": 1, "rows": 1}
    assert {(1, 4), (2, 10)} <= set(made(workspace))


def test_rows_that_go_and_rows_without_a_key(run):
    """A key whose rows are gone has none left; NULL is a key like any other."""
    run([(1, 2), (2, 3), (None, 4), (None, 5)])

    result, workspace = run([(1, 2), (None, 9)])

    assert result.output.summary["incremental"] == {"keys": 2, "rows": 1}
    assert [row for row in made(workspace) if row[0] in (1, 2, None)] == [(1, 4), (None, 18)]


def test_what_cannot_be_shown_is_computed_whole(run):
    """A query that mixes keys is computed as a whole, and says why."""
    query = "SELECT id, row_number() OVER (ORDER BY id) AS n FROM orders"
    run([(1, 2), (2, 3)], query)

    result, _ = run([(1, 2), (2, 5)], query)

    reason = "a window function looks across keys: it has no PARTITION BY id"
    assert result.output.summary["incremental"] == {"full": reason}
    assert result.output.summary["note"] == f"all rows were computed: {reason}"


def test_a_changed_definition_is_computed_whole(run):
    """Another SELECT, another key and a changed second input compute everything."""
    query = QUERIES["joined"]
    run([(1, 2)])

    reasons = [
        run([(1, 2)], query)[0],
        run([(1, 2)], query, dimension=DIMENSION.replace("odd", "uneven"))[0],
        run([(1, 2)], query, header=HEADER.replace("key: id", "key: qty"))[0],
    ]

    found = [result.output.summary["incremental"]["full"] for result in reasons]
    assert found == [
        "its sql changed",
        "staging.parities is not the first table it selects from, or not only that",
        "its key changed",
    ]


def test_a_key_that_is_not_selected(run):
    """The error names the line of the header, and the nearest column."""
    result, _ = run([(1, 2)], "SELECT id AS idd FROM orders")

    assert isinstance(result.error, TableFailed)
    assert (str(result.error.place), result.error.nearest) == ("tables/mart/made.sql:2", "idd")


def test_environments_keep_their_own_rows(write_project, open_tables, run_tables):
    """What another environment wrote last is not what the next build of this one keeps."""

    def run_in(environment, *rows):
        root = write_project(
            {"tables/staging/orders.sql": orders(rows), "tables/mart/made.sql": HEADER + QUERIES["rows"]}
        )
        workspace = open_tables(root)
        workspace.settings = replace(workspace.settings, environment=environment)
        return run_tables(workspace)["mart.made"].output.summary["incremental"], made(workspace)

    run_in("dev", (1, 2), (2, 3))
    run_in("branch", (1, 9), (2, 3))
    told, rows = run_in("dev", (1, 2), (2, 4))

    assert told == {"keys": 1, "rows": 1}
    assert [row for row in rows if row[0] < 3] == [(1, 4), (2, 8)]


row = st.tuples(st.one_of(st.none(), st.integers(1, 4)), st.integers(0, 5))
edits = st.lists(st.lists(row, max_size=5), min_size=2, max_size=2)


@settings(max_examples=2, suppress_health_check=list(HealthCheck))
@given(edits)
def test_incremental_equals_full(write_project, open_tables, run_tables, found):
    """Whatever is edited, the rows are those that computing all of them gives."""
    shutil.rmtree(write_project({}) / ".ropewalk", ignore_errors=True)
    made = {f"tables/mart/{name}.sql": HEADER + query for name, query in QUERIES.items()}
    for rows in found:
        files = {"tables/staging/orders.sql": orders(rows), "tables/staging/parities.sql": DIMENSION}
        workspace = open_tables(write_project({**files, **made}))
        run_tables(workspace)

    for name, query in QUERIES.items():
        full = query_environment(workspace, query).rows
        assert sorted(query_environment(workspace, f"FROM mart.{name}").rows, key=repr) == sorted(
            full, key=repr
        ), name
