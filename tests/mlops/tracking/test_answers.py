"""The store's values as the protocol's structs, and back."""

from __future__ import annotations

import json
import math

import pytest

from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.wire import answers
from ropewalk.mlops.tracking.wire import models as wire
from ropewalk.mlops.tracking.wire.compat import answer
from ropewalk.store.artifacts import Entry
from ropewalk.store.tracking import values
from ropewalk.store.tracking.values import Dataset, LoggedModel, Metric, ModelMetric, ModelUse, Run

RUN = Run(
    number=1,
    id="r",
    experiment_id="0",
    name="first",
    user_id="ada",
    status="FINISHED",
    stage="active",
    started_at=1,
    ended_at=2,
    artifact_uri="mlflow-artifacts:/0/r/artifacts",
    metrics={"auc": Metric("auc", math.nan, 3, 4)},
    params={"p": "1"},
    tags={"t": "2"},
    datasets=(Dataset("d", "1", "lake", "{}", profile="p", tags={"mlflow.data.context": "train"}),),
    models=(ModelUse("input", "m-1"), ModelUse("output", "m-2", 5)),
)


def _json(struct: object) -> object:
    return json.loads(answer(struct).body)  # type: ignore[arg-type]


def test_run() -> None:
    """A run is written as MLflow writes it."""
    assert _json(answers.run(RUN)) == {
        "info": {
            "run_id": "r",
            "run_uuid": "r",
            "run_name": "first",
            "experiment_id": "0",
            "user_id": "ada",
            "status": "FINISHED",
            "start_time": 1,
            "end_time": 2,
            "artifact_uri": "mlflow-artifacts:/0/r/artifacts",
            "lifecycle_stage": "active",
        },
        "data": {
            "metrics": [{"key": "auc", "value": "NaN", "timestamp": 4, "step": 3}],
            "params": [{"key": "p", "value": "1"}],
            "tags": [{"key": "t", "value": "2"}],
        },
        "inputs": {
            "dataset_inputs": [
                {
                    "tags": [{"key": "mlflow.data.context", "value": "train"}],
                    "dataset": {
                        "name": "d",
                        "digest": "1",
                        "source_type": "lake",
                        "source": "{}",
                        "profile": "p",
                    },
                }
            ],
            "model_inputs": [{"model_id": "m-1"}],
        },
        "outputs": {"model_outputs": [{"model_id": "m-2", "step": 5}]},
    }


def test_logged_model() -> None:
    """A logged model is written with its metrics, each with its model and run."""
    point = ModelMetric(Metric("auc", 0.5, 0, 7), "r", "july", "1")
    model = LoggedModel(
        number=1,
        id="m-1",
        experiment_id="0",
        name="model",
        model_type=None,
        source_run_id="r",
        status="LOGGED_MODEL_READY",
        created_at=1,
        updated_at=2,
        artifact_uri="mlflow-artifacts:/0/models/m-1/artifacts",
        params={"p": "1"},
        metrics=(point,),
    )

    written = answers.logged_model(model)

    assert _json(written.data) == {
        "params": [{"key": "p", "value": "1"}],
        "metrics": [
            {
                "key": "auc",
                "value": 0.5,
                "timestamp": 7,
                "step": 0,
                "dataset_name": "july",
                "dataset_digest": "1",
                "model_id": "m-1",
                "run_id": "r",
            }
        ],
    }
    assert written.info
    assert "model_type" not in str(_json(written.info))


def test_experiment() -> None:
    """An experiment is written with its times and tags."""
    experiment = values.Experiment("1", "a", "mlflow-artifacts:/1", "active", 5, 6, {"k": "v"})

    assert _json(answers.experiment(experiment)) == {
        "experiment_id": "1",
        "name": "a",
        "artifact_location": "mlflow-artifacts:/1",
        "lifecycle_stage": "active",
        "creation_time": 5,
        "last_update_time": 6,
        "tags": [{"key": "k", "value": "v"}],
    }


def test_files() -> None:
    """Paths are relative to the owner's root, and a folder has no size."""
    written = answers.file_infos("plots", [Entry("a.png", 5), Entry("deep", None)])

    assert [_json(item) for item in written] == [
        {"path": "plots/a.png", "is_dir": False, "file_size": 5},
        {"path": "plots/deep", "is_dir": True},
    ]


def test_point_without_time() -> None:
    """A point without a time is of now, and without a step of step 0."""
    read = answers.read_metric(wire.Metric("a", 1.0), now=77)

    assert read == Metric("a", 1.0, 0, 77)


@pytest.mark.parametrize("sent", [wire.Metric(value=1.0), wire.Metric(key="a")])
def test_half_a_point(sent: wire.Metric) -> None:
    """A point has a key and a value."""
    with pytest.raises(InvalidRequest, match="Missing value"):
        answers.read_metric(sent, now=0)


@pytest.mark.parametrize("missing", ["name", "digest", "source_type", "source"])
def test_half_a_dataset(missing: str) -> None:
    """A data set has a name, a digest and a source."""
    dataset = wire.Dataset(name="d", digest="1", source_type="lake", source="{}")
    setattr(dataset, missing, None)

    with pytest.raises(InvalidRequest, match=f"'{missing}'"):
        answers.read_datasets([wire.DatasetInput(dataset=dataset)])


def test_no_dataset() -> None:
    """An input without a data set is refused."""
    with pytest.raises(InvalidRequest, match="'dataset'"):
        answers.read_datasets([wire.DatasetInput()])


def test_uses_of_models() -> None:
    """A model that a run read has no step; one it made has."""
    assert answers.read_models([wire.ModelInput("m-1")], "input") == [ModelUse("input", "m-1", 0)]
    assert answers.read_models([wire.ModelOutput("m-2", 3)], "output") == [ModelUse("output", "m-2", 3)]
    with pytest.raises(InvalidRequest, match="'model_id'"):
        answers.read_models([wire.ModelInput()], "input")


def test_entries() -> None:
    """The last of a name wins, and half an entry is refused."""
    assert answers.entries([wire.RunTag("a", "1"), wire.RunTag("a", "2")]) == {"a": "2"}
    with pytest.raises(InvalidRequest, match="'value'"):
        answers.entries([wire.RunTag("a")])
