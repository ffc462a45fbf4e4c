"""Ropewalk: ship data, models and software together from one Git repository.

What a step's file imports is here: `step`, `Table`, `Model`, `Metrics` and `Files`; and what a source's does: `source`.
"""

from __future__ import annotations

# As type checkers know it; the module `typing` takes longer to load than `ropewalk run` needs when nothing changed.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from ropewalk.dataops.sources.sdk import source
    from ropewalk.mlops.training.sdk import Files, Metrics, Model, Table, step

__version__ = "0.1.0"
__all__ = ["Files", "Metrics", "Model", "Table", "__version__", "source", "step"]


def __getattr__(name: str) -> object:
    # Loaded at first use, so that the command line does not pay for it.
    if name in __all__:
        import importlib

        module = "ropewalk.dataops.sources.sdk" if name == "source" else "ropewalk.mlops.training.sdk"
        return getattr(importlib.import_module(module), name)
    message = f"module 'ropewalk' has no attribute {name!r}"
    raise AttributeError(message)
