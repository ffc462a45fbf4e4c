"""What a run did is counted, and a run that would do nothing is known."""

from __future__ import annotations

import pytest

from ropewalk.pipeline import NodeResult, RunResult, State


def run(*nodes):
    return RunResult("r", "default", nodes)


HIT = NodeResult("a:1", State.HIT, settled=True)


def test_count():
    """Each state is counted by itself."""
    result = run(HIT, HIT, NodeResult("a:2", State.FAILED))

    assert [result.count(state) for state in State] == [2, 0, 0, 1, 0]


@pytest.mark.parametrize(
    "other",
    [
        NodeResult("a:2", State.HIT),
        NodeResult("a:2", State.HIT, settled=True, warning="the source is away"),
        NodeResult("a:2", State.EXECUTED, settled=True),
        NodeResult("a:2", State.RESTORED, settled=True),
        NodeResult("a:2", State.BLOCKED, settled=True),
    ],
)
def test_one_that_is_not_settled(other):
    """One node that may do or say something next time is enough."""
    assert run(HIT).is_settled
    assert not run(HIT, other).is_settled


def test_empty_run_is_settled():
    """A project without nodes has nothing to do."""
    assert run().is_settled
