"""The tracked run becomes MLflow's active one when the step imports mlflow, and not before."""

from __future__ import annotations

import importlib
import os
import sys

import pytest

from ropewalk.mlops.training.client import active_run

# Stands in for the library, whose import takes seconds; that the real one works is tested with the harness.
CLIENT = """
from types import SimpleNamespace
calls = []

def start_run(run_id):
    calls.append(("start", run_id))
    return SimpleNamespace(info=SimpleNamespace(experiment_id="7"))

def end_run(status):
    calls.append(("end", status))
"""


@pytest.fixture
def mlflow(tmp_path, monkeypatch):
    """Return a function that imports a client that notes what it is asked to do."""
    # Variables that the client sets are taken back with these.
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "of another server")
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    (tmp_path / "mlflow").mkdir()
    (tmp_path / "mlflow/__init__.py").write_text(CLIENT)
    monkeypatch.syspath_prepend(tmp_path)
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "mlflow"}
    for name in before:
        monkeypatch.delitem(sys.modules, name)
    yield lambda: importlib.import_module("mlflow")
    sys.modules.pop("mlflow", None)


def test_step_that_never_imports_it(mlflow):
    """Nothing is imported, and nothing is left among the finders of modules."""
    finders = list(sys.meta_path)
    with active_run("r1"):
        assert "mlflow" not in sys.modules

    assert "mlflow" not in sys.modules
    assert sys.meta_path == finders


def test_import_resumes_the_run(mlflow):
    """The run is active right after the import, and left at the end."""
    with active_run("r1"):
        client = mlflow()
        assert client.calls == [("start", "r1")]

    assert client.calls == [("start", "r1"), ("end", "FINISHED")]


def test_run_is_resumed_once(mlflow, monkeypatch):
    """The variable that names the run is gone once it is active, so that a nested run is another one."""
    monkeypatch.setenv("MLFLOW_RUN_ID", "r1")
    with active_run("r1"):
        mlflow()

        assert "MLFLOW_RUN_ID" not in os.environ


@pytest.mark.parametrize(("name", "found"), [(None, "7"), ("mine", "of another server")])
def test_nested_runs_stay_in_the_experiment(mlflow, monkeypatch, name, found):
    """Runs that the step begins belong to its own run's experiment, unless somebody named another one."""
    if name:
        monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", name)

    with active_run("r1"):
        mlflow()

        assert os.environ["MLFLOW_EXPERIMENT_ID"] == found


def test_client_that_is_there_already(mlflow):
    """A client that was imported before, as in a notebook, is resumed at once."""
    client = mlflow()

    with active_run("r2"):
        assert client.calls == [("start", "r2")]


def test_step_that_fails(mlflow):
    """The client hears that the run failed."""
    client = mlflow()

    with pytest.raises(ValueError, match="no"), active_run("r3"):
        raise ValueError("no")

    assert client.calls[-1] == ("end", "FAILED")


def test_client_that_is_not_installed(mlflow, tmp_path):
    """A step that imports it where it is not installed gets the usual error."""
    (tmp_path / "mlflow/__init__.py").write_text("import nothing_like_this\n")

    with pytest.raises(ModuleNotFoundError, match="nothing_like_this"), active_run("r4"):
        mlflow()

    assert "mlflow" not in sys.modules


def test_other_imports_are_left_alone(mlflow, tmp_path):
    """The import of anything else is as ever."""
    (tmp_path / "other_module.py").write_text("VALUE = 1\n")

    with active_run("r5"):
        assert importlib.import_module("other_module").VALUE == 1

    del sys.modules["other_module"]
