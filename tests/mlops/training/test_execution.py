"""From a task to a job, and from what the process answered to a tracked run and an output."""

from __future__ import annotations

import pytest

from ropewalk.errors import Place
from ropewalk.mlops.tracking import get_run
from ropewalk.mlops.training import InvalidStep
from ropewalk.mlops.training.execution import _tags, run_step
from ropewalk.mlops.training.job import MetricsInput, ModelInput, TableInput
from ropewalk.mlops.training.outputs import metrics_digest
from ropewalk.mlops.training.step_inputs import _input
from ropewalk.pipeline import Node, Output, Task
from ropewalk.project import GitState, StepDeclaration

STEP = StepDeclaration("train", "steps/a.py", (), (), "Model", {}, Place("steps/a.py", 3, 1))


@pytest.mark.parametrize(
    ("node_id", "output", "expected"),
    [
        ("table:mart.a", Output("d", "snapshot:4"), TableInput("x", "mart.a", 4, "d")),
        ("source:a", Output("d", "snapshot:4"), TableInput("x", "raw.a", 4, "d")),
        ("step:t", Output("d", "logged_model:m-1"), ModelInput("x", "models:/m-1")),
        ("step:j", Output("d", "run:1", {"metrics": {"auc": 0.5}}), MetricsInput("x", {"auc": 0.5})),
    ],
)
def test_inputs_of_a_job(node_id, output, expected):
    """Each kind of node is handed to the process as what the step can work with."""
    assert _input("x", node_id, output, STEP) == expected


def test_input_that_no_step_can_take():
    """What has neither rows nor a model nor numbers is refused where the step stands."""
    with pytest.raises(InvalidStep, match="cannot take step:quiet as its input 'x'") as caught:
        _input("x", "step:quiet", Output("d", "run:1"), STEP)

    assert caught.value.place == STEP.place


@pytest.mark.parametrize(
    ("git", "expected"),
    [
        (GitState("abc", "main", is_dirty=True), {"abc", "main", "true"}),
        (GitState("abc", None, is_dirty=False), {"abc", "false"}),
        (GitState(None, None, is_dirty=False), set()),
    ],
)
def test_tags_name_the_commit(workspace, monkeypatch, git, expected):
    """The tracked run knows its node, and as much of the commit as there is."""
    monkeypatch.setattr("ropewalk.mlops.training.git_origin._git_state", lambda *_: git)

    task = Task(Node("step:train", STEP.place, STEP), "key", {}, {}, "run", workspace, lambda *_: None)

    tags = _tags(task, STEP)

    assert tags["ropewalk.node"] == "step:train"
    told = ("mlflow.source.git.commit", "mlflow.source.git.branch", "ropewalk.git.dirty")
    assert {tags[name] for name in told if name in tags} == expected


def test_equal_numbers_are_equal_content():
    """The order in which metrics are named does not make them others; a digit does."""
    assert metrics_digest({"a": 1.0, "b": 2.0}) == metrics_digest({"b": 2.0, "a": 1.0})
    assert metrics_digest({"a": 1.0}) != metrics_digest({"a": 1.0000001})


def test_metrics_and_parameters_are_tracked(make_task):
    """A step without a client of its own leaves a run with its parameters and numbers."""
    task = make_task("def make(*, depth: int = 7) -> 'Metrics':\n    return {'auc': 0.5, 'd': depth}\n")

    output = run_step(task)

    run = get_run(task.workspace, output.reference.removeprefix("run:"))
    assert {name: metric.value for name, metric in run.metrics.items()} == {"auc": 0.5, "d": 7.0}
    assert (run.status, run.params) == ("FINISHED", {"depth": "7"})


def test_tables_are_logged_as_datasets(make_task):
    """The run knows which snapshot of which table it read; a digest is cut to what MLflow takes."""
    inputs = {"a": Output("d" * 64, "snapshot:3")}
    task = make_task(
        "def make(a) -> 'Metrics':\n    return {}\n", inputs=inputs, input_ids={"a": "table:mart.a"}
    )

    output = run_step(task)

    logged = get_run(task.workspace, output.reference.removeprefix("run:")).datasets
    assert [(item.name, item.digest) for item in logged] == [("mart.a", "d" * 36)]


@pytest.mark.parametrize("library", ["mlflow", "pandas", "duckdb"])
def test_small_step_loads_nothing_heavy(run_source, library):
    """A step that only returns numbers starts no library that it does not import itself."""
    source = f"import sys\n\ndef make() -> 'Metrics':\n    return {{'n': '{library}' in sys.modules}}\n"

    assert run_source(source).summary["metrics"] == {"n": 0.0}
