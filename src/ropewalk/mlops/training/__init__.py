"""Steps: the functions of a project, what they take and make, and how each is run and tracked."""

from ropewalk.mlops.training.errors import InvalidStep, StepFailed, StepTimedOut, WrongProduct
from ropewalk.mlops.training.kind import StepKind
from ropewalk.mlops.training.sdk import Metrics, Model, Table, step

__all__ = [
    "InvalidStep",
    "Metrics",
    "Model",
    "StepFailed",
    "StepKind",
    "StepTimedOut",
    "Table",
    "WrongProduct",
    "step",
]
