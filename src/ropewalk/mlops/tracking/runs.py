"""Runs: begin, log, end, find; by the protocol's handlers and by other rooms."""

from __future__ import annotations

import secrets
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ropewalk.mlops.tracking import limits
from ropewalk.mlops.tracking.errors import NotActive, UnknownRun, UnknownTag, ValueFixed
from ropewalk.mlops.tracking.experiments import ensure_experiment, require_active_experiment
from ropewalk.mlops.tracking.filter import RUNS, parse_filter, parse_ordering
from ropewalk.mlops.tracking.logged_models import require_logged_model
from ropewalk.pipeline import Workspace
from ropewalk.store import Connection, now_ms
from ropewalk.store.search import Condition, Page
from ropewalk.store.tracking import metrics as points
from ropewalk.store.tracking import runs as table
from ropewalk.store.tracking.chunks import compact_run
from ropewalk.store.tracking.experiments import find_experiment_by_name
from ropewalk.store.tracking.inputs import add_datasets, add_models
from ropewalk.store.tracking.logged_models import add_logged_model_metrics
from ropewalk.store.tracking.run_documents import RunDocument, find_run_document
from ropewalk.store.tracking.runs import NewRun, RunChange
from ropewalk.store.tracking.segments import Point
from ropewalk.store.tracking.series import (
    DECODED,
    EVERY_STEP,
    Thinned,
    count_points,
    find_series,
    page_of_points,
    points_between,
    thinned,
)
from ropewalk.store.tracking.upkeep import is_doomed
from ropewalk.store.tracking.values import Dataset, Metric, ModelMetric, ModelUse, Run, RunStatus, Stage

# Tags that MLflow's clients read and write as if they were the run's own fields.
NAME_TAG = "mlflow.runName"
USER_TAG = "mlflow.user"
# No more points are expected of runs in these; those that come nevertheless are kept all the same.
ENDED = frozenset({"FINISHED", "FAILED", "KILLED"})
# Words for runs that were given no name: what lies about in a ropewalk and on a ship.
_STAPLES = (
    "bow",
    "cleat",
    "fid",
    "hawser",
    "hitch",
    "keel",
    "lay",
    "reef",
    "sheave",
    "splice",
    "strand",
    "yarn",
)


@dataclass(frozen=True)
class RunRequest:
    """What a run begins with; a missing name is made up."""

    experiment_id: str
    name: str | None = None
    user_id: str = ""
    started_at: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    datasets: Sequence[Dataset] = ()


@dataclass(frozen=True)
class Batch:
    """What one request logs of a run; `model_metrics` holds the points that are of a logged model too, by its id."""

    metrics: Sequence[Metric] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    model_metrics: Mapping[str, Sequence[ModelMetric]] = field(default_factory=dict)


def create_run(
    workspace: Workspace,
    experiment: str,
    name: str,
    tags: Mapping[str, str],
    params: Mapping[str, str],
    datasets: Sequence[Dataset] = (),
) -> str:
    """Begin a run in the experiment of that name, made when it is missing, and return the run's id.

    Raises:
        NotActive: the experiment is deleted.
        InvalidRequest: a tag or parameter does not fit.
    """
    experiment_id = ensure_experiment(workspace, experiment)
    return begin_run(
        workspace, RunRequest(experiment_id, name, tags=tags, params=params, datasets=datasets)
    ).id


def begin_run(workspace: Workspace, request: RunRequest) -> Run:
    """Begin a run and return it.

    Raises:
        UnknownExperiment: there is no such experiment.
        NotActive: it is deleted.
        InvalidRequest: a tag or parameter does not fit.
    """
    # Clients of every age name a run in another place; both must say the same afterwards.
    name = request.name or request.tags.get(NAME_TAG) or f"{secrets.choice(_STAPLES)}-{secrets.token_hex(3)}"
    tags = {**request.tags, NAME_TAG: name}
    _check(Batch(params=request.params, tags=tags))
    user = request.user_id or request.tags.get(USER_TAG, "")
    # The client's clock counts where it sends one: its metrics carry times of the same clock.
    started_at = now_ms() if request.started_at is None else request.started_at
    with workspace.database.write() as connection:
        require_active_experiment(connection, request.experiment_id)
        new = NewRun(uuid.uuid4().hex, request.experiment_id, name, user, started_at)
        number = table.insert_run(connection, new)
        table.add_params(connection, number, request.params)
        table.set_run_tags(connection, number, tags)
        add_datasets(connection, number, request.experiment_id, request.datasets)
        return table.read_runs(connection, [number])[0]


def _check(batch: Batch) -> None:
    for key in {metric.key for metric in batch.metrics}:
        limits.check_key("Metric", key)
    limits.check_entries("Param", batch.params, limits.PARAM_VALUE)
    limits.check_entries("Tag", batch.tags, limits.RUN_TAG_VALUE)


