"""`ropewalk plan` and `ropewalk why` say what is not fresh, and why."""

from __future__ import annotations

import re

import pytest

from ropewalk.cli.commands.plan import explain
from ropewalk.pipeline import PlannedNode, Reason, Status


@pytest.fixture
def changed(make_project, shop):
    """Edit the predicate of a table in the middle, for one test."""
    sql = shop / "tables/staging/orders.sql"
    before = sql.read_text()
    sql.write_text(before.rstrip() + " WHERE amount > 15\n")
    yield shop
    sql.write_text(before)


def test_fresh_nodes_are_not_listed(shop, ropewalk):
    """When all is fresh a plan is one line, which says how to see the nodes."""
    said = ropewalk("plan", cwd=shop).out.splitlines()

    assert said == ["0 to run, 0 waiting on them, 3 fresh (--all lists them)  (environment dev)"]


def test_all_lists_them(shop, ropewalk):
    """With --all each fresh node has its line."""
    said = ropewalk("plan", "--all", cwd=shop).out

    assert "= source:orders\n= table:staging.orders\n= table:mart.totals\n" in said
    assert "3 fresh  (environment dev)" in said


def test_json_always_has_all(shop, ropewalk):
    """A program gets every node whatever is shown to people."""
    assert len(ropewalk("plan", "--json", cwd=shop).json["nodes"]) == 3


def test_a_node_that_was_asked_for_is_listed(shop, ropewalk):
    """Who names a node wants to read of it, fresh or not."""
    assert "= table:mart.totals" in ropewalk("plan", "mart.totals", cwd=shop).out


def test_marks_tell_stale_from_waiting(changed, ropewalk):
    """`+` runs for certain, `?` when its input comes out different."""
    said = ropewalk("plan", cwd=changed).out

    assert re.search(r"\+ table:staging.orders  \([0-9.]+ s the last time\)\n    sql: ", said)
    assert re.search(
        r"\? table:mart.totals  \([0-9.]+ s.*\)\n    input: waits for table:staging.orders", said
    )
    assert "source:orders" not in said


def test_why_of_a_waiting_node(changed, ropewalk):
    """A node that waits is said to, with the cause below it."""
    said = ropewalk("why", "totals", cwd=changed).out

    assert said.startswith("table:mart.totals runs if an input changes\n")
    assert "\ntable:staging.orders is stale\n" in said


def test_why_of_a_fresh_node(shop, ropewalk):
    """A fresh node is one line."""
    assert ropewalk("why", "totals", cwd=shop).out == "table:mart.totals is fresh\n"


def test_a_warning_is_marked():
    """What a person should know of a fresh node stands with its reasons."""
    node = PlannedNode("source:x", Status.FRESH, (Reason("a", "b"),), "not reachable")

    assert explain(node) == ["a: b", "! not reachable"]


def test_fresh_node_with_a_warning_is_listed(make_project, ropewalk):
    """A source that cannot be reached is shown although nothing would run."""
    source = "{kind: rest, url: 'http://127.0.0.1:9/x', on_unreachable: keep}"
    root = make_project({"ropewalk.yaml": f"project: p\nsources:\n  api: {source}\n"}, ran=False)

    assert "source:api" in ropewalk("plan", cwd=root).out


def test_plan_of_an_environment(shop, ropewalk):
    """An environment in the place of the first name is the one that is looked at."""
    ropewalk("run", cwd=shop, ROPEWALK_ENVIRONMENT="trial")

    said = ropewalk("plan", "trial", "mart.totals", cwd=shop).out

    assert "= table:mart.totals" in said
    assert "environment trial" in said


def test_taken_back_edit_would_be_restored(own_shop, ropewalk):
    """What was executed before is not executed again, and the plan says so."""
    sql = own_shop / "tables/staging/orders.sql"
    before = sql.read_text()
    sql.write_text(before.rstrip() + " WHERE amount > 15\n")
    ropewalk("run", cwd=own_shop)
    sql.write_text(before)

    said = ropewalk("plan", cwd=own_shop).out

    assert "< table:staging.orders\n    sql: " in said
    assert "2 restored" in said
