"""A reviewed plan is read back as it was written, and nothing else passes for one."""

from __future__ import annotations

import pytest

from ropewalk.pipeline.errors import InvalidPlan, PlanMoved
from ropewalk.pipeline.plan import Plan, PlannedNode, Status
from ropewalk.pipeline.plan_files import SHOWN, PlanOrigin, plan_file, read_plan, require_same, write_plan
from ropewalk.pipeline.reasons import Reason

ORIGIN = PlanOrigin("shop", "c0ffee", False, {"train.depth": "6"})
STALE = PlannedNode(
    "step:train", Status.STALE, (Reason("sql", "changed"),), seconds=2.5, key="0123456789abcdef"
)
FRESH = PlannedNode("table:a", Status.FRESH, key="fedcba9876543210")


def plan(*nodes, version=3):
    return Plan("production", nodes or (STALE, FRESH), version)


def refusal(path):
    with pytest.raises(InvalidPlan) as caught:
        read_plan(path)
    assert str(caught.value.place) == str(path)
    return caught.value


def test_written_and_read(tmp_path):
    """Nothing of a plan is lost on its way through a file, and nothing is left beside it."""
    written = plan_file(plan(), ORIGIN)
    write_plan(written, tmp_path / "plan.json")

    assert read_plan(tmp_path / "plan.json") == written
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]
    assert written.nodes[0].reasons == ["sql: changed"]


def test_id_is_of_all_that_it_says():
    """Any difference makes it another plan; the same again is the same."""
    ids = {
        plan_file(plan(), ORIGIN).id,
        plan_file(plan(version=4), ORIGIN).id,
        plan_file(plan(STALE), ORIGIN).id,
        plan_file(plan(), PlanOrigin("shop", None, False, {})).id,
    }

    assert len(ids) == 4
    assert plan_file(plan(), ORIGIN).id in ids


def test_expected_keys():
    """Carrying out holds each node to the key that was reviewed."""
    waits = PlannedNode("step:late", Status.WAITS)

    expected = plan_file(plan(STALE, waits), ORIGIN).expected

    assert expected == {"step:train": "0123456789abcdef", "step:late": None}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"format": "\xff"}',
        b'{"format": 1}',
        b"[" * 9000,
        b"{'a': 1}",
    ],
)
def test_what_is_no_plan(tmp_path, content):
    """Whatever a file holds, it is refused by name and never by a traceback."""
    (tmp_path / "plan.json").write_bytes(content)

    assert refusal(tmp_path / "plan.json").message.startswith("not a plan: ")


def test_plan_with_more_in_it(tmp_path):
    """A key that nobody understands was reviewed by nobody either."""
    write_plan(plan_file(plan(), ORIGIN), tmp_path / "plan.json")
    text = (tmp_path / "plan.json").read_text()
    (tmp_path / "plan.json").write_text(text.replace('"format"', '"skip": true, "format"'))

    assert "skip" in refusal(tmp_path / "plan.json").message


def test_plan_of_another_form(tmp_path):
    """A plan of a later Ropewalk says so."""
    write_plan(plan_file(plan(), ORIGIN), tmp_path / "plan.json")
    text = (tmp_path / "plan.json").read_text()
    (tmp_path / "plan.json").write_text(text.replace("ropewalk-plan/1", "ropewalk-plan/9"))

    error = refusal(tmp_path / "plan.json")

    assert "'ropewalk-plan/9'" in error.message
    assert error.hint == "make a new plan"


def test_no_plan_there(tmp_path):
    """A missing file is told with the command that makes one."""
    error = refusal(tmp_path / "none.json")

    assert error.message == "cannot be read: No such file or directory"
    assert error.hint == "`ropewalk plan -o plan.json` writes one"


def test_place_that_takes_no_file(tmp_path):
    """A folder of that name is left as it is, and nothing half-written stays beside it."""
    (tmp_path / "plan.json").mkdir()

    with pytest.raises(InvalidPlan, match="the plan cannot be written: Is a directory"):
        write_plan(plan_file(plan(), ORIGIN), tmp_path / "plan.json")
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


def test_folder_that_is_not_there(tmp_path):
    """A plan is not worth making folders that somebody may have mistyped."""
    with pytest.raises(InvalidPlan, match="No such file"):
        write_plan(plan_file(plan(), ORIGIN), tmp_path / "nowhere" / "plan.json")
    assert list(tmp_path.iterdir()) == []


def test_same_plan_is_carried_out():
    """How long things took, and why, may differ: what would be done counts."""
    slower = PlannedNode("step:train", Status.STALE, seconds=9.0, key=STALE.key)

    require_same(plan_file(plan(), ORIGIN), plan(slower, FRESH))


def test_moved_environment():
    """An environment that somebody moved meanwhile makes the review void."""
    with pytest.raises(PlanMoved, match=r"'production' was at version 3 .* and is at 4"):
        require_same(plan_file(plan(), ORIGIN), plan(version=4))


def test_moved_nodes_are_named():
    """What moved is told with how it was reviewed and how it is now."""
    with pytest.raises(PlanMoved) as caught:
        require_same(plan_file(plan(STALE), ORIGIN), plan(FRESH))

    assert caught.value.message == "2 of the plan's nodes moved since it was made, step:train among them"
    assert caught.value.detail == (
        "step:train: stale (01234567) in the plan, not there now\ntable:a: not there in the plan, fresh now"
    )


def test_many_moved_nodes_are_cut():
    """A page of nodes helps nobody."""
    many = [PlannedNode(f"table:t{n:02}", Status.STALE, key="0" * 16) for n in range(SHOWN + 5)]

    with pytest.raises(PlanMoved) as caught:
        require_same(plan_file(plan(FRESH), ORIGIN), plan(FRESH, *many))
    assert (caught.value.detail or "").splitlines()[-1] == "... 5 more"
