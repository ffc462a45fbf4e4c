"""`ropewalk run plan.json` does what was reviewed, or nothing."""

from __future__ import annotations

import itertools
import json

import pytest

# Each test has an edit of its own: one that was made before would be restored.
NUMBERS = itertools.count(2)


@pytest.fixture
def reviewed(make_project, shop, ropewalk):
    """Edit a table of a project that has been run, and write the plan; both are taken back after the test."""
    sql = shop / "tables/mart/totals.sql"
    before = sql.read_text()
    sql.write_text(before.replace("sum(amount)", f"sum(amount) * {next(NUMBERS)}"))
    ropewalk("plan", "-o", "plan.json", cwd=shop)
    yield shop
    sql.write_text(before)


def test_reviewed_plan_is_carried_out(reviewed, ropewalk):
    """Its nodes are executed, and the run says which plan asked for it."""
    said = ropewalk("run", "plan.json", "--json", cwd=reviewed)

    assert (said.code, said.json["executed"], said.json["hits"]) == (0, 1, 2)


def test_plan_is_carried_out_once(reviewed, ropewalk):
    """The environment has moved by carrying it out: what was reviewed is no longer what would happen."""
    ropewalk("run", "plan.json", cwd=reviewed)

    said = ropewalk("run", "plan.json", cwd=reviewed)

    assert said.code == 4
    assert "RW314" in said.err
    assert "make a new plan" in said.err


def test_edit_after_the_review_is_refused(reviewed, ropewalk):
    """What nobody has seen is not executed; the error names the node."""
    sql = reviewed / "tables/mart/totals.sql"
    sql.write_text(sql.read_text() + " HAVING sum(amount) > 1\n")

    said = ropewalk("run", "plan.json", cwd=reviewed)

    assert said.code == 4
    assert "table:mart.totals: stale" in said.err


def test_new_data_after_the_review_are_refused(reviewed, ropewalk):
    """The outside counts as well: a file that landed since was not part of the plan."""
    drop = reviewed / "drops/two.csv"
    drop.write_text("id,amount,late\n3,30,0\n")
    said = ropewalk("run", "plan.json", cwd=reviewed)
    drop.unlink()

    assert said.code == 4
    assert "source:orders" in said.err


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "ropewalk-plan/9"}', "not JSON"])
def test_what_is_no_plan(shop, ropewalk, text):
    """A file that no `ropewalk plan` wrote is refused with its name."""
    (shop / "other.json").write_text(text)

    said = ropewalk("run", "other.json", cwd=shop)

    assert said.code == 2
    assert "other.json" in said.err
    assert "ropewalk plan -o plan.json" in said.err


def test_plan_of_another_form_is_named(reviewed, ropewalk):
    """A plan that a later version wrote is not guessed at."""
    plan = json.loads((reviewed / "plan.json").read_text())
    (reviewed / "plan.json").write_text(json.dumps(plan | {"format": "ropewalk-plan/9"}))

    assert "'ropewalk-plan/9'" in ropewalk("run", "plan.json", cwd=reviewed).err


def test_missing_plan(shop, ropewalk):
    """A plan that is not there is told by its name."""
    assert "nowhere.json" in ropewalk("run", "nowhere.json", cwd=shop).err


def test_interval_needs_both_ends(shop, ropewalk):
    """Half an interval is a mistake."""
    assert "--to is missing" in ropewalk("run", "--from", "2026-01-01", cwd=shop).err


@pytest.mark.parametrize(
    "options",
    [["-p", "train.depth=8"], ["-e", "other"], ["--sweep", "train.depth=1,2"], ["--from", "2026-01-01"]],
)
def test_reviewed_plan_takes_no_other_wishes(reviewed, ropewalk, options):
    """What was reviewed is carried out as it stands, or nothing is."""
    said = ropewalk("run", "plan.json", *options, cwd=reviewed)

    assert said.code == 2
    assert f"{options[0]} does not go with plan.json" in said.err


@pytest.mark.parametrize(("start", "end"), [("2026-13-05", "2026-10-08"), ("2026-10-08", "2026-10-05")])
def test_wrong_interval_executes_nothing(shop, ropewalk, start, end):
    """A time that is none is told of before the first node, whether or not a table is partitioned."""
    said = ropewalk("run", "--from", start, "--to", end, cwd=shop)

    assert (said.code, said.out) == (2, "")
    assert "RW135" in said.err
    assert "hint" in said.err


def test_parameter_without_a_step(shop, ropewalk):
    """A parameter is one of a step's."""
    assert "STEP.NAME=VALUE" in ropewalk("run", "-p", "depth=8", cwd=shop).err
