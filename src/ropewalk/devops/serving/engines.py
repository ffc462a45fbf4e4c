"""Engines: what turns checked columns into predictions, chosen by the flavours of an MLmodel folder."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np

from ropewalk.devops.serving.boosters import Booster
from ropewalk.devops.serving.errors import ModelNotServable
from ropewalk.devops.serving.payload import Values
from ropewalk.devops.serving.pyfunc import PyfuncEngine
from ropewalk.devops.serving.signature import Signature, read_signature

Encoder = Callable[[Values], Sequence[object]]
_NATIVE_BOOSTER = "lightgbm.basic.Booster"


class SignatureText(msgspec.Struct, frozen=True):
    """The part of an MLmodel file that describes the model's inputs, as JSON text."""

    inputs: str | None = None


class Description(msgspec.Struct, frozen=True):
    """What is read of an MLmodel file."""

    flavors: dict[str, dict[str, object]] = {}
    signature: SignatureText | None = None


class Engine(Protocol):
    """A loaded model."""

    @property
    def name(self) -> str:
        """The engine's name, as `/version` tells it."""

    @property
    def signature(self) -> Signature:
        """What the model takes."""

    def predict(self, columns: Sequence[Values]) -> list[object]:
        """Return one prediction per row for columns that `signature.select` gave.

        Raises:
            PredictionFailed: the model raised.
        """


class LightGBMEngine:
    """A LightGBM booster on its C library; gives what `Booster.predict` gives on the training's DataFrame."""

    name = "lightgbm"

    def __init__(self, booster: Booster, inputs: str | None) -> None:
        self.signature = read_signature(inputs, booster.features)
        self._booster = booster
        order = _feature_order(self.signature, booster.features)
        encoders = _encoders(self.signature, order, booster)
        self._plan = [(index, encoders.get(index)) for index in order]

    def predict(self, columns: Sequence[Values]) -> list[object]:
        """Return one score per row, or one list of scores for several classes."""
        encoded = [encode(columns[i]) if encode else columns[i] for i, encode in self._plan]
        # One conversion for all columns is the cheapest way there. None becomes NaN, which is LightGBM's missing value too; true and false become 1 and 0.
        matrix = np.array(encoded, dtype=np.float64)
        return self._booster.predict(np.ascontiguousarray(matrix.T))


def open_engine(folder: Path) -> Engine:
    """Load the model in an MLmodel folder with the fastest engine that is exact for it.

    Raises:
        ModelNotServable: the folder holds no model that can be served here.
    """
    description = read_description(folder)
    inputs = description.signature.inputs if description.signature else None
    native = description.flavors.get("lightgbm", {})
    if native.get("model_class") == _NATIVE_BOOSTER:
        return LightGBMEngine(Booster(folder / Path(str(native["data"])).name), inputs)
    if "python_function" in description.flavors and importlib.util.find_spec("mlflow"):
        return PyfuncEngine(folder, inputs)
    raise ModelNotServable(
        f"no engine for the model's flavours ({', '.join(description.flavors) or 'none'})",
        hint="pip install 'ropewalk[mlflow]' serves any MLflow model, at MLflow's speed",
    )


def read_description(folder: Path) -> Description:
    """Return what the folder's MLmodel file says.

    Raises:
        ModelNotServable: there is none, or it does not describe a model.
    """
    path = folder / "MLmodel"
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=Description)
    except (OSError, msgspec.MsgspecError) as error:
        raise ModelNotServable(f"cannot read {path}: {error}") from error


def _feature_order(signature: Signature, features: Sequence[str]) -> list[int]:
    """Return, for each feature of the booster, the signature's column it comes from."""
    names = signature.names
    if sorted(names) == sorted(features):
        return [names.index(feature) for feature in features]
    if len(names) == len(features):
        # Trained on a bare array, or with names that LightGBM had to change: then order is what counts.
        return list(range(len(names)))
    raise ModelNotServable(
        f"the signature has {len(names)} columns, and the booster {len(features)} features",
        hint="infer the signature from exactly the columns the booster was trained on",
    )


def _encoders(signature: Signature, order: Sequence[int], booster: Booster) -> dict[int, Encoder]:
    """Return what must be done to columns before they are numbers, by the column's index."""
    columns = signature.columns
    found: dict[int, Encoder] = {
        index: _as_float32 for index, column in enumerate(columns) if column.type == "float"
    }
    texts = {index for index, column in enumerate(columns) if column.type == "string"}
    categorical = {order[booster.features.index(name)] for name in booster.categorical}
    count = len(booster.pandas_categories)
    # A model file lists the categories of pandas columns in order, but not which columns they are.
    chosen = next((some for some in (texts | categorical, texts) if len(some) == count), None)
    if chosen is None:
        raise _unmatched(f"it has categories for {count} columns, and the signature has {len(texts)} of text")
    in_order = [index for index in order if index in chosen]
    for index, categories in zip(in_order, booster.pandas_categories, strict=True):
        name = booster.features[order.index(index)]
        is_text = all(isinstance(value, str) for value in categories)
        if is_text != (index in texts) or booster.largest_codes[name] >= len(categories):
            raise _unmatched(f"the categories that would be those of {name!r} are not")
        found[index] = _encode_categories(categories)
    return found


def _unmatched(reason: str) -> ModelNotServable:
    return ModelNotServable(
        f"the booster's categories cannot be matched with columns: {reason}",
        hint="train with every text column as a pandas category, and leave `categorical_feature` alone",
    )


def _encode_categories(categories: Sequence[object]) -> Encoder:
    codes: Mapping[object, float] = {value: float(code) for code, value in enumerate(categories)}

    def encode(values: Values) -> Sequence[object]:
        # A category that the training did not see is missing, as pandas has it.
        return [codes.get(value, math.nan) for value in values]

    return encode


def _as_float32(values: Values) -> Sequence[object]:
    rounded: list[object] = np.array(values, dtype=np.float32).astype(np.float64).tolist()
    return rounded
