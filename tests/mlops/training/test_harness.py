"""What a step's process does with its job: load, run, log, answer, and tell errors by the user's own lines."""

from __future__ import annotations

import sys

import pytest

from ropewalk.mlops.tracking import get_run
from ropewalk.mlops.training.job import (
    MetricsInput,
    ModelInput,
    TableInput,
    read_answer,
    write_job,
)

METRICS = "def make():\n    return {'auc': 0.5, 'n': 3}\n"


def test_metrics_are_answered(run_job):
    """A mapping of numbers is the answer; the engine logs it."""
    assert run_job(METRICS)[0].metrics == {"auc": 0.5, "n": 3.0}


def test_code_of_the_same_second_and_size_is_told_apart(run_job):
    """An edit right after a run is executed, though size and second of the file are those of the code before it."""
    first, _ = run_job("def make():\n    return {'a': 1}\n")
    second, _ = run_job("def make():\n    return {'a': 2}\n")

    assert (first.metrics, second.metrics) == ({"a": 1.0}, {"a": 2.0})


def test_parameters_reach_the_function(run_job):
    """Tracked parameters are passed by keyword."""
    answer, _ = run_job("def make(*, depth):\n    return {'d': depth}\n", parameters={"depth": 7})

    assert answer.metrics == {"d": 7.0}


def test_step_run_for_its_effect(run_job):
    """A step that says nothing of what it makes may return anything."""
    answer, _ = run_job("def make():\n    return object()\n", makes=None)

    assert (answer.metrics, answer.model_uri, answer.error) == (None, None, None)


@pytest.mark.parametrize("name", ["beside", "steps.beside"])
def test_modules_of_the_project_are_imported(run_job, steps, name):
    """A module beside the step, and one by its path from the root, import as they do in a test."""
    (steps / "beside.py").write_text("VALUE = 4\n")

    answer, _ = run_job(f"from {name} import VALUE\n\ndef make():\n    return {{'v': VALUE}}\n")

    assert answer.metrics == {"v": 4.0}


def test_own_classes_can_be_pickled(run_job):
    """A class of the step's file is found again by its module's name."""
    source = "import pickle\n\nclass Mine: ...\n\ndef make():\n    return {'n': len(pickle.dumps(Mine()))}\n"

    assert run_job(source)[0].metrics["n"] > 0


def test_inputs_are_what_the_step_expects(harness, make_job):
    """A table is opened when it is read, a model when it is loaded, metrics are there."""
    job = make_job(METRICS)

    table, model, metrics = (
        harness._open_input(item, job)
        for item in (
            TableInput("a", "mart.a", 3, "digest"),
            ModelInput("b", "models:/m-1"),
            MetricsInput("c", {"auc": 1.0}),
        )
    )

    assert table.name == "mart.a"
    assert model.uri == "models:/m-1"
    assert metrics == {"auc": 1.0}


@pytest.mark.parametrize(
    ("makes", "returned", "message"),
    [
        ("Metrics", "[1]", "make says it returns Metrics and returned list"),
        ("Metrics", "None", "make says it returns Metrics and returned NoneType"),
        ("Model", "{}", "make says it returns Model and returned dict"),
        ("Metrics", "{'a': float('nan'), 'b': 1}", "no finite numbers: a is nan"),
        ("Metrics", "{'a': float('-inf')}", "no finite numbers: a is -inf"),
    ],
)
def test_wrong_return(harness, run_job, makes, returned, message):
    """What a step returns is held against its annotation, and a metric must be a number to judge."""
    with pytest.raises(harness.WrongReturn, match=message):
        run_job(f"def make():\n    return {returned}\n", makes)


def test_users_own_client_logs_to_the_run(run_job, workspace):
    """The run is the active one for code that calls MLflow itself."""
    source = "import mlflow\n\ndef make():\n    mlflow.log_metric('own', 2.0)\n    return {}\n"

    _, run_id = run_job(source)

    assert get_run(workspace, run_id).metrics["own"].value == 2.0


def test_model_object_is_logged_for_the_user(run_job, workspace):
    """A bare booster is logged with its library's flavour."""
    source = (
        "import lightgbm, numpy\nfrom ropewalk import Model\n\n"
        "def make():\n    rows = numpy.arange(40.0).reshape(20, 2)\n"
        "    data = lightgbm.Dataset(rows, (rows[:, 0] > 9).astype(int))\n"
        "    return Model(lightgbm.train({'verbose': -1, 'num_threads': 1}, data, 1))\n"
    )

    answer, _ = run_job(source, "Model")

    assert answer.model_uri.startswith("models:/m-")


@pytest.fixture
def main(harness, make_job, tmp_path, monkeypatch, capfd):
    """Return a function that runs a source as the process does and returns exit code, answer and log."""
    # A process of its own may change these; this one goes on.
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setattr(harness.faulthandler, "enable", lambda: None)

    def run(source, makes="Metrics"):
        write_job(make_job(source, makes), tmp_path / "job.json")
        code = harness.main(str(tmp_path / "job.json"), str(tmp_path / "answer.json"))
        return code, read_answer(tmp_path / "answer.json"), capfd.readouterr().err

    return run


def test_answer_of_a_good_step(main):
    """The answer is written, and the process ends well."""
    code, answer, _ = main(METRICS)

    assert code == 0
    assert answer.metrics["auc"] == 0.5


def test_error_names_the_users_line(main):
    """The place is the deepest line of the project's own code, not that of the library which raised."""
    code, answer, log = main("import json\n\ndef make():\n    return json.loads('{')\n")

    assert code == 1
    assert answer.place == ("steps/work.py", 4)
    assert answer.error.startswith("JSONDecodeError: Expecting property name")
    assert "harness.py" not in log


def test_error_at_import_names_its_line(main):
    """A file that cannot be loaded is told by the line that failed."""
    _, answer, _ = main("import nothing_of_that_name\n")

    assert answer.place == ("steps/work.py", 1)
    assert answer.error == "ModuleNotFoundError: No module named 'nothing_of_that_name'"


def test_function_that_is_gone(main):
    """A name that the file no longer has is told, without a place of the user's."""
    _, answer, _ = main("x = 1\n")

    assert answer.place is None
    assert "AttributeError" in answer.error


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        ("ValueError('one\\n\\npage of advice')", "ValueError: one"),
        ("KeyboardInterrupt", "KeyboardInterrupt"),
        ("SystemExit(0)", "SystemExit: 0"),
        ("OSError('bad name \\udcff')", "OSError: bad name \\udcff"),
    ],
)
def test_error_is_one_sentence(main, raised, said):
    """Whatever ends the step is told in one line that can be written."""
    assert main(f"def make():\n    raise {raised}\n")[1].error == said


def test_long_error_is_cut(main, harness):
    """A message of megabytes does not travel."""
    _, answer, _ = main("def make():\n    raise ValueError('x' * 1_000_000)\n")

    assert len(answer.error) == harness.LONGEST_ERROR


def test_wrong_product_is_marked(main):
    """The engine learns that the step ran and returned the wrong thing."""
    _, answer, _ = main("def make():\n    return 1\n")

    assert answer.wrong_product
    assert answer.error == "make says it returns Metrics and returned int"
