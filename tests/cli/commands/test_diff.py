"""`ropewalk diff`: environments, runs ago, snapshots and branches, for people, programs and merge requests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
schema:
  - name: orders
    properties:
      - {name: id, primaryKey: true}
      - {name: amount, classification: confidential}
"""
EDITED = "SELECT id, amount + 1 AS amount, late = 1 AS late, 'a|b<i>' AS note FROM raw.orders WHERE id = 1\n"


@pytest.fixture(scope="module")
def edited(make_project, tmp_path_factory) -> Path:
    """Return a shop with an environment `mr-7` in which the orders are other ones."""
    from ropewalk.cli.main import run

    from .conftest import SHOP

    root = make_project({**SHOP, "contracts/staging.orders.odcs.yaml": CONTRACT})
    (root / "tables/staging/orders.sql").write_text(EDITED)
    assert run(["-C", str(root), "run", "-e", "mr-7"]) == 0
    return root


def test_default_base_is_what_the_environment_began_with(ropewalk, edited):
    """Rows, columns and samples of each table that differs; the others are counted."""
    found = ropewalk("diff", "-e", "mr-7", "--json", cwd=edited).json

    tables = {table["table"]: table for table in found["tables"]}
    orders = tables["staging.orders"]
    assert (found["base"], found["other"], found["same"]) == ("dev", "mr-7", 1)
    assert (orders["method"], orders["key"]) == ("key", ["id"])
    assert (orders["added"], orders["removed"], orders["changed"]) == (0, 1, 1)
    assert orders["schema"] == [{"column": "note", "before": None, "after": "VARCHAR"}]
    assert tables["mart.totals"]["before"]["rows"] == 2


def test_people_read_the_same(ropewalk, edited):
    """What is confidential is not printed."""
    said = ropewalk("diff", "-e", "mr-7", cwd=edited)

    assert said.out.startswith("mr-7 against dev: 2 tables differ, 1 the same\n")
    assert "staging.orders  2 → 1 rows, compared by key (id)\n  0 added, 1 removed, 1 changed\n" in said.out
    assert "    ~ id=1  amount=*** -> ***" not in said.out
    assert "- id=2  amount=***" in said.out


def test_markdown_is_inert(ropewalk, edited):
    """What stands in the data is neither Markdown nor HTML in the report."""
    said = ropewalk("diff", "-e", "mr-7", "--markdown", cwd=edited)

    assert "| `staging.orders` | 2 → 1 | 0 | 1 | 1 | note added (VARCHAR), amount (1) |" in said.out
    assert "<i>" not in said.out
    assert said.out.count("<details>") == said.out.count("</details>") == 2


def test_tables_can_be_chosen(ropewalk, edited):
    """By their full name or its end; a wrong one has its nearest."""
    found = ropewalk("diff", "-e", "mr-7", "-t", "orders", "--json", cwd=edited).json
    wrong = ropewalk("diff", "-e", "mr-7", "-t", "ordres", cwd=edited)

    assert [table["table"] for table in found["tables"]] == ["staging.orders"]
    assert (wrong.code, "did you mean" in wrong.err) == (3, True)


def test_other_way_round(ropewalk, edited):
    """The base may be any environment: what was removed there was added here."""
    found = ropewalk("diff", "mr-7", "-t", "staging.orders", "--json", cwd=edited).json

    assert (found["base"], found["other"], found["tables"][0]["added"]) == ("mr-7", "dev", 1)


def test_one_table_between_two_snapshots(ropewalk, edited):
    """Whatever environment they belong to; without --to it is the environment's own."""
    rows = {
        row["after"]["snapshot"]
        for row in ropewalk("diff", "-e", "mr-7", "--json", cwd=edited).json["tables"]
    }
    said = ropewalk("diff", "--from", str(min(rows)), "staging.orders", "--json", cwd=edited).json

    assert said["base"] == f"snapshot {min(rows)}"
    assert said["tables"][0]["added"] == 1


def test_snapshot_as_a_base(ropewalk, edited):
    """All tables as the lake had them then; those that were not there yet are added."""
    found = ropewalk("diff", "2", "--json", cwd=edited).json

    assert found["base"] == "snapshot 2"
    assert {table["table"]: table["state"] for table in found["tables"]}["mart.totals"] == "added"


def test_runs_ago(ropewalk, own_shop):
    """`dev~1` is what the environment had before its last run; it is the default where there is no other base."""
    (own_shop / "tables/mart/totals.sql").write_text(
        "SELECT late, sum(amount) + 1 AS amount FROM staging.orders GROUP BY 1"
    )
    assert ropewalk("run", cwd=own_shop).code == 0

    found = ropewalk("diff", "--json", cwd=own_shop).json
    same = ropewalk("diff", "dev", "--exit-code", cwd=own_shop)
    two = ropewalk("diff", "~2", "--json", cwd=own_shop).json

    assert (found["base"], [table["table"] for table in found["tables"]]) == ("dev~1", ["mart.totals"])
    assert (same.code, same.out) == (0, "dev and dev: 3 tables, all the same\n")
    assert {table["state"] for table in two["tables"]} == {"added"}
    assert ropewalk("diff", "--exit-code", cwd=own_shop).code == 1


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (["nowhere"], "RW236", 3),
        (["99"], "RW221", 3),
        (["dev~9"], "RW196", 2),
        (["--from", "2", "--to", "2", "orders"], "RW196", 2),
        (["--from", "2"], "RW188", 2),
        (["--to", "2"], "RW188", 2),
        (["--from", "2", "--to", "99", "orders"], "RW221", 3),
        (["--from", "2", "nothing"], "RW220", 3),
    ],
)
def test_questions_without_an_answer(ropewalk, shop, arguments, code, exit_code):
    """Each has its code, and says what to do next."""
    said = ropewalk("diff", *arguments, "--json", cwd=shop)

    assert (said.json["error"]["code"], said.code) == (code, exit_code)


def test_nothing_was_run_yet(ropewalk, make_project):
    """Without a run there is nothing to compare."""
    said = ropewalk(
        "diff",
        cwd=make_project({"tables/a/b.sql": "SELECT 1 AS x", "ropewalk.yaml": "project: p"}, ran=False),
    )

    assert said.code == 2
    assert "nothing was run" in said.err


def test_branch_as_a_base(ropewalk, edited, tmp_path):
    """A branch means the environment that its work goes to."""
    root = Path(shutil.copytree(edited, tmp_path / "copy"))

    assert ropewalk("diff", "main", "-e", "mr-7", "--json", cwd=root).json["base"] == "dev"
