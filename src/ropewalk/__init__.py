"""Ropewalk: ship data, models and software together from one Git repository.

What a step's file imports is here: `step`, `Table`, `Model`, `Metrics` and `Files`.
"""

from __future__ import annotations

# As type checkers know it; the module `typing` takes longer to load than `ropewalk run` needs when nothing changed.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from ropewalk.mlops.training.sdk import Files, Metrics, Model, Table, step

__version__ = "0.1.0"
__all__ = ["Files", "Metrics", "Model", "Table", "__version__", "step"]


def __getattr__(name: str) -> object:
    # Loaded at first use, so that the command line does not pay for it.
    if name in {"Files", "Metrics", "Model", "Table", "step"}:
        import importlib

        return getattr(importlib.import_module("ropewalk.mlops.training.sdk"), name)
    message = f"module 'ropewalk' has no attribute {name!r}"
    raise AttributeError(message)
