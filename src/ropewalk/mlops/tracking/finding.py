"""Finding runs in all experiments at once: filtered, sorted by any column, counted truly, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Literal

from ropewalk.errors import nearest
from ropewalk.mlops.tracking.columns import Column, Order, parse_order, value_of
from ropewalk.mlops.tracking.errors import TooManyRuns, UnknownExperiment, UnknownRun
from ropewalk.mlops.tracking.filter import RUNS, parse_filter
from ropewalk.pipeline import Workspace
from ropewalk.store import Connection
from ropewalk.store.search import Condition, Page, search
from ropewalk.store.tracking import aggregates
from ropewalk.store.tracking.aggregates import SUMMARIES, ExperimentCount, Extremes
from ropewalk.store.tracking.experiments import EXPERIMENTS, read_experiments
from ropewalk.store.tracking.runs import ids_that_begin, read_runs
from ropewalk.store.tracking.series import find_series, points_between
from ropewalk.store.tracking.values import Experiment, Run

View = Literal["active", "deleted", "all"]
# A run that was put away with its branch: kept, and out of the way.
ARCHIVED = "ropewalk.archived"
# Sorting by the value at a step reads the points of every run that is found.
MOST_AT_STEP = 1_000
MOST_EXPERIMENTS = 100_000


@dataclass(frozen=True)
class RunQuery:
    """What runs are looked for.

    Attributes:
        experiments: names or ids; None for all there are.
        filter: MLflow's filter language.
        order_by: clauses such as `max(metrics.auc) DESC`; newest first without any.
        view: runs that are there, those in the trash, or both.
        with_archived: whether runs of deleted branches are found too.
        offset: how many of the ordered runs are passed over.
        limit: how many are returned.
        params_as_numbers: whether parameters that are numbers are sorted as such, before words; MLflow sorts texts.
        page: instead of offset and limit, a page that begins behind a run.
        columns: what of each run is wanted besides the run itself; metrics at a step are read only for these.
    """

    experiments: Sequence[str] | None = None
    filter: str = ""
    order_by: Sequence[str] = ()
    view: View = "active"
    with_archived: bool = False
    offset: int = 0
    limit: int = 100
    params_as_numbers: bool = False
    columns: Sequence[Column] = ()
    page: Page | None = None


@dataclass(frozen=True)
class FoundRuns:
    """A page of the runs that were found.

    Attributes:
        total: how many there are on all pages.
        runs: the runs of this page, in order.
        values: what stands in each column that was asked for, run by run.
        orders: what they are sorted by, as it was understood.
        experiments: the experiments of these runs by their ids.
    """

    total: int
    runs: tuple[Run, ...]
    values: tuple[tuple[str | float | int | None, ...], ...]
    orders: tuple[Order, ...]
    experiments: Mapping[str, Experiment] = field(default_factory=dict)


def find_runs(workspace: Workspace, query: RunQuery) -> FoundRuns:
    """Return a page of the runs that fit, with the true number of all.

    Raises:
        InvalidFilter: the filter, an order or a column does not parse.
        UnknownExperiment: a named experiment does not exist.
        TooManyRuns: they are to be sorted by the value at a step, and are too many to read.
    """
    orders = tuple(parse_order(text) for text in query.order_by)
    _prepare(workspace, [*(order.column for order in orders), *query.columns])
    with workspace.database.read() as connection:
        conditions = _conditions(connection, query)
        total = aggregates.count_runs(connection, conditions)
        numbers = _page(connection, conditions, orders, query, total)
        runs = tuple(read_runs(connection, numbers))
        values = column_values(connection, runs, query.columns)
        experiments = read_experiments(connection, sorted({run.experiment_id for run in runs}))
    return FoundRuns(total, runs, values, orders, {one.id: one for one in experiments})


def experiment_counts(workspace: Workspace) -> dict[str, ExperimentCount]:
    """Return how many active runs each experiment that has some has, by its id."""
    with workspace.database.read() as connection:
        return aggregates.count_by_experiment(connection)


def names_logged(runs: Sequence[Run]) -> tuple[list[str], list[str]]:
    """Return the names of the metrics and of the parameters that some of these runs have, in order."""
    metrics = {name for run in runs for name in run.metrics}
    return sorted(metrics), sorted({name for run in runs for name in run.params})


def find_experiment(workspace: Workspace, name: str) -> Experiment:
    """Return the experiment of that name or id, deleted ones too.

    Raises:
        UnknownExperiment: there is none; the error has the nearest name.
    """
    with workspace.database.read() as connection:
        return read_experiments(connection, [_experiment_id(connection, name)])[0]


def find_run_id(workspace: Workspace, beginning: str) -> str:
    """Return the id of the one run whose id begins so.

    Raises:
        UnknownRun: there is none.
        TooManyRuns: there are several.
    """
    with workspace.database.read() as connection:
        found = ids_that_begin(connection, beginning)
    if not found:
        raise UnknownRun(
            f"there is no run whose id begins with {beginning[:64]!r}",
            hint="`ropewalk experiments search` lists runs",
        )
    if len(found) > 1 and beginning not in found:
        raise TooManyRuns(f"more than one run's id begins with {beginning!r}: {', '.join(found)}")
    return beginning if beginning in found else found[0]


def column_of(run: Run, column: Column) -> str | float | int | None:
    """Return what stands in a column for a run that was found, by what is known of it as it is."""
    return value_of(run, column, {})


def _prepare(workspace: Workspace, columns: Sequence[Column]) -> None:
    if any(column.aggregate in {"min", "max"} for column in columns):
        # Once for each process: what is logged from now on has its extremes.
        workspace.once("extremes of metrics", lambda: _filled(workspace))


@contextmanager
def _filled(workspace: Workspace) -> Iterator[int]:
    yield aggregates.fill_extremes(workspace.database)


def _conditions(connection: Connection, query: RunQuery) -> list[Condition]:
    conditions = parse_filter(query.filter, RUNS)
    if query.view != "all":
        conditions.append(Condition("attribute", "stage", "=", query.view))
    # Whoever asks for archived runs by their tag gets them.
    if not query.with_archived and not any(condition.key == ARCHIVED for condition in conditions):
        conditions.append(Condition("tag", ARCHIVED, "IS NULL"))
    if query.experiments is not None:
        ids = tuple(_experiment_id(connection, name) for name in query.experiments)
        conditions.append(Condition("attribute", "experiment_id", "IN", ids))
    return conditions


def _experiment_id(connection: Connection, name: str) -> str:
    # A name is looked at first: people may call an experiment `12`.
    for key in ("name", "experiment_id"):
        if key == "experiment_id" and not name.isdecimal():
            continue
        rows = search(connection, EXPERIMENTS, [Condition("attribute", key, "IN", (name,))], [], Page(1))
        if rows:
            return str(rows[0]["id"])
    known = search(connection, EXPERIMENTS, [], [], Page(MOST_EXPERIMENTS))
    names = [one.name for one in read_experiments(connection, [str(row["id"]) for row in known])]
    raise UnknownExperiment(
        f"there is no experiment {name[:100]!r}",
        nearest=nearest(name, names),
        hint="`ropewalk experiments` lists them",
    )


def _page(
    connection: Connection,
    conditions: Sequence[Condition],
    orders: Sequence[Order],
    query: RunQuery,
    total: int,
) -> list[int]:
    is_by_number = query.params_as_numbers and [order.column.entity for order in orders] == ["parameter"]
    if is_by_number and total <= MOST_AT_STEP:
        rows = search(connection, SUMMARIES, conditions, [], Page(MOST_AT_STEP))
        runs = read_runs(connection, [row["number"] for row in rows])
        values = {run.number: run.params.get(orders[0].column.key) for run in runs}
        return _sorted({key: _number_first(value) for key, value in values.items()}, orders[0], query)
    stored = list(takewhile(lambda order: order.column.aggregate != "at", orders))
    if len(stored) == len(orders):
        orderings = [order.ordering() for order in stored]
        rows = search(
            connection, SUMMARIES, conditions, orderings, query.page or Page(query.limit, query.offset)
        )
        return [row["number"] for row in rows]
    return _sorted_at_step(connection, conditions, orders, query, total)


def _sorted_at_step(
    connection: Connection,
    conditions: Sequence[Condition],
    orders: Sequence[Order],
    query: RunQuery,
    total: int,
) -> list[int]:
    if orders[0].column.aggregate != "at":
        raise TooManyRuns("a value at a step can only be the first thing that runs are sorted by")
    column = orders[0].column
    if total > MOST_AT_STEP:
        raise TooManyRuns(
            f"{total:,} runs are too many to be sorted by {column.text}: at most {MOST_AT_STEP:,}",
            hint="narrow the filter, or sort by last, min, max or best",
        )
    rows = search(connection, SUMMARIES, conditions, [], Page(MOST_AT_STEP))
    found = {row["number"]: value_at(connection, row["number"], column) for row in rows}
    return _sorted(
        {key: None if value is None else (0, value, "") for key, value in found.items()}, orders[0], query
    )


def _number_first(text: str | None) -> tuple[int, float, str] | None:
    """Return what a parameter is sorted by: numbers before words, each among its own."""
    if text is None:
        return None
    try:
        return 0, float(text), ""
    except ValueError:
        return 1, 0.0, text


def _sorted(values: Mapping[int, tuple[int, float, str] | None], order: Order, query: RunQuery) -> list[int]:
    # Apart, so that turning the order round does not bring what has no value to the top.
    known = [number for number, value in values.items() if value is not None]
    known.sort(key=lambda number: values[number] or (0, 0.0, ""), reverse=not order.is_ascending)
    ordered = known + [number for number, value in values.items() if value is None]
    return ordered[query.offset : query.offset + query.limit]


def column_values(
    connection: Connection, runs: Sequence[Run], columns: Sequence[Column]
) -> tuple[tuple[str | float | int | None, ...], ...]:
    """Return what stands in each of the columns, run by run."""
    extremes: Mapping[int, Mapping[str, Extremes]] = {}
    if any(column.aggregate in {"min", "max"} for column in columns):
        extremes = aggregates.read_extremes(connection, [run.number for run in runs])
    return tuple(
        tuple(
            value_at(connection, run.number, column)
            if column.aggregate == "at"
            else value_of(run, column, extremes.get(run.number, {}))
            for column in columns
        )
        for run in runs
    )


def value_at(connection: Connection, number: int, column: Column) -> float | None:
    """Return a metric's value at a step, or at the last step before it that has one; NaN is none."""
    series = find_series(connection, number, column.key)
    step = column.step or 0
    if series is None:
        return None
    # Most often there is one just there, and nothing else is read.
    points = points_between(connection, series, step, step) or points_between(
        connection, series, -(2**63), step
    )
    return points[-1][2] if points and points[-1][2] == points[-1][2] else None
