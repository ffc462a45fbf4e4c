"""What a step's file imports: a decorator that changes nothing, and the three things steps exchange.

A step stays a plain function: call it in a test or a notebook with `Table.of(frame)` and look at what it returns.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, overload

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

F = TypeVar("F", bound=Callable[..., object])


@overload
def step(function: F) -> F: ...


@overload
def step(
    *, model: str | None = None, timeout: str | None = None, version: str | None = None
) -> Callable[[F], F]: ...


def step(
    function: F | None = None,
    *,
    model: str | None = None,
    timeout: str | None = None,
    version: str | None = None,
) -> F | Callable[[F], F]:
    """Mark a function as a step; the function itself is returned unchanged.

    Planning reads these options from the file without importing it, so they must be literals.

    Args:
        function: the function, when the decorator is used without options.
        model: name under which the model that the step makes is registered (default: the step's name).
        timeout: longest time the step may run, such as `90s`, `30m` or `2h`.
        version: change it to have the step run again although its code looks the same.
    """
    # They are read from the source by planning; at run time there is nothing left to do with them.
    del model, timeout, version
    return function if function is not None else lambda undecorated: undecorated


class Table:
    """A table as a step receives it: one snapshot, read when asked."""

    def __init__(self, name: str, open_relation: Callable[[], duckdb.DuckDBPyRelation]) -> None:
        self.name = name
        self._open = open_relation

    @classmethod
    def of(cls, frame: pd.DataFrame, name: str = "frame") -> Table:
        """Return a table that holds `frame`, for tests and notebooks."""
        # Heavy, and not needed by a step that never makes a table itself.
        import duckdb

        return cls(name, lambda: duckdb.from_df(frame))

    def relation(self) -> duckdb.DuckDBPyRelation:
        """Return the table as a DuckDB relation, to filter and aggregate before anything is loaded."""
        return self._open()

    def df(self) -> pd.DataFrame:
        """Return the whole table as a pandas frame."""
        return self.relation().df()

    def __repr__(self) -> str:
        return f"Table({self.name!r})"


class Model:
    """A model: what a training step returns, and what a step that needs it receives.

    Args:
        made: what `mlflow.<flavour>.log_model` returned, or a model object that MLflow has a flavour for.
        uri: where MLflow finds the model (`models:/m-…`).
    """

    def __init__(self, made: object = None, *, uri: str | None = None) -> None:
        self.made = made
        self._uri = uri

    @property
    def uri(self) -> str:
        """Where MLflow finds the model.

        Raises:
            ValueError: the model is an object that has not been logged.
        """
        found = self._uri or getattr(self.made, "model_uri", None)
        if not isinstance(found, str):
            message = "this model has not been logged, so it has no address yet"
            raise ValueError(message)
        return found

    @property
    def path(self) -> Path:
        """A local folder that holds the model's files."""
        import mlflow

        # The folder outlives the call, because the caller reads from it; the system clears its temporary files.
        folder = tempfile.mkdtemp(prefix="ropewalk-model-")
        return Path(mlflow.artifacts.download_artifacts(self.uri, dst_path=folder))

    def load(self) -> object:
        """Return the model as its own library knows it, such as a LightGBM booster."""
        # In a test a step may be handed a model object directly; it is its own native form.
        if self.made is not None and not hasattr(self.made, "model_uri"):
            return self.made
        from ropewalk.mlops.training.flavours import load_native

        return load_native(self.uri)

    def __repr__(self) -> str:
        return f"Model({self._uri or self.made!r})"


class Metrics(dict[str, float]):
    """Numbers that judge something, by name: `Metrics(auc=0.81, loss=0.4)`."""

    def __init__(self, values: Mapping[str, float] | None = None, **more: float) -> None:
        super().__init__({name: float(value) for name, value in {**(values or {}), **more}.items()})
