"""`ropewalk ask` lists saved questions and answers them."""

from __future__ import annotations

import pytest

FILES = {
    "ropewalk.yaml": "project: q\n",
    "tables/mart/sales.sql": "SELECT * FROM (VALUES ('a', 1), ('b', 2)) AS v (shop, n)",
    "questions/sales.sql": "-- title: Who sells\n-- parameter: shop text = a\nSELECT n FROM mart.sales WHERE shop = $shop\n",
}


@pytest.fixture(scope="module")
def root(make_project):
    """Return the root of a project with a question that has run."""
    return make_project(FILES)


def test_list(root, ropewalk):
    """Every question with its title and parameters."""
    assert ropewalk("ask", cwd=root).out.splitlines()[1].split() == ["sales", "Who", "sells", "shop"]
    assert ropewalk("ask", "--json", cwd=root).json["questions"][0]["parameters"][0]["default"] == "a"


def test_answer(root, ropewalk):
    """The answer for a value, as a table, as CSV and as JSON."""
    assert ropewalk("ask", "sales", cwd=root).out.split() == ["n", "1"]
    assert ropewalk("ask", "sales", "shop=b", "--format", "csv", cwd=root).out == "n\n2\n"
    assert ropewalk("ask", "sales", "shop=b", "--json", cwd=root).json["rows"] == [{"n": 2}]


def test_wrong_usage(root, ropewalk):
    """What is no value, and no question, is told."""
    assert ropewalk("ask", "sales", "shop", cwd=root).code == 2
    assert "did you mean: sales" in ropewalk("ask", "sale", cwd=root).err
