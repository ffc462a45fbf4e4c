"""Claims about the fallback engine: any MLflow model, with errors of ours."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from ropewalk.devops.serving.engines import open_engine
from ropewalk.devops.serving.errors import ModelNotServable, PredictionFailed
from ropewalk.devops.serving.payload import Frame

# MLflow and the libraries below it warn of their own affairs.
pytestmark = pytest.mark.filterwarnings("ignore")

Function = Callable[[pd.DataFrame], object]
EXAMPLE = pd.DataFrame(
    {
        "name": ["a", "b"],
        "day": pd.to_datetime(["2013-07-01", "2013-07-02"]),
        "size": [1, 2],
        "flag": [True, False],
    }
)


def save_function(folder: Path, function: Function, table: pd.DataFrame = EXAMPLE) -> Path:
    """Save a Python function as an MLflow model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow.pyfunc
        from mlflow.models import infer_signature

        class Wrapped(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # untyped
            def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
                return function(model_input)

        path = folder / "model"
        mlflow.pyfunc.save_model(
            path, python_model=Wrapped(), signature=infer_signature(table), pip_requirements=["pandas"]
        )
    return path


def predict(folder: Path, **columns: list[object]) -> list[object]:
    """Predict as a worker does: check, then ask the engine."""
    engine = open_engine(folder)
    frame = Frame(list(columns), list(columns.values()), len(columns["name"]))
    return engine.predict(engine.signature.select(frame))


def row(**other: object) -> dict[str, list[object]]:
    return {"name": ["a"], "day": ["2013-07-01T00:00:00"], "size": [3], "flag": [True]} | {
        name: [value] for name, value in other.items()
    }


def test_a_function_gets_typed_columns(tmp_path: Path) -> None:
    """Text, times, whole numbers and flags arrive with the types of the signature."""
    folder = save_function(tmp_path, lambda table: [str(kind) for kind in table.dtypes][:1] * len(table))

    assert len(predict(folder, **row())) == 1


def test_tables_are_answered_as_objects(tmp_path: Path) -> None:
    """A model that returns a DataFrame answers one object per row."""
    folder = save_function(
        tmp_path, lambda table: pd.DataFrame({"twice": table["size"] * 2, "at": table["name"]})
    )

    assert predict(folder, **row()) == [{"twice": 6, "at": "a"}]


def test_times_can_be_computed_with(tmp_path: Path) -> None:
    """A column of times is one of timestamps to the model."""
    folder = save_function(tmp_path, lambda table: table["day"].dt.month)

    assert predict(folder, **row()) == [7]


def test_a_model_that_raises_is_told(tmp_path: Path) -> None:
    """The model's own error is the detail of ours."""

    def fail(table: pd.DataFrame) -> object:
        raise KeyError("no such airport")

    with pytest.raises(PredictionFailed, match="the model raised") as caught:
        predict(save_function(tmp_path, fail), **row())

    assert caught.value.detail == "KeyError: 'no such airport'"


def test_a_model_that_does_not_load_is_told(tmp_path: Path) -> None:
    """Missing files of the model are one sentence with the reason."""
    folder = save_function(tmp_path, len)
    (folder / "python_model.pkl").write_bytes(b"broken")

    with pytest.raises(ModelNotServable, match="MLflow could not load the model"):
        open_engine(folder)


def test_a_model_without_signature_is_not_served(tmp_path: Path) -> None:
    """Without names and types no request could be checked."""
    folder = save_function(tmp_path, len)
    text = (folder / "MLmodel").read_text()
    (folder / "MLmodel").write_text(text.partition("signature:")[0])

    with pytest.raises(ModelNotServable, match="no signature with named columns"):
        open_engine(folder)
