"""What is compared with: names that mean a base, and those that mean none."""

from __future__ import annotations

import pytest

from ropewalk.dataops.diff import InvalidComparison, UnknownBase
from ropewalk.dataops.diff.sides import base_side, current_side
from ropewalk.dataops.lake import SnapshotMissing


@pytest.fixture
def workspace(write_project, open_workspace):
    """Return a project in which nothing was run."""
    return open_workspace(write_project({"ropewalk.yaml": "project: p\n"}))


def test_environment_without_a_run_is_empty(workspace):
    """It has its name and no tables."""
    side = current_side(workspace)

    assert (side.label, dict(side.tables)) == (workspace.settings.environment, {})


@pytest.mark.parametrize("base", [None, "~", "~1", "~3"])
def test_nothing_was_run_yet(workspace, base):
    """There is nothing earlier to compare with, and it is said what lists what there is."""
    with pytest.raises(InvalidComparison, match="nothing was run in environment") as caught:
        base_side(workspace, base)

    assert "ropewalk env show --history" in caught.value.hint


@pytest.mark.parametrize(
    ("base", "name"), [("nobody", "nobody"), ("nobody~2", "nobody"), ("²", "²"), ("-1", "-1"), ("", "")]
)
def test_names_of_nothing(workspace, base, name):
    """The error names what was asked for, without how many runs ago, and says what could be."""
    with pytest.raises(UnknownBase) as caught:
        base_side(workspace, base)

    assert caught.value.message == f"nothing is called {name!r} that could be compared with"
    assert "NAME~1" in caught.value.hint


@pytest.mark.parametrize("base", ["99999", "9" * 30])
def test_snapshots_that_the_lake_does_not_have(workspace, base):
    """However great the number."""
    with pytest.raises(SnapshotMissing, match=base):
        base_side(workspace, base)
