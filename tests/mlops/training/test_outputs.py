"""What a step's process answered is kept: one branch for each kind."""

from __future__ import annotations

import pytest

from ropewalk.errors import Place
from ropewalk.mlops.tracking import create_run, get_run
from ropewalk.mlops.training.job import Answer
from ropewalk.mlops.training.outputs import keep_product, metrics_digest
from ropewalk.pipeline import Node, Task


@pytest.fixture
def task(workspace):
    """Return a task of a step."""
    return Task(Node("step:make", Place("steps/a.py")), "the key", {}, {}, "run", workspace, lambda *_: None)


def test_numbers_are_logged_and_their_own_digest(task, tmp_path):
    """Numbers are logged to the run, and equal numbers are equal content in whatever order."""
    run_id = create_run(task.workspace, "test", "make", {}, {})

    output = keep_product(task, run_id, Answer(metrics={"b": 2.0, "a": 0.5}), tmp_path)

    assert output.digest == metrics_digest({"a": 0.5, "b": 2.0}) == "metrics a=0.5 b=2.0"
    assert output.reference == f"run:{run_id}"
    assert {name: point.value for name, point in get_run(task.workspace, run_id).metrics.items()} == {
        "a": 0.5,
        "b": 2.0,
    }


def test_files_are_kept(task, tmp_path):
    """Files become objects, named by the digest of their tree."""
    (tmp_path / "made").mkdir()
    (tmp_path / "made/a").write_text("abc")

    output = keep_product(task, "run", Answer(files=str(tmp_path / "made")), tmp_path)

    assert output.reference == f"files:{output.digest}"
    assert output.summary == {"files": 1, "bytes": 3}
    assert task.workspace.objects.has(output.digest)


def test_effect_is_its_key(task, tmp_path):
    """A step that is run for its effect made what its key says."""
    assert keep_product(task, "r", Answer(), tmp_path).digest == "the key"
    assert metrics_digest({"a": 1.0}) != metrics_digest({"a": 1.0000001})