def get_run(workspace: Workspace, run_id: str) -> Run:
    """Return a run with all it logged, also when it is deleted.

    Raises:
        UnknownRun: there is none of that id.
    """
    with workspace.database.read() as connection:
        found = table.find_run(connection, run_id)
    if found is None:
        raise _unknown(run_id)
    return found


def get_run_document(workspace: Workspace, run_id: str) -> RunDocument:
    """Return a run as the protocol sends it, also when it is deleted.

    Raises:
        UnknownRun: there is none of that id.
    """
    with workspace.database.read() as connection:
        found = find_run_document(connection, run_id)
    if found is None:
        raise _unknown(run_id)
    return found


def _unknown(run_id: str) -> UnknownRun:
    return UnknownRun(f"Run with id={run_id} not found")


def require_active_run(connection: Connection, run_id: str) -> Run:
    """Return the head of a run that something is to be added to.

    Raises:
        UnknownRun: there is none of that id.
        NotActive: it is deleted.
    """
    # The row alone: reading all that a run logged before each of its points would make logging ever slower.
    found = table.find_run_row(connection, run_id)
    if found is None:
        raise _unknown(run_id)
    if found.stage != "active":
        raise NotActive(
            f"The run {run_id} must be in the 'active' state. Current state is {found.stage}.",
            hint="restore it first",
        )
    return found


def log_batch(workspace: Workspace, run_id: str, batch: Batch) -> None:
    """Add metrics, parameters and tags to a run, all or none; what is there already is no error.

    Raises:
        UnknownRun: there is none of that id.
        NotActive: it is deleted.
        UnknownLoggedModel: a point is of a model that does not exist.
        ValueFixed: a parameter has another value already.
        InvalidRequest: a name or value does not fit.
    """
    # Outside the transaction: a batch that is refused must not have held up other writers.
    _check(batch)
    with workspace.database.write() as connection:
        keys = points.ask_keys(connection, batch.metrics)
        run = require_active_run(connection, run_id)
        # Parameters first: they are what a batch is refused for.
        fixed = table.add_params(connection, run.number, batch.params)
        for key, value in fixed.items():
            raise ValueFixed(
                f"Changing param values is not allowed. Param with key='{key}' of run {run_id} is '{value[:100]}',"
                f" and cannot become '{batch.params[key][:100]}'",
                hint="log it once per run, or use a nested run for each value",
            )
        _set_tags(connection, run, batch.tags)
        points.append_metrics(connection, run.number, batch.metrics, keys)
        for model_id, logged in batch.model_metrics.items():
            model = require_logged_model(connection, model_id)
            add_logged_model_metrics(connection, model.number, logged)


def _set_tags(connection: Connection, run: Run, tags: Mapping[str, str]) -> None:
    # MLflow keeps a run's name twice, and clients change it through the tag.
    table.set_run_tags(connection, run.number, tags)
    if NAME_TAG in tags:
        table.change_run(connection, run.number, RunChange(name=tags[NAME_TAG]))


def log_metrics(workspace: Workspace, run_id: str, metrics: Mapping[str, float], step: int = 0) -> None:
    """Add one point of now for each metric.

    Raises:
        UnknownRun: there is none of that id.
        NotActive: it is deleted.
    """
    now = now_ms()
    log_batch(workspace, run_id, Batch([Metric(key, value, step, now) for key, value in metrics.items()]))


def finish_run(
    workspace: Workspace, run_id: str, status: RunStatus, tags: Mapping[str, str] | None = None
) -> None:
    """Note that a run has ended, and how, with the last tags that are known of it.

    Raises:
        UnknownRun: there is none of that id.
        InvalidRequest: a tag does not fit.
    """
    limits.check_entries("Tag", tags or {}, limits.RUN_TAG_VALUE)
    with workspace.database.write() as connection:
        run = require_active_run(connection, run_id)
        table.set_run_tags(connection, run.number, tags or {})
        # The server's clock, because the caller of this function is a process of this machine.
        table.change_run(connection, run.number, RunChange(status=status, ended_at=now_ms()))
        compact_run(connection, run.number)


def update_run(workspace: Workspace, run_id: str, change: RunChange) -> Run:
    """Change a run's status, end or name and return its head as it is now.

    Raises:
        UnknownRun: there is none of that id.
        NotActive: it is deleted.
    """
    with workspace.database.write() as connection:
        run = require_active_run(connection, run_id)
        table.change_run(connection, run.number, change)
        if change.status in ENDED:
            compact_run(connection, run.number)
        if change.name:
            table.set_run_tags(connection, run.number, {NAME_TAG: change.name})
        return require_active_run(connection, run_id)


