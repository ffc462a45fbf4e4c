"""Steps: the functions of a project, what they take and make, and how each is run and tracked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.mlops.training.errors import (
        InvalidStep,
        StepFailed,
        StepTimedOut,
        UnkeptFiles,
        WrongProduct,
    )
    from ropewalk.mlops.training.kind import StepKind
    from ropewalk.mlops.training.live_files import files_objects
    from ropewalk.mlops.training.old_environments import sweep_environments
    from ropewalk.mlops.training.sdk import Files, Metrics, Model, Table, step
__all__ = [
    "Files",
    "InvalidStep",
    "Metrics",
    "Model",
    "StepFailed",
    "StepKind",
    "StepTimedOut",
    "Table",
    "UnkeptFiles",
    "WrongProduct",
    "files_objects",
    "step",
    "sweep_environments",
]

# Each step's process passes through this door on its way to its own program, and the engine behind `StepKind` costs
# it more than a small step does.
__getattr__ = lazy_names(__name__, __file__)
