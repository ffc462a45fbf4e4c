"""A dbt project that moved in runs, and its tables have the rows that dbt gives them."""

from __future__ import annotations

import pytest

from ropewalk import plugins
from ropewalk.dataops.contracts import read_contracts
from ropewalk.dataops.dbt import convert_manifest, read_manifest, write_import
from ropewalk.dataops.lake import query_environment
from ropewalk.dataops.transform import read_table_tests, run_table_tests
from ropewalk.pipeline import State, declare_graph, execute

# What `dbt build` (1.11 on DuckDB) makes of the same project.
EXPECTED = {
    "staging.stg_customers": [(1, "Ann", "Ash"), (2, "Bob", "Birch"), (3, "Cy", "Cedar")],
    "marts.orders": [
        (1, 1, "returned", 10.0),
        (2, 3, "completed", 20.0),
        (3, 1, "completed", 3.5),
        (4, 2, "placed", 0.77),
    ],
    "marts.customers": [(1, 2, 13.5), (2, 1, 0.77), (3, 1, 20.0)],
    "main.order_log": [(1, "returned"), (2, "completed"), (3, "completed"), (4, "placed")],
}


class Silent:
    """An observer that is told everything and says nothing."""

    def started(self, node_id, reasons): ...

    def progressed(self, node_id, done, total, text): ...

    def ended(self, result): ...


@pytest.fixture
def moved(shop, tmp_path, open_workspace):
    """Return a function that moves the shop in and runs it."""

    def move():
        root, into = shop.write(), tmp_path / "here"
        write_import(convert_manifest(read_manifest(root)), root, into)
        workspace = open_workspace(into)
        graph = declare_graph(workspace.project, plugins.kinds())
        return execute(graph, plugins.kinds(), workspace, Silent()), graph, workspace

    return move


def test_the_result_runs(shop, moved):
    """Every node is executed, contracts hold, and the rows are those of dbt."""
    orders = ["model.shop.orders"]
    column = {"model": "{{ get_where_subquery(ref('orders')) }}", "column_name": "order_id"}
    for name, kind in (("nn", "not_null"), ("u", "unique")):
        shop.test(name, "select 1 where false", above=orders, metadata=(kind, column), column="order_id")
    to = {"to": "ref('customers')", "field": "customer_id", "column_name": "customer_id"}
    above = ["model.shop.customers", "model.shop.orders"]
    shop.test(
        "rel", "select 1 where false", above=above, metadata=("relationships", to), column="customer_id"
    )
    shop.test("total", 'select * from "shop"."main"."orders" where amount < 0', above=orders)

    result, _, workspace = moved()

    assert {node.id: node.state for node in result.nodes if node.state is not State.EXECUTED} == {}
    for table, rows in EXPECTED.items():
        found = query_environment(workspace, f"FROM {table} ORDER BY ALL").rows
        assert [tuple(row) for row in found] == [pytest.approx(row) if row[-1] == 0 else row for row in rows]
    history = query_environment(
        workspace, "SELECT count(*), bool_and(is_current) FROM snapshots.orders_snapshot"
    ).rows
    current = query_environment(workspace, "SELECT count(valid_from) FROM marts.current_orders").rows
    assert ([tuple(row) for row in history], current[0][0]) == ([(4, True)], 4)
    checks = read_contracts(workspace.root)["marts.orders"].checks
    assert {"required", "unique", "foreignKey", "sql"} <= {check.kind for check in checks}


def test_unit_tests_run(shop, moved):
    """A unit test of dbt passes here, with the types of the moved tables."""
    shop.parts["unit_tests"]["unit_test.shop.customers.adds_up"] = {
        "unique_id": "unit_test.shop.customers.adds_up",
        "name": "adds_up",
        "model": "customers",
        "given": [
            {
                "input": "ref('stg_customers')",
                "rows": [{"customer_id": 1}],
                "format": "dict",
                "fixture": None,
            },
            {
                "input": "ref('shop', 'stg_orders')",
                "rows": [{"customer_id": 1, "order_id": 7}],
                "format": "dict",
            },
            {"input": "ref('stg_payments')", "rows": [{"order_id": "7", "amount": "5"}], "format": "csv"},
        ],
        "expect": {"rows": [{"customer_id": 1, "value": 5}], "format": "dict"},
        "description": "",
        "overrides": None,
        "depends_on": {"macros": [], "nodes": ["model.shop.customers"]},
    }

    _, graph, workspace = moved()

    (result,) = run_table_tests(read_table_tests(workspace.root), graph, workspace)
    assert (result.test.table, result.passed, result.error) == ("marts.customers", True, None)


def test_a_second_run_moves_on(shop, moved):
    """A changed seed closes a version of the snapshot, and gives the incremental model its new rows and no double ones."""
    _, graph, workspace = moved()
    seed = workspace.root / "seeds/raw_orders.csv"
    seed.write_text(
        seed.read_text().replace("4,2,2018-02-04,placed", "4,2,2018-02-09,shipped")
        + "5,1,2018-03-01,placed\n"
    )

    result = execute(graph, plugins.kinds(), workspace, Silent())

    assert {node.error for node in result.nodes} == {None}
    log = query_environment(workspace, "SELECT * FROM main.order_log ORDER BY 1 DESC LIMIT 2").rows
    assert [tuple(row) for row in log] == [(5, "placed"), (4, "shipped")]
    versions = query_environment(
        workspace, "SELECT status, is_current FROM snapshots.orders_snapshot WHERE id = 4 ORDER BY valid_from"
    ).rows
    assert [tuple(row) for row in versions] == [("placed", False), ("shipped", True)]
