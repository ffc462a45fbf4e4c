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


def test_a_broken_question(root, ropewalk):
    """The list names it beside the others, which can still be asked; who asks for it is told why."""
    path = root / "questions/broken.sql"
    path.write_text("SELEC 1", encoding="utf-8")
    try:
        listed, answered, refused = (
            ropewalk("ask", *args, cwd=root) for args in ((), ("sales",), ("broken",))
        )
        found = ropewalk("ask", "--json", cwd=root).json
    finally:
        path.unlink()

    assert ("sales" in listed.out, "questions/broken.sql:1" in listed.err) == (True, True)
    assert (listed.code, answered.code, refused.code) == (0, 0, 2)
    assert [problem["place"][:20] for problem in found["broken"]] == ["questions/broken.sql"]
