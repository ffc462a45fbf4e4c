"""Models that the unmodified client logs, registers and loads."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ropewalk.mlops.registry import get_version, materialise
from ropewalk.mlops.tracking import logged_model_files
from ropewalk.pipeline import Workspace

pytestmark = pytest.mark.filterwarnings("ignore")
FRAME = pd.DataFrame({"a": np.linspace(0, 1, 60), "b": np.linspace(1, 0, 60) ** 2})
LABEL = (FRAME.a > 0.5).astype(int)


@pytest.fixture(scope="module")
def logged(imported_mlflow: ModuleType, url: str) -> Any:
    """Return what `log_model` answered for a LightGBM booster that was registered as `late`."""
    import lightgbm

    imported_mlflow.set_tracking_uri(url)
    imported_mlflow.set_experiment("models")
    with imported_mlflow.start_run():
        booster = lightgbm.train({"verbose": -1, "objective": "binary"}, lightgbm.Dataset(FRAME, LABEL), 3)
        return imported_mlflow.lightgbm.log_model(
            booster, name="model", registered_model_name="late", pip_requirements=["lightgbm"]
        )


def test_logged_model(mlflow: ModuleType, logged: Any) -> None:
    """The logged model is ready, belongs to its run, and the run names it as its output."""
    model = mlflow.get_logged_model(logged.model_id)

    run = mlflow.get_run(model.source_run_id)
    assert model.name == "model"
    assert model.status == "READY"
    assert [output.model_id for output in run.outputs.model_outputs] == [logged.model_id]


@pytest.mark.parametrize(
    "uri", ["{model}", "runs:/{run}/model", "models:/late/1", "models:/late@champion", "models:/late/latest"]
)
def test_load_model(mlflow: ModuleType, logged: Any, uri: str) -> None:
    """A model loads by id, by run and name, by version, by alias and as the latest, and predicts the same."""
    mlflow.MlflowClient().set_registered_model_alias("late", "champion", "1")
    direct = mlflow.lightgbm.load_model(logged.model_uri).predict(FRAME)

    loaded = mlflow.pyfunc.load_model(uri.format(model=logged.model_uri, run=logged.run_id))

    assert np.array_equal(loaded.predict(FRAME), direct)


def test_files(workspace: Workspace, logged: Any) -> None:
    """Other rooms see the files of a logged model by their path inside it."""
    files = logged_model_files(workspace, logged.model_id)

    assert {"MLmodel", "model.lgb", "requirements.txt"} <= files.keys()
    assert all(workspace.objects.has(stored.digest) for stored in files.values())


def test_registered_from_the_client(workspace: Workspace, logged: Any, tmp_path: Path) -> None:
    """A version that a client registered can be laid out as files without the client."""
    version = get_version(workspace, "late", "1")

    materialise(workspace, version, tmp_path / "model")

    assert version.model_id == logged.model_id
    assert version.run_id == logged.run_id
    assert "flavors" in (tmp_path / "model" / "MLmodel").read_text()


def test_autolog_sklearn(mlflow: ModuleType) -> None:
    """Autologging records parameters, metrics and the model of a scikit-learn fit."""
    from sklearn.linear_model import LogisticRegression

    mlflow.set_experiment("models")
    mlflow.sklearn.autolog()
    with mlflow.start_run() as run:
        LogisticRegression().fit(FRAME, LABEL)
    mlflow.sklearn.autolog(disable=True)

    found = mlflow.get_run(run.info.run_id)
    assert found.data.params["fit_intercept"] == "True"
    assert found.data.metrics["training_accuracy_score"] > 0.9
    assert len(found.outputs.model_outputs) == 1


def test_autolog_lightgbm(mlflow: ModuleType) -> None:
    """Autologging records the evaluation of every boosting round."""
    import lightgbm

    mlflow.set_experiment("models")
    mlflow.lightgbm.autolog(log_models=False)
    data = lightgbm.Dataset(FRAME, LABEL, free_raw_data=False)
    with mlflow.start_run() as run:
        lightgbm.train(
            {"verbose": -1, "objective": "binary"}, data, 5, valid_sets=[data], valid_names=["fit"]
        )
    mlflow.lightgbm.autolog(disable=True)

    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "fit-binary_logloss")
    assert [point.step for point in history] == list(range(5))
    assert mlflow.get_run(run.info.run_id).data.params["objective"] == "binary"


def test_model_metrics(mlflow: ModuleType, logged: Any) -> None:
    """A metric that names a model is the run's and the model's, and models are ordered by it."""
    mlflow.set_experiment("models")
    with mlflow.start_run():
        mlflow.log_metric("auc", 0.7, model_id=logged.model_id)

    model = mlflow.get_logged_model(logged.model_id)
    found = mlflow.search_logged_models(
        filter_string="metrics.auc > 0.5",
        order_by=[{"field_name": "metrics.auc", "ascending": False}],
        output_format="list",
    )
    assert [(metric.key, metric.value) for metric in model.metrics] == [("auc", 0.7)]
    assert [item.model_id for item in found] == [logged.model_id]


def test_tags_and_params_of_a_logged_model(mlflow: ModuleType, logged: Any) -> None:
    """Tags are set and removed, parameters added."""
    client = mlflow.MlflowClient()
    client.set_logged_model_tags(logged.model_id, {"stage": "test", "gone": "soon"})
    client.delete_logged_model_tag(logged.model_id, "gone")
    client.log_model_params(logged.model_id, {"depth": "6"})

    model = client.get_logged_model(logged.model_id)
    assert model.tags["stage"] == "test"
    assert "gone" not in model.tags
    assert model.params["depth"] == "6"


def test_deleted_logged_model(mlflow: ModuleType) -> None:
    """A deleted logged model is neither got nor found."""
    client = mlflow.MlflowClient()
    experiment = client.create_experiment("deleted models")
    model = client.create_logged_model(experiment, name="gone")
    client.delete_logged_model(model.model_id)

    with pytest.raises(mlflow.exceptions.MlflowException, match="not found"):
        client.get_logged_model(model.model_id)
    assert list(client.search_logged_models([experiment])) == []


def test_external_model(mlflow: ModuleType) -> None:
    """A model without files can be logged, failed and listed."""
    client = mlflow.MlflowClient()
    experiment = client.create_experiment("external")
    model = client.create_logged_model(experiment, name="agent", model_type="llm", params={"t": "0"})

    done = client.finalize_logged_model(model.model_id, mlflow.entities.LoggedModelStatus.FAILED)

    assert (done.status, done.model_type, done.params) == ("FAILED", "llm", {"t": "0"})
    assert client.list_logged_model_artifacts(model.model_id) == []
