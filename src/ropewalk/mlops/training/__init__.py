"""Steps: the functions of a project, what they take and make, and how each is run and tracked."""

from importlib import import_module
from typing import TYPE_CHECKING

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
_MODULES = {
    "errors": ("InvalidStep", "StepFailed", "StepTimedOut", "UnkeptFiles", "WrongProduct"),
    "kind": ("StepKind",),
    "live_files": ("files_objects",),
    "old_environments": ("sweep_environments",),
    "sdk": ("Files", "Metrics", "Model", "Table", "step"),
}
_LAZY = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """Return what the door shows, imported at its first use."""
    if name not in _LAZY:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
