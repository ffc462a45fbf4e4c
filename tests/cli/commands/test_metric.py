"""`ropewalk metric` lists, explains and answers."""

from __future__ import annotations

import pytest

FILES = {
    "ropewalk.yaml": "project: m\n",
    "tables/mart/sales.sql": "SELECT * FROM (VALUES ('a', 1.5), ('b', 2.5), ('a', 3.0)) AS v (shop, amount)",
    "metrics/sales.yaml": """
        table: mart.sales
        owner: finance
        dimensions: {shop: shop}
        measures:
          revenue: {kind: sum, column: amount, unit: EUR, description: What was paid}
          sales: {kind: count}
        """,
}


@pytest.fixture(scope="module")
def root(make_project):
    """Return the root of a project with metrics that has run."""
    return make_project(FILES)


def test_list(root, ropewalk):
    """Each metric with its table and what tells it apart."""
    found = ropewalk("metric", "list", cwd=root).out.splitlines()

    assert found[1].split() == ["revenue", "sum", "mart.sales", "shop"]
    assert [item["owner"] for item in ropewalk("metric", "list", "--json", cwd=root).json["metrics"]] == [
        "finance"
    ] * 2


def test_show(root, ropewalk):
    """What a metric means, and its SQL."""
    found = ropewalk("metric", "show", "revenue", cwd=root).out

    assert "What was paid" in found
    assert "sum(base.amount)" in found


def test_query(root, ropewalk):
    """Figures by dimension, as a table, as JSON, as CSV, or as the SELECT alone."""
    asked = ("metric", "query", "revenue,sales", "--by", "shop", "--order=-revenue")

    assert ropewalk(*asked, cwd=root).out.splitlines()[1].split() == ["a", "4.5", "2"]
    assert ropewalk(*asked, "--json", cwd=root).json["rows"][1] == {
        "shop": "b",
        "revenue": "2.5",
        "sales": 1,
    }
    assert ropewalk(*asked, "--csv", cwd=root).out.splitlines()[0] == "shop,revenue,sales"
    assert ropewalk(*asked, "--sql", cwd=root).out.startswith("SELECT base.shop")


def test_unknown_metric(root, ropewalk):
    """The nearest is told."""
    assert "did you mean: revenue" in ropewalk("metric", "query", "revenu", cwd=root).err


def test_schema_for_editors(ropewalk):
    """What may stand in a file of metrics is told as JSON Schema."""
    found = ropewalk("schema", "metrics").json

    assert {"table", "measures", "dimensions"} <= found["properties"].keys()
    assert "publish" in ropewalk("schema").json["properties"]