def move_run(workspace: Workspace, run_id: str, stage: Stage) -> None:
    """Delete or restore a run.

    Raises:
        UnknownRun: there is none of that id.
    """
    with workspace.database.write() as connection:
        # Unlike an experiment's, a run's second deletion is fine: clients retry it.
        found = table.find_run_row(connection, run_id)
        if found is None:
            raise _unknown(run_id)
        if stage == "active" and is_doomed(connection, found.number):
            raise NotActive(
                f"run {run_id} is being removed for good and cannot come back",
                hint="`ropewalk gc` removes the rest of it",
            )
        table.set_run_stage(connection, found.number, stage)


def untag_run(workspace: Workspace, run_id: str, key: str) -> None:
    """Remove a tag of a run.

    Raises:
        UnknownRun: there is none of that id.
        UnknownTag: it has no such tag.
    """
    with workspace.database.write() as connection:
        run = require_active_run(connection, run_id)
        if not table.delete_run_tag(connection, run.number, key):
            raise UnknownTag(f"No tag with name: {key} in run with id {run_id}")


def log_uses(
    workspace: Workspace, run_id: str, datasets: Sequence[Dataset], models: Sequence[ModelUse]
) -> None:
    """Note which data sets a run read, and which logged models it read or made.

    Raises:
        UnknownRun: there is none of that id.
        NotActive: it is deleted.
    """
    with workspace.database.write() as connection:
        run = require_active_run(connection, run_id)
        add_datasets(connection, run.number, run.experiment_id, datasets)
        add_models(connection, run.number, models)


def metric_history(workspace: Workspace, run_id: str, key: str) -> list[Metric]:
    """Return every point of one metric of a run, by step and time.

    Raises:
        UnknownRun: there is no such run.
    """
    return [Metric(key, value, step, time) for step, time, value in metric_points(workspace, run_id, key)]


def metric_points(workspace: Workspace, run_id: str, key: str) -> list[Point]:
    """Return what `metric_history` returns as bare (step, time, value).

    Raises:
        UnknownRun: there is no such run.
    """
    return metric_page(workspace, run_id, key)


def metric_page(
    workspace: Workspace, run_id: str, key: str, after: Point | None = None, limit: int | None = None
) -> list[Point]:
    """Return the first `limit` points (None: all) of one metric after the point `after` (None: from the first).

    Raises:
        UnknownRun: there is no such run.
    """
    with workspace.database.read() as connection:
        series = find_series(connection, _run_number(connection, run_id), key)
        if series is None:
            return []
        return page_of_points(connection, series, sys.maxsize if limit is None else limit, after)


def thinned_points(
    workspace: Workspace, run_id: str, key: str, most: int, steps: tuple[int, int] | None = None
) -> Thinned:
    """Return about `most` points of one metric between two steps that draw the same line as all of them.

    Raises:
        UnknownRun: there is no such run.
    """
    with workspace.database.read() as connection:
        series = find_series(connection, _run_number(connection, run_id), key)
        if series is None:
            return Thinned([], 0)
        return thinned(connection, series, most, *(steps or ()))


def chart_points(
    workspace: Workspace, run_id: str, key: str, most: int, steps: tuple[int, int] | None = None
) -> list[Point]:
    """Return the points of one metric between two steps, or about `most` of them when they are very many.

    Raises:
        UnknownRun: there is no such run.
    """
    with workspace.database.read() as connection:
        series = find_series(connection, _run_number(connection, run_id), key)
        if series is None:
            return []
        first, last = steps or EVERY_STEP
        if count_points(connection, series, first, last) > DECODED:
            return thinned(connection, series, most, first, last).points
        return points_between(connection, series, first, last)


def _run_number(connection: Connection, run_id: str) -> int:
    run = table.find_run_row(connection, run_id)
    if run is None:
        raise _unknown(run_id)
    return run.number


def search_runs(
    workspace: Workspace,
    experiments: Sequence[str] | None = None,
    filter_text: str = "",
    order_by: Sequence[str] = (),
    limit: int = 1000,
) -> list[Run]:
    """Return the active runs of the experiments of these names (None: of all) that fit the filter.

    Raises:
        InvalidFilter: the filter or an ordering does not parse.
    """
    conditions = [Condition("attribute", "stage", "=", "active"), *parse_filter(filter_text, RUNS)]
    orderings = [parse_ordering(text, RUNS) for text in order_by]
    with workspace.database.read() as connection:
        # An unknown name finds nothing rather than failing: pages list experiments that a user may delete
        # meanwhile.
        if experiments is not None:
            found = [find_experiment_by_name(connection, name) for name in experiments]
            ids = tuple(experiment.id for experiment in found if experiment)
            conditions.append(Condition("attribute", "experiment_id", "IN", ids))
        return table.search_runs(connection, conditions, orderings, Page(limit))
