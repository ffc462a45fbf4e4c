"""The step's tracked run in the MLflow client: made the active one when the step imports mlflow, and not before.

Importing mlflow costs seconds, and most steps that only return numbers never need it.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Loaded for their names only, they would cost a small step a tenth of its time.
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec

CLIENT = "mlflow"
# Where somebody says by name which experiment new runs belong to.
NAMED = "MLFLOW_EXPERIMENT_NAME"


@contextmanager
def active_run(run_id: str) -> Iterator[None]:
    """Have the run be MLflow's active one while the context lasts, if and as soon as mlflow is imported."""
    watch = _ImportWatch(run_id)
    watch.start()
    status = "FAILED"
    try:
        yield
        status = "FINISHED"
    finally:
        watch.end(status)


class _ImportWatch:
    """Waits for the import of mlflow and then resumes the run."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id

    def start(self) -> None:
        """Resume the run now if mlflow is there already, else at its import."""
        if CLIENT in sys.modules:
            self.resume()
        else:
            sys.meta_path.insert(0, self)

    def resume(self) -> None:
        """Make the run the active one; it was begun by the engine."""
        run = _client().start_run(run_id=self.run_id)
        # The client would give this run to the first nested one that the step begins.
        os.environ.pop("MLFLOW_RUN_ID", None)
        # Without it nested runs land in the experiment `Default`: a parent's experiment is not looked at. An id that
        # the shell had is one of another server; a name holds everywhere, and the client refuses both together.
        if NAMED not in os.environ:
            os.environ["MLFLOW_EXPERIMENT_ID"] = run.info.experiment_id

    def end(self, status: str) -> None:
        """Leave the run, which also sends what the client still holds back; the engine has the last word on its status."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        elif CLIENT in sys.modules:
            _client().end_run(status)

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find mlflow as usual, with the run resumed once it has been loaded."""
        if fullname != CLIENT:
            return None
        # Once is enough; and the usual finders must not meet this one again.
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(CLIENT)
        if spec and spec.loader:
            _after_loading(spec.loader, self)
        return spec


def _after_loading(loader: Loader, watch: _ImportWatch) -> None:
    load = loader.exec_module

    def load_and_resume(module: ModuleType) -> None:
        load(module)
        watch.resume()

    # Of this one loader object only: a class of our own in its place would hide the package's data files.
    loader.exec_module = load_and_resume  # type: ignore[method-assign]  # see above


def _client() -> ModuleType:
    return importlib.import_module(CLIENT)
