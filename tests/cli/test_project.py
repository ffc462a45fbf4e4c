"""A project of data alone, used as a person would: plan, run, ask, change, understand."""

from __future__ import annotations

import contextlib
from textwrap import dedent

import pytest

from ropewalk.cli.main import run

FILES = {
    "ropewalk.yaml": """
        project: shop
        sources:
          orders: {kind: files, path: "drops/*.csv"}
        """,
    "drops/one.csv": "id,amount,late\n1,10,0\n2,20,1\n",
    "tables/staging/orders.sql": "SELECT id, amount, late = 1 AS late FROM raw.orders WHERE amount > 5\n",
    "tables/mart/totals.sql": "SELECT late, sum(amount) AS amount FROM staging.orders GROUP BY late\n",
    "tables/mart/other.sql": "SELECT count(*) AS n FROM raw.orders\n",
}


@pytest.fixture
def shop(write_project, ropewalk):
    """Return a function that runs the command in the project, and the project's root."""
    return _commands(ropewalk, write_project(FILES))


@pytest.fixture(scope="module")
def ran_root(tmp_path_factory):
    """Return the root of the project after one run; the tests that share it leave it as it is."""
    root = tmp_path_factory.mktemp("ran")
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(dedent(text))
    with contextlib.chdir(root):
        assert run(["run"]) == 0
    return root


@pytest.fixture
def ran(ran_root, ropewalk):
    """Return a function that runs the command in the project that has run."""
    return _commands(ropewalk, ran_root)


def _commands(ropewalk, root):
    def call(*arguments):
        return ropewalk(*arguments, cwd=root)

    call.root = root
    return call


def test_plan_writes_nothing_and_lists_every_node(shop):
    """A plan names what would run; afterwards nothing was executed."""
    plan = shop("plan", "--json").json

    assert {node["id"] for node in plan["nodes"]} == {
        "source:orders",
        "table:staging.orders",
        "table:mart.totals",
        "table:mart.other",
    }
    assert shop("plan", "--json").json["stale"] == 4
    assert not list((shop.root / ".ropewalk").glob("lake/data/**/*.parquet"))


def test_run_then_run_again_executes_nothing(shop):
    """The second run is all hits, and makes no snapshot."""
    first = shop("run", "--json").json
    second = shop("run", "--json").json

    assert (first["executed"], first["hits"], first["failed"]) == (4, 0, 0)
    assert (second["executed"], second["hits"], second["failed"]) == (0, 4, 0)
    assert second["snapshot"] == first["snapshot"]
    assert second["run_id"] != first["run_id"]


def test_edited_predicate_is_named_and_rebuilds_descendants_only(shop):
    """`why` names the file and both predicates; the run executes the table and what depends on it."""
    shop("run")
    sql = shop.root / "tables/staging/orders.sql"
    sql.write_text(sql.read_text().replace("> 5", "> 15"))

    why = shop("why", "staging.orders").out
    run = shop("run", "--json").json

    assert "tables/staging/orders.sql" in why
    assert "amount > 15" in why
    executed = {node["id"] for node in run["nodes"] if node["state"] == "executed"}
    assert executed == {"table:staging.orders", "table:mart.totals"}


def test_comment_and_format_are_no_change(ran):
    """A comment, other spacing and keyword case leave everything fresh."""
    sql = ran.root / "tables/mart/other.sql"
    sql.write_text("-- how many\nselect\n  COUNT(*) as n\nfrom raw.orders")

    assert ran("run", "--json").json["executed"] == 0


def test_new_file_is_loaded_alone(shop):
    """A new drop adds its rows; `why` names the file."""
    shop("run")
    (shop.root / "drops/two.csv").write_text("id,amount,late\n3,30,1\n")

    assert "drops/two.csv" in shop("why", "orders").out
    shop("run")

    assert shop("sql", "SELECT sum(amount) AS s FROM raw.orders", "--json").json["rows"] == [{"s": 60}]


def test_lineage_reaches_the_source_file(ran):
    """The graph upwards of a table ends at the files that were read."""
    found = ran("lineage", "table:mart.totals", "--up", "--json").json

    assert {"file:drops/one.csv", "source:orders", "table:staging.orders"} <= {
        n["id"] for n in found["nodes"]
    }
    assert {"upstream": "file:drops/one.csv", "downstream": "source:orders", "kind": "origin"} in found[
        "edges"
    ]


def test_status_says_what_is_recorded(shop, ran):
    """Each node's rows and reference are shown after a run, and that it never ran before one."""
    before = shop("status").out
    after = {node["id"]: node for node in ran("status", "--json").json["nodes"]}

    assert "never executed" in before
    assert after["source:orders"]["summary"]["rows"] == 2
    assert after["table:mart.totals"]["reference"].startswith("snapshot:")


def test_sql_answers_as_table_and_is_read_only(ran):
    """A question is answered; a change is refused with a code and the data stay."""
    assert "30" in ran("sql", "SELECT sum(amount) FROM raw.orders").out
    refused = ran("sql", "DELETE FROM raw.orders")
    assert refused.code == 2
    assert "error[RW" in refused.err


def test_selected_run_leaves_the_rest_alone(shop):
    """`run NAME` executes that node and what it needs."""
    run = shop("run", "mart.other", "--json").json

    assert {node["id"] for node in run["nodes"]} == {"source:orders", "table:mart.other"}


def test_unknown_node_has_nearest(shop):
    """A misspelt node exits with 3 and names the nearest."""
    said = shop("run", "mart.totls")

    assert said.code == 3
    assert "mart.totals" in said.err


def test_works_from_a_folder_below_and_with_directory_option(shop, ropewalk):
    """The project is found from below, and from elsewhere with -C."""
    below = ropewalk("plan", "--json", cwd=shop.root / "tables")
    elsewhere = ropewalk("-C", str(shop.root), "plan", "--json")

    assert below.json == elsewhere.json
