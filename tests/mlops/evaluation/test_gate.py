"""The node kind `gate`: what it needs, how it decides, what it records."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict

import pytest

from ropewalk import plugins
from ropewalk.errors import GateFailed
from ropewalk.mlops.evaluation import (
    GateKind,
    GateNotPassed,
    InvalidGate,
    MetricMissing,
    get_decision,
    list_decisions,
    step_metrics,
)
from ropewalk.mlops.registry import set_alias
from ropewalk.pipeline import Output, Task, Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings
from ropewalk.store.environments import ensure_environment
from ropewalk.store.pipeline import ActionRow, RunRow, record_action, start_run
from ropewalk.store.registry import NewVersion, insert_model, insert_version

STEPS = """\
from ropewalk import Metrics, Model, Table

def train(flights: Table) -> Model: ...
def evaluate(train: Model, flights: Table) -> Metrics: ...
def fairness(train: Model) -> Metrics: ...
"""
GATES = """\
project: test
gates:
  late:
    - {metric: evaluate.auc, min: 0.76, max_drop: 0.005}
    - {metric: fairness.gap, max: 0.1}
    - {metric: evaluate.brier, max_rise: 0.02}
"""
GOOD = {"evaluate": {"auc": 0.79, "brier": 0.14}, "fairness": {"gap": 0.05}}


@pytest.fixture
def open_in(workspace, environ):
    """Return a function that opens the project of `workspace` in an environment of that name."""
    with ExitStack() as stack:

        def open_it(environment: str) -> Workspace:
            settings = load_settings({**environ, "ROPEWALK_ENVIRONMENT": environment})
            return stack.enter_context(Workspace(workspace.project, settings))

        yield open_it


@pytest.fixture
def workspace(write_project, environ):
    root = write_project({"ropewalk.yaml": GATES, "steps/late.py": STEPS})
    with Workspace(load_project(root, plugins.sections()), load_settings(environ)) as opened:
        yield opened


def _declare(write_project, gates):
    root = write_project({"ropewalk.yaml": gates, "steps/late.py": STEPS})
    return list(GateKind().declare(load_project(root, plugins.sections())))


def _execute(workspace: Workspace, metrics: Mapping[str, Mapping[str, object]] = GOOD, key="key1") -> Output:
    (node,) = GateKind().declare(workspace.project)
    inputs = {step: Output(step, "run:1", {"metrics": dict(found)}) for step, found in metrics.items()}
    ids = {step: f"step:{step}" for step in metrics}
    return GateKind().execute(Task(node, key, inputs, ids, "run1", workspace, lambda *_: None))


def _promote(workspace: Workspace, metrics: Mapping[str, float], alias: str = "production") -> None:
    """Put a version with these metrics into production, or where the alias says."""
    with workspace.database.write() as connection:
        insert_model(connection, "late", None, {})
        new = NewVersion("late", "models:/m-1", "mlflow-artifacts:/m-1", "digest", metrics=metrics)
        version = insert_version(connection, new, [])
    set_alias(workspace, "late", alias, version)


def test_gate_needs_the_steps_its_metrics_name(write_project):
    """Each step is needed once, and nothing else is."""
    (node,) = _declare(write_project, GATES)

    assert node.id == "gate:late"
    assert [need.name for need in node.needs] == ["evaluate", "fairness"]


def test_each_condition_is_a_fact_with_its_place(write_project):
    """A changed bound is a reason to decide again, told at its line."""
    (node,) = _declare(write_project, GATES)

    assert node.facts["condition 1"] == "evaluate.auc min 0.76 max_drop 0.005"
    assert [str(place) for place in node.places.values()] == [
        "ropewalk.yaml:4:8",
        "ropewalk.yaml:5:8",
        "ropewalk.yaml:6:8",
    ]


def test_no_gates_are_no_nodes(write_project):
    """A project without gates declares none, and its steps are not even read."""
    assert _declare(write_project, "project: test\n") == []


@pytest.mark.parametrize(
    ("metric", "message", "near"),
    [
        ("evalute.auc", "no step is called 'evalute'", "evaluate"),
        ("nothing.auc", "no step is called 'nothing'", None),
        ("train.auc", "step 'train' at steps/late.py:3:1 returns Model; a gate reads Metrics", None),
    ],
)
def test_step_that_makes_no_metrics(write_project, metric, message, near):
    """The condition's place, the nearest step and the valid ones are told."""
    with pytest.raises(InvalidGate) as caught:
        _declare(write_project, GATES.replace("fairness.gap", metric))

    assert caught.value.message == message
    assert (str(caught.value.place), caught.value.nearest) == ("ropewalk.yaml:5:8", near)
    assert "evaluate, fairness" in caught.value.hint


