"""`ropewalk impact` and `ropewalk lineage --columns`: what a change reaches, and where columns come from."""

from __future__ import annotations

import json

import pytest


def test_impact_of_a_column(ropewalk, shop):
    """Columns and tables, with the way on request."""
    said = ropewalk("impact", "raw.orders.amount", "--paths", cwd=shop)

    assert said.out.startswith("column:raw.orders.amount\n  columns:\n    staging.orders.amount\n")
    assert "      -value-> column:mart.totals.amount\n" in said.out


def test_filters_are_told_apart(ropewalk, shop):
    """What only groups or filters is marked."""
    said = ropewalk("impact", "staging.orders.late", cwd=shop)
    found = ropewalk("impact", "staging.orders.late", "--json", cwd=shop).json

    assert "  tables:\n    mart.totals  (by a filter)\n" in said.out
    assert {item["id"]: item["how"] for item in found["affected"]}["column:mart.totals.late"] == "value"
    assert "required(late)" in [check["name"] for check in found["checks"]]


def test_nothing_depends_on_it(ropewalk, shop):
    """That is an answer."""
    assert "nothing depends on it" in ropewalk("impact", "mart.totals.amount", cwd=shop).out


def test_unknown_name(ropewalk, shop):
    """With its nearest."""
    said = ropewalk("impact", "staging.orders.amont", cwd=shop)

    assert said.code == 3
    assert "did you mean: staging.orders.amount" in said.err


def test_columns_of_a_table(ropewalk, shop):
    """Each with its origins and what was done, then what decides about rows."""
    said = ropewalk("lineage", "totals", "--columns", cwd=shop)
    found = ropewalk("lineage", "table:mart.totals", "--columns", "--json", cwd=shop).json

    assert said.out == (
        "mart.totals\n"
        "  late <- staging.orders.late  (copy)\n"
        "  amount <- staging.orders.amount  (aggregated)\n"
        "  which rows there are:\n"
        "    group: staging.orders.late\n"
    )
    assert (found["key"], found["columns"][1]["values"]) == (["late"], ["staging.orders.amount"])


def test_openlineage_is_one_event_a_line(ropewalk, shop):
    """Of everything that is recorded, inputs first."""
    lines = ropewalk("lineage", "--format", "openlineage", cwd=shop).out.splitlines()

    names = [json.loads(line)["job"]["name"] for line in lines]
    assert names == ["source:orders", "table:staging.orders", "table:mart.totals", "checks:mart.totals"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [([], "RW188"), (["nothing", "--columns"], "RW237"), (["raw.orders", "--columns"], "RW237")],
)
def test_lineage_of_what_is_not_there(ropewalk, shop, arguments, code):
    """A name is needed, and columns are those of tables that SQL makes."""
    assert ropewalk("lineage", *arguments, "--json", cwd=shop).json["error"]["code"] == code
