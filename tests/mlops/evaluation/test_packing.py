"""A gate's decision travels with its output, and counts only if it is what its digest says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ropewalk.errors import Place
from ropewalk.mlops.evaluation import GateKind, get_decision
from ropewalk.mlops.evaluation.errors import DecisionDamaged
from ropewalk.mlops.evaluation.packing import decision_digest
from ropewalk.pipeline import Node, Output, Packed, Workspace
from ropewalk.project import Project
from ropewalk.settings import load_settings

NODE = Node("gate:late", Place("ropewalk.yaml", 1))
RESULT = {
    "metric": "evaluate.auc",
    "value": 0.79,
    "bound": "min",
    "bound_value": 0.76,
    "baseline": None,
    "baseline_version": None,
    "verdict": "passed",
    "reason": "evaluate.auc is 0.79: within min 0.76",
}


@pytest.fixture
def workspace(tmp_path, environ) -> Iterator[Workspace]:
    """Return a project on a machine that decided nothing."""
    with Workspace(Project(tmp_path, "test", {}), load_settings(environ)) as opened:
        yield opened


def packed(*results: object) -> Packed:
    """Return what another machine would send."""
    rows, metrics = list(results), {"evaluate.auc": 0.79}
    digest = decision_digest(rows, metrics)
    return Packed(Output(digest, "gate:1", {"verdict": "passed", "results": rows, "metrics": metrics}), {})


def test_a_decision_arrives_whole(workspace: Workspace) -> None:
    """It holds here under its key, with every result, also when it arrives twice."""
    sent = packed(RESULT)

    for _ in range(2):
        output = GateKind().unpack(NODE, "k" * 32, sent, workspace)

    assert output == sent.output
    assert GateKind().holds(NODE, "k" * 32, output, workspace)
    decision = get_decision(workspace.database, "k" * 32)
    assert decision
    assert [result.reason for result in decision.results] == [RESULT["reason"]]


def test_what_a_gate_decided_needs_no_objects(workspace: Workspace) -> None:
    """The output has all of it."""
    output = packed(RESULT).output

    assert GateKind().pack(NODE, output, workspace) == Packed(output, {})


@pytest.mark.parametrize(
    "sent",
    [
        packed(),
        packed({**RESULT, "verdict": "failed"}),
        packed({**RESULT, "colour": "red"}),
        packed("passed"),
        replace(packed(RESULT), output=replace(packed(RESULT).output, digest="other")),
    ],
    ids=["nothing", "failed", "unknown part", "no object", "another digest"],
)
def test_what_is_no_decision_is_refused(workspace: Workspace, sent: Packed) -> None:
    """Nothing is recorded of it."""
    with pytest.raises(DecisionDamaged):
        GateKind().unpack(NODE, "k" * 32, sent, workspace)

    assert get_decision(workspace.database, "k" * 32) is None