def test_without_production_the_base_is_what_counts(workspace, open_in):
    """A branch's candidate is compared with the version of the environment it was forked from, and told so."""
    _promote(workspace, {"evaluate.auc": 0.9, "evaluate.brier": 0.14}, alias="dev")
    ensure_environment(workspace.database, "dev", None)

    with pytest.raises(GateNotPassed, match=r"version 1 in dev has 0\.9"):
        _execute(open_in("branch-x"))


def test_production_counts_before_the_base(workspace, open_in):
    """What people see is what a candidate is held against, wherever it was made."""
    _promote(workspace, {"evaluate.auc": 0.79, "evaluate.brier": 0.14})
    ensure_environment(workspace.database, "dev", None)
    set_alias(workspace, "late", "dev", "1")

    output = _execute(open_in("branch-x"))

    assert {row["verdict"] for row in output.summary["results"]} == {"passed"}


def test_a_model_that_nothing_deploys_is_compared_by_its_pointer(workspace, open_in):
    """Without a deployment no alias says what is in an environment, but its pointer does."""
    _promote(workspace, {"evaluate.auc": 0.9}, alias="champion")
    start_run(workspace.database, RunRow("run0", "dev", "running", None, None, False, 0, None))
    output = json.dumps(asdict(Output("digest", "model:late/1", {"version": 1})))
    with workspace.database.write() as connection:
        row = ActionRow("k", "k", "model:late", {}, {}, {}, output, "run0", 0, 0, 0)
        record_action(connection, row, "production")

    with pytest.raises(GateNotPassed, match=r"version 1 in production has 0\.9"):
        _execute(open_in("branch-x"))


def test_first_candidate_passes_uncompared(workspace):
    """Without a version in production only the absolute bounds decide; the rest is said plainly."""
    output = _execute(workspace)

    verdicts = [(row["bound"], row["verdict"]) for row in output.summary["results"]]
    assert verdicts == [
        ("min", "passed"),
        ("max_drop", "not compared"),
        ("max", "passed"),
        ("max_rise", "not compared"),
    ]
    assert output.summary["verdict"] == "passed"


def test_all_metrics_of_the_steps_are_handed_on(workspace):
    """What the steps measured is what the model version will be compared by later."""
    assert _execute(workspace).summary["metrics"] == {
        "evaluate.auc": 0.79,
        "evaluate.brier": 0.14,
        "fairness.gap": 0.05,
    }


def test_candidate_is_compared_with_production(workspace):
    """The metrics recorded with the version in production are the baseline."""
    _promote(workspace, {"evaluate.auc": 0.794, "evaluate.brier": 0.13})

    _execute(workspace)

    results = get_decision(workspace.database, "key1").results
    assert [(r.baseline, r.baseline_version, r.verdict) for r in results] == [
        (0.794, 1, "passed"),
        (0.794, 1, "passed"),
        (None, 1, "passed"),
        (0.13, 1, "passed"),
    ]


def test_failing_gate_says_metric_value_bound_and_baseline(workspace):
    """The message has all four, the place is the gate's, the detail has every verdict."""
    _promote(workspace, {"evaluate.auc": 0.81})

    with pytest.raises(GateNotPassed) as caught:
        _execute(workspace)

    error = caught.value
    assert error.message == (
        "gate 'late' does not pass: evaluate.auc dropped by 0.02 to 0.79: more than max_drop 0.005"
        " (version 1 in production has 0.81)"
    )
    assert str(error.place) == "ropewalk.yaml:3:3"
    assert "ropewalk why evaluate" in error.hint
    assert error.detail.splitlines()[0] == "passed: evaluate.auc is 0.79: within min 0.76"
    assert isinstance(error, GateFailed)


def test_failing_gate_is_recorded(workspace):
    """What was refused, and why, can be looked up; it does not hold."""
    bad = {**GOOD, "evaluate": {"auc": 0.7, "brier": 0.14}}
    with pytest.raises(GateNotPassed, match=r"0\.7: below min 0\.76 \(no version in production\)"):
        _execute(workspace, bad)

    (decision,) = list_decisions(workspace.database, "late")
    assert (decision.has_passed, decision.run_id) == (False, "run1")
    assert decision.results[0].verdict == "failed"


