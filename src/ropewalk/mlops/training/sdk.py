"""What a step's file imports: a decorator that changes nothing, and the four things steps exchange.

A step stays a plain function: call it in a test or a notebook with `Table.of(frame)` and look at what it returns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, TypeVar, Unpack, overload

from ropewalk.mlops.training.staging import fresh_folder
from ropewalk.processes import TableData, relation_of

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

F = TypeVar("F", bound=Callable[..., object])


class StepOptions(TypedDict, total=False):
    """The options of `@step`.

    Attributes:
        model: name under which the model that the step makes is registered (default: the step's name).
        timeout: longest time the step may run, such as `90s`, `30m` or `2h`.
        version: change it to have the step run again although its code looks the same.
        env: an environment of its own, such as `uv:requirements/train.txt`: a file of hashed requirements.
        cpu: cores it takes of those that a run may use (default: 1).
        memory: memory it takes of what a run may use, such as `512MB` or `2GB`.
        pool: name below `pools:` of what it shares with other steps, such as a database that bears three clients.
        retries: how often it is tried again after an error that may pass.
        backoff: time before the first retry, such as `10s`; each further one waits twice as long.
        retry_on: names of exceptions after which it is tried again, such as `("ConnectionError",)`.
        partition: how its table is made in parts, such as `day(flown_on)`: it is called once for each day that is
            missing or whose inputs changed, with the rows of that day of every table that has the column.
        max_partitions: how many of these calls may run at the same time (default: 4), each in a process of its own
            that takes `cpu`, `memory` and a place in `pool` once more; 1 makes them one after the other.
    """

    model: str
    timeout: str
    version: str
    env: str
    cpu: int
    memory: str
    pool: str
    retries: int
    backoff: str
    retry_on: str | tuple[str, ...]
    partition: str
    max_partitions: int


@overload
def step(function: F) -> F: ...


@overload
def step(**options: Unpack[StepOptions]) -> Callable[[F], F]: ...


def step(function: F | None = None, **options: Unpack[StepOptions]) -> F | Callable[[F], F]:
    """Mark a function as a step; the function itself is returned unchanged.

    Planning reads the options from the file without importing it, so they must be literals.

    Args:
        function: the function, when the decorator is used without options.
        options: see `StepOptions`.
    """
    # They are read from the source by planning; at run time there is nothing left to do with them.
    del options
    return function if function is not None else lambda undecorated: undecorated


class Table:
    """A table: one snapshot as a step receives it, read when asked, or the rows that a step returns."""

    def __init__(
        self,
        name: str,
        open_relation: Callable[[], duckdb.DuckDBPyRelation],
        open_past: Callable[[str], duckdb.DuckDBPyRelation] | None = None,
    ) -> None:
        self.name = name
        self._open = open_relation
        self._open_past = open_past

    @classmethod
    def of(cls, data: TableData, name: str = "frame") -> Table:
        """Return a table that holds `data`: what a step that makes a table returns, and what a test hands to one.

        Args:
            data: a pandas frame, a pyarrow table or record batch reader (anything that streams Arrow), a DuckDB
                relation, or rows as mappings. A reader can be read once.
            name: what it is called in messages.

        Raises:
            TypeError: `data` is none of these; raised when the rows are asked for.
        """
        return cls(name, lambda: relation_of(data))

    def at(self, moment: int | str) -> Table:
        """Return the table as it was at a pin, at a snapshot's number, or at a time (ISO 8601, in UTC).

        What is read of it counts as an input of the step: if the pin is given to other rows, the step runs again.
        Where this table holds one interval alone, so does what is returned.

        Raises:
            ValueError: this is no table of the lake, but one made by `Table.of`; or, once its rows are asked for,
                the table had no column then to cut it by.
        """
        past = self._open_past
        if past is None:
            message = f"{self!r} is no table of the lake, so it has no past"
            raise ValueError(message)
        return Table(f"{self.name}@{moment}", lambda: past(str(moment)))

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

        # The folder outlives the call, because the caller reads from it; it ends with the step.
        return Path(mlflow.artifacts.download_artifacts(self.uri, dst_path=str(fresh_folder())))

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


class Files:
    """A file or a folder of files: what a step that makes files returns, and what a step that needs them receives.

    Attributes:
        path: the file or the folder. What a step receives is read-only, and its own: nothing it does to it
            reaches the files that were kept.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @staticmethod
    def folder() -> Path:
        """Return a new empty folder to write into, from which files are kept without being copied."""
        return fresh_folder()

    def __repr__(self) -> str:
        return f"Files({str(self.path)!r})"
