"""Which MLflow flavour writes and reads a model object: told by the library it comes from."""

from __future__ import annotations

import importlib
from importlib.util import find_spec

# First module of the object's class -> name of the flavour; tried over the class's bases in order.
FLAVOURS = {
    "lightgbm": "lightgbm",
    "xgboost": "xgboost",
    "catboost": "catboost",
    "sklearn": "sklearn",
    "statsmodels": "statsmodels",
    "torch": "pytorch",
    "keras": "keras",
}


def flavour_of(model: object) -> str | None:
    """Return the MLflow flavour for `model`, or None when no known library made it."""
    # A user's own subclass of an estimator is still that library's model.
    for base in type(model).__mro__:
        flavour = FLAVOURS.get(base.__module__.partition(".")[0])
        if flavour:
            return flavour
    return None


def log_object(model: object) -> str:
    """Log `model` to the active MLflow run with its flavour and return its address.

    Raises:
        TypeError: no known library made it.
    """
    flavour = flavour_of(model)
    if flavour is None:
        known = ", ".join(sorted(FLAVOURS))
        message = (
            f"MLflow has no flavour here for {type(model).__qualname__} (known: {known}); log it yourself"
        )
        raise TypeError(message)
    logged = importlib.import_module(f"mlflow.{flavour}").log_model(model, name="model", **_format(flavour))
    return str(logged.model_uri)


def _format(flavour: str) -> dict[str, str]:
    # MLflow 3 writes scikit-learn's models with skops, which neither of the two installs.
    if flavour == "sklearn" and find_spec("skops") is None:
        return {"serialization_format": "cloudpickle"}
    return {}


def load_native(uri: str) -> object:
    """Return the model at `uri` as its own library knows it, or as a pyfunc when it has no other flavour."""
    models = importlib.import_module("mlflow.models")
    names = [name for name in models.get_model_info(uri).flavors if name != "python_function"]
    module = importlib.import_module(f"mlflow.{names[0] if names else 'pyfunc'}")
    loaded: object = module.load_model(uri)
    return loaded