@pytest.mark.parametrize("value", [math.nan, math.inf, None, "0.9", True])
def test_metric_that_is_no_number_fails(workspace, value):
    """Neither NaN nor text nor a boolean passes for a good figure."""
    with pytest.raises(GateNotPassed, match="not a finite number"):
        _execute(workspace, {**GOOD, "evaluate": {"auc": value, "brier": 0.1}})


def test_unknown_metric_names_the_nearest(workspace):
    """A misspelt metric is told at its condition, with what the step recorded."""
    with pytest.raises(MetricMissing, match="step 'evaluate' recorded no metric 'auc'") as caught:
        _execute(workspace, {**GOOD, "evaluate": {"AUC": 0.8, "auc_2": 0.8}})

    assert (caught.value.nearest, str(caught.value.place)) == ("evaluate.auc_2", "ropewalk.yaml:4:8")
    assert caught.value.hint == "it recorded AUC, auc_2"


@pytest.mark.parametrize("summary", [{}, {"metrics": {}}, {"metrics": [1]}])
def test_step_that_recorded_nothing(workspace, summary):
    """A step without metrics is an error, not a pass."""
    (node,) = GateKind().declare(workspace.project)
    inputs = {name: Output(name, "run:1", summary) for name in ("evaluate", "fairness")}

    with pytest.raises(MetricMissing) as caught:
        GateKind().execute(Task(node, "key1", inputs, {}, "run1", workspace, lambda *_: None))
    assert caught.value.hint == "it recorded none"


def test_decision_holds_while_it_is_recorded(workspace):
    """A passed decision stands; one that was lost or never made does not."""
    output = _execute(workspace)
    (node,) = GateKind().declare(workspace.project)

    assert GateKind().holds(node, "key1", output, workspace)
    assert not GateKind().holds(node, "key2", output, workspace)


def test_promotion_is_no_reason_to_decide_again(workspace):
    """The version in production is no outside fact of the gate."""
    (node,) = GateKind().declare(workspace.project)
    before = GateKind().probe(node, workspace, None)

    _promote(workspace, {"evaluate.auc": 0.9})

    assert GateKind().probe(node, workspace, None) == before


def test_same_figures_have_the_same_digest(workspace):
    """Deciding the same again stops the work downstream."""
    assert _execute(workspace, key="key1").digest == _execute(workspace, key="key2").digest
    better = {**GOOD, "evaluate": {"auc": 0.8, "brier": 0.14}}
    assert _execute(workspace, better, key="key3").digest != _execute(workspace).digest


@pytest.mark.parametrize(
    ("summary", "found"),
    [
        ({"metrics": {"auc": 0.8, "rows": 3}}, {"auc": 0.8, "rows": 3.0}),
        ({"metrics": {}}, {}),
        ({"metrics": None}, {}),
        ({}, {}),
    ],
)
def test_figures_of_a_step(summary, found):
    """Whole numbers are figures; a step without metrics has none."""
    assert step_metrics(Output("d", "run:1", summary)) == found


def test_refused_candidate_passes_once_production_allows(workspace):
    """A run that tries again judges again, against what is in production then."""
    _promote(workspace, {"evaluate.auc": 0.9})
    with pytest.raises(GateNotPassed):
        _execute(workspace)
    with workspace.database.write() as connection:
        connection.execute("""UPDATE model_version SET metrics = '{"evaluate.auc": 0.79}'""")

    assert _execute(workspace).summary["verdict"] == "passed"
    assert get_decision(workspace.database, "key1").has_passed


def test_every_decision_stays_readable(workspace):
    """A refused candidate and one that passed stand beside each other, with what each was judged by."""
    with pytest.raises(GateNotPassed):
        _execute(workspace, {**GOOD, "fairness": {"gap": 0.5}}, key="refused")
    _execute(workspace, key="passed")

    found = {decision.action_key: decision for decision in list_decisions(workspace.database, "late")}

    assert {key: decision.has_passed for key, decision in found.items()} == {"refused": False, "passed": True}
    assert [result.metric for result in found["refused"].results if result.verdict == "failed"] == [
        "fairness.gap"
    ]


def test_deciding_again_replaces_the_decision(workspace):
    """The same candidate has one decision, however often it is judged."""
    for _ in range(2):
        _execute(workspace)

    (decision,) = list_decisions(workspace.database, "late")
    assert len(decision.results) == 4


def test_gate_looks_at_nothing_outside(workspace):
    """What is in production is no fact of the plan, before a promotion and after it."""
    (node,) = GateKind().declare(workspace.project)
    before = GateKind().probe(node, workspace, None)

    _promote(workspace, {"evaluate.auc": 0.9})

    assert GateKind().probe(node, workspace, None) == before
    assert not before.facts
