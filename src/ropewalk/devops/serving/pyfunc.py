"""The fallback engine: any model that MLflow itself can load, at MLflow's speed.

Loading such a model may unpickle and run code that came with it. It happens only here, in a worker process, and
only for models without a native engine.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ropewalk.devops.serving.errors import ModelNotServable, PredictionFailed
from ropewalk.devops.serving.payload import Values
from ropewalk.devops.serving.signature import read_signature
from ropewalk.errors import RopewalkError

_DTYPES = {
    "double": "float64",
    "float": "float32",
    "long": "int64",
    "integer": "int32",
    "boolean": "bool",
    "string": "object",
}


class PyfuncEngine:
    """Any MLflow model, through `mlflow.pyfunc`: slow and complete."""

    name = "pyfunc"

    def __init__(self, folder: Path, inputs: str | None) -> None:
        self.signature = read_signature(inputs, ())
        if not self.signature.named:
            raise ModelNotServable(
                "the model has no signature with named columns",
                hint="log it with `signature=infer_signature(X, predictions)`",
            )
        self._pandas = importlib.import_module("pandas")
        pyfunc = importlib.import_module("mlflow.pyfunc")
        with _models_own_code(ModelNotServable, "MLflow could not load the model"):
            self._model = pyfunc.load_model(str(folder))

    def predict(self, columns: Sequence[Values]) -> list[object]:
        """Return what the model's `predict` gives, one item per row."""
        table = self._pandas.DataFrame(
            {
                column.name: self._series(column.type, values)
                for column, values in zip(self.signature.columns, columns, strict=True)
            }
        )
        with _models_own_code(PredictionFailed, "the model raised"):
            found = self._model.predict(table)
        # A model may answer with a table; each row of it is one prediction then.
        if hasattr(found, "to_dict") and hasattr(found, "columns"):
            return list(found.to_dict("records"))
        return list(np.asarray(found).tolist())

    def _series(self, kind: str, values: Values) -> object:
        if kind == "datetime":
            return self._pandas.to_datetime(list(values))
        return self._pandas.Series(list(values), dtype=_dtype(kind, values))


@contextmanager
def _models_own_code(kind: type[RopewalkError], message: str) -> Iterator[None]:
    """Turn whatever the model's own code raises into an error of `kind`."""
    try:
        yield
    except Exception as error:  # The boundary to code that is not ours, which may raise anything.
        raise kind(message, detail=f"{type(error).__name__}: {error}") from error


def _dtype(kind: str, values: Values) -> str:
    # pandas' whole numbers and booleans cannot be missing; MLflow takes such columns as objects.
    if None in values and kind in {"long", "integer", "boolean"}:
        return "object"
    return _DTYPES[kind]
