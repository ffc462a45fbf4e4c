"""What of a run is asked for or sorted by: `metrics.auc`, `max(metrics.auc)`, `at(metrics.loss, 100)`, `params.depth`.

A metric's plain name means its last value, as everywhere in MLflow. `best` is the greatest value, and the least where
the metric's name says that less is better; which one it was is told with the answer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, cast

from ropewalk.errors import nearest
from ropewalk.mlops.tracking.errors import InvalidFilter
from ropewalk.mlops.tracking.filter import RUNS, parse_ordering
from ropewalk.store.search import Ordering
from ropewalk.store.tracking.aggregates import Extremes
from ropewalk.store.tracking.values import Run

Aggregate = Literal["last", "min", "max", "best", "at"]
AGGREGATES: tuple[Aggregate, ...] = ("last", "min", "max", "best", "at")
_CALL = re.compile(r"\s*(?P<aggregate>[A-Za-z]+)\((?P<inner>[^()]+?)(?:\s*,\s*(?P<step>-?\d{1,18}))?\s*\)\s*")
_DIRECTION = re.compile(r"(?P<column>.+?)(?:\s+(?P<direction>ASC|DESC))?\s*", re.IGNORECASE | re.DOTALL)
# Words in a metric's name, in any spelling, that say that less of it is better.
_LESS_IS_BETTER = re.compile(
    r"(?i)loss(?:es)?(?![a-z])|(?<![a-z])(?:err(?:or)?s?|r?mse|mae|mape|perplexity|deviance|brier|latency|duration"
    r"|wer|cer|fpr|fnr)(?![a-z])"
)
_WIRE_NAMES = {"metric": "metrics", "parameter": "params", "tag": "tags"}


@dataclass(frozen=True)
class Column:
    """One column of a search.

    Attributes:
        entity: `attribute`, `metric`, `parameter` or `tag`.
        key: its name.
        aggregate: which of a metric's values; `last` for everything else.
        step: for `at`, the step.
    """

    entity: str
    key: str
    aggregate: Aggregate = "last"
    step: int | None = None

    @property
    def text(self) -> str:
        """The column as one writes it."""
        key = self.key if re.fullmatch(r"[\w.\-/:]+", self.key) else f"`{self.key}`"
        name = key if self.entity == "attribute" else f"{_WIRE_NAMES.get(self.entity, self.entity)}.{key}"
        if self.aggregate == "last":
            return name
        return f"{self.aggregate}({name}{'' if self.step is None else f', {self.step}'})"


@dataclass(frozen=True)
class Order:
    """A column to sort by, and which way."""

    column: Column
    is_ascending: bool = True

    @property
    def text(self) -> str:
        """The order as one writes it."""
        return f"{self.column.text} {'ASC' if self.is_ascending else 'DESC'}"

    def ordering(self) -> Ordering:
        """Return it for the store; of a metric at a step the store knows nothing."""
        column = self.column
        entity = column.aggregate if column.aggregate in {"min", "max"} else column.entity
        return Ordering(entity, column.key, self.is_ascending)


def parse_column(text: str) -> Column:
    """Return the column that `text` names.

    Raises:
        InvalidFilter: it does not parse, or names what a run does not have.
    """
    call = _CALL.fullmatch(text)
    plain = parse_ordering(call["inner"] if call else text, RUNS)
    found = Column(plain.entity, plain.key)
    if call is None:
        return found
    aggregate = call["aggregate"].lower()
    if aggregate not in AGGREGATES:
        raise InvalidFilter(
            f"there is no aggregation {call['aggregate']!r} at character {call.start('aggregate') + 1}",
            nearest=nearest(aggregate, AGGREGATES),
            hint=f"the aggregations are {', '.join(AGGREGATES)}",
        )
    return _aggregated(found, cast("Aggregate", aggregate), call["step"])


def _aggregated(column: Column, aggregate: Aggregate, step: str | None) -> Column:
    if column.entity != "metric":
        raise InvalidFilter(
            f"only metrics have a history to take {aggregate} of, not {column.text}",
            hint="such as max(metrics.auc)",
        )
    if (aggregate == "at") != (step is not None):
        raise InvalidFilter(
            f"{aggregate}({column.text}) {'needs' if aggregate == 'at' else 'takes no'} step",
            hint="such as at(metrics.loss, 100)",
        )
    if aggregate == "best":
        aggregate = better(column.key)
    return replace(column, aggregate=aggregate, step=None if step is None else int(step))


def parse_order(text: str) -> Order:
    """Return the order that a clause such as `max(metrics.auc) DESC` states; `best(…)` begins with the best.

    Raises:
        InvalidFilter: it does not parse, or names what runs are not sorted by.
    """
    match = _DIRECTION.fullmatch(text)
    if match is None:
        raise InvalidFilter("Invalid order_by clause: it is empty", hint="such as metrics.auc DESC")
    column = parse_column(match["column"])
    if match["direction"] is None and re.match(r"\s*best\(", text, re.IGNORECASE):
        return Order(column, column.aggregate == "min")
    return Order(column, (match["direction"] or "ASC").upper() == "ASC")


def better(metric: str) -> Aggregate:
    """Return which of a metric's values is its best: `min` where the name says that less is better, else `max`."""
    return "min" if _LESS_IS_BETTER.search(metric) else "max"


def value_of(run: Run, column: Column, extremes: Mapping[str, Extremes]) -> str | float | int | None:
    """Return what stands in a column for a run, None when nothing does or it is not a number; not for `at`."""
    if column.entity == "metric":
        return _metric_of(run, column, extremes)
    if column.entity == "attribute":
        return attribute_of(run, column.key)
    return (run.params if column.entity == "parameter" else run.tags).get(column.key)


def _metric_of(run: Run, column: Column, extremes: Mapping[str, Extremes]) -> float | None:
    if column.aggregate in {"min", "max"}:
        known = extremes.get(column.key)
        return None if known is None else known.least if column.aggregate == "min" else known.greatest
    point = run.metrics.get(column.key)
    return None if point is None or math.isnan(point.value) else point.value


def attribute_of(run: Run, key: str) -> str | int | None:
    """Return one of the run's own fields by the name that filters use."""
    values: dict[str, str | int | None] = {
        "run_id": run.id,
        "run_name": run.name,
        "experiment_id": run.experiment_id,
        "user_id": run.user_id,
        "status": run.status,
        "start_time": run.started_at,
        "end_time": run.ended_at,
        "artifact_uri": run.artifact_uri,
    }
    return values.get(key)
