"""Which library a model comes from, and back to it."""

from __future__ import annotations

import warnings

import pytest

from ropewalk.mlops.training.flavours import FLAVOURS, flavour_of, load_native, log_object
from ropewalk.mlops.training.sdk import Model


@pytest.fixture(scope="module")
def logged(harness, tmp_path_factory):
    """Return the folder of a small booster with its description, as MLflow writes it."""
    import lightgbm
    import mlflow
    import numpy as np

    rows = np.arange(40.0).reshape(20, 2)
    options = {"verbose": -1, "num_threads": 1}
    booster = lightgbm.train(options, lightgbm.Dataset(rows, (rows[:, 0] > 9).astype(int)), 2)
    folder = tmp_path_factory.mktemp("model") / "small"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.lightgbm.save_model(booster, str(folder), pip_requirements=["lightgbm"])
    return folder


def test_model_is_loaded_by_its_own_library(logged):
    """A booster comes back as a booster, not wrapped."""
    assert load_native(str(logged)).num_trees() == 1


def test_model_of_an_address_loads_natively(logged):
    """A step that receives the model gets the booster and its files."""
    model = Model(uri=str(logged))

    assert model.load().num_trees() == 1
    assert (model.path / "MLmodel").is_file()
    assert repr(model) == f"Model({str(logged)!r})"


def test_model_without_a_flavour_of_its_own(harness, tmp_path, monkeypatch):
    """What only the general flavour describes is loaded by that."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "doubling.py").write_text(
        "class D:\n    def predict(self, rows):\n        return rows\n\ndef _load_pyfunc(path):\n    return D()\n"
    )
    (tmp_path / "MLmodel").write_text("flavors: {python_function: {loader_module: doubling}}\n")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = load_native(str(tmp_path))

    assert type(loaded).__name__ == "PyFuncModel"


@pytest.mark.parametrize("module", ["lightgbm.basic", "sklearn.tree", "torch.nn", "keras"])
def test_flavour_of_a_class_of_the_library(module):
    """The first part of a class's module names the library."""
    made = type("Made", (), {"__module__": module})()

    assert flavour_of(made) == FLAVOURS[module.partition(".")[0]]


def test_name_that_only_looks_alike():
    """A module whose name starts like a library's is none of it."""
    assert flavour_of(type("Made", (), {"__module__": "lightgbmish.x"})()) is None


def test_returned_estimator_needs_no_further_package(harness):
    """A model of scikit-learn is logged, and comes back, with nothing installed beside MLflow."""
    import mlflow
    from sklearn.linear_model import LinearRegression

    with warnings.catch_warnings(), mlflow.start_run(experiment_id="0"):
        warnings.simplefilter("ignore")
        uri = log_object(LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0]))
        loaded = load_native(uri)

    assert loaded.predict([[2.0]]) == pytest.approx(4.0)
