"""`ropewalk catalog` and `ropewalk profile`: finding data, and what its values are like."""

from __future__ import annotations


def test_without_words_all_tables_are_listed(ropewalk, shop):
    """With rows, columns and owner."""
    said = ropewalk("catalog", cwd=shop)
    found = ropewalk("catalog", "--json", cwd=shop).json

    assert said.out.splitlines()[0].split() == ["table", "rows", "columns", "owner", "meaning"]
    assert {hit["name"] for hit in found["found"]} == {"raw.orders", "staging.orders", "mart.totals"}


def test_words_find_tables_and_columns(ropewalk, shop):
    """Best first; only of a kind on request."""
    found = ropewalk("catalog", "amount", "--json", cwd=shop).json["found"]
    tables = ropewalk("catalog", "orders", "--kind", "table", cwd=shop)

    assert {(hit["kind"], hit["table"]) for hit in found} == {
        ("column", "raw.orders"),
        ("column", "staging.orders"),
        ("column", "mart.totals"),
    }
    assert "staging.orders" in tables.out
    assert "column" not in tables.out


def test_nothing_found(ropewalk, shop):
    """That is said, and is no error."""
    said = ropewalk("catalog", "zebra", cwd=shop)

    assert (said.code, said.out) == (0, "")
    assert "nothing has 'zebra' in it" in said.err


def test_profile_for_people_and_programs(ropewalk, shop):
    """A line for each column; all of it as JSON."""
    said = ropewalk("profile", "staging.orders", cwd=shop)
    found = ropewalk("profile", "orders", "--json", cwd=shop)
    totals = ropewalk("profile", "totals", "--json", cwd=shop).json

    assert said.out.startswith("staging.orders at snapshot 3: 2 rows, all\n")
    assert "false (1), true (1)" in said.out
    assert found.json["error"]["nearest"] is not None or "can mean" in found.json["error"]["message"]
    assert [column["mean"] for column in totals["columns"]] == [None, 15.0]


def test_profile_of_nothing(ropewalk, shop, make_project):
    """A table that is not there, and one that was not made yet."""
    unmade = make_project({"ropewalk.yaml": "project: p", "tables/a/b.sql": "SELECT 1 AS x"}, ran=False)

    assert ropewalk("profile", "nothing", cwd=shop).code == 3
    assert "was not made yet" in ropewalk("profile", "a.b", cwd=unmade).err
