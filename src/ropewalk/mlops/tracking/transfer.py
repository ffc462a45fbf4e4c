"""Runs that travel: a run with the models it logged as one description, and back into another store.

Ids are kept: they are random and long, so the same run is the same run everywhere, and bringing it in twice is
bringing it in once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from ropewalk.mlops.tracking import limits
from ropewalk.mlops.tracking.artifacts import proxied_path, safe_path
from ropewalk.mlops.tracking.errors import InvalidParcel
from ropewalk.mlops.tracking.experiments import ensure_experiment, get_experiment
from ropewalk.mlops.tracking.logged_models import get_logged_model
from ropewalk.mlops.tracking.runs import get_run, metric_points
from ropewalk.pipeline import StoredObject, Workspace, naming_objects
from ropewalk.store.artifacts import Artifact, put_artifact
from ropewalk.store.connections import Connection
from ropewalk.store.tracking import logged_models as models
from ropewalk.store.tracking import runs as table
from ropewalk.store.tracking.inputs import add_datasets, add_models
from ropewalk.store.tracking.logged_models import NewLoggedModel
from ropewalk.store.tracking.metrics import append_metrics
from ropewalk.store.tracking.runs import NewRun, RunChange
from ropewalk.store.tracking.values import Dataset, LoggedModel, Metric, ModelUse, RunStatus

_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
Files = Mapping[str, Mapping[str, StoredObject]]


@dataclass(frozen=True)
class ModelParcel:
    """A logged model without its files."""

    id: str
    name: str
    model_type: str | None
    status: str
    params: dict[str, str]
    tags: dict[str, str]


@dataclass(frozen=True)
class RunParcel:
    """A run with all it logged; a point is (step, time, value as Python writes it, because JSON has no NaN)."""

    experiment: str
    id: str
    name: str
    user_id: str
    status: RunStatus
    started_at: int
    ended_at: int | None
    params: dict[str, str]
    tags: dict[str, str]
    points: dict[str, list[tuple[int, int, str]]]
    datasets: list[Dataset]
    models: list[ModelParcel]


def export_run(workspace: Workspace, run_id: str, model_ids: Iterable[str] = ()) -> bytes:
    """Return a description of the run with these logged models, from which `import_run` makes them again.

    Raises:
        UnknownRun: there is none of that id.
        UnknownLoggedModel: one of the models is not there.
    """
    run = get_run(workspace, run_id)
    parcel = RunParcel(
        experiment=get_experiment(workspace, run.experiment_id).name,
        id=run.id,
        name=run.name,
        user_id=run.user_id,
        status=run.status,
        started_at=run.started_at,
        ended_at=run.ended_at,
        params=dict(run.params),
        tags=dict(run.tags),
        points={
            key: [(step, time, repr(value)) for step, time, value in metric_points(workspace, run_id, key)]
            for key in run.metrics
        },
        datasets=list(run.datasets),
        models=[_model_parcel(get_logged_model(workspace, model_id)) for model_id in model_ids],
    )
    return msgspec.json.encode(parcel)


def import_run(workspace: Workspace, content: bytes, files: Files) -> None:
    """Make the run that `content` describes, and its models with these files, unless they are there already.

    Args:
        workspace: the open project.
        content: what `export_run` returned.
        files: the objects of each model, by its id and their paths below it; a model without any is left out.

    Raises:
        InvalidParcel: `content` is no such description.
        InvalidRequest: a name or value in it does not fit.
        UnsafePath: a file's path leads out of its model.
    """
    parcel = _read(content)
    experiment = ensure_experiment(workspace, parcel.experiment)
    brought = {stored for parts in files.values() for stored in parts.values()}
    # All or nothing: whoever finds the run finds its models.
    with naming_objects(workspace, brought), workspace.database.write() as connection:
        if table.find_run_row(connection, parcel.id) is None:
            _add_run(connection, parcel, experiment)
        for model in parcel.models:
            if files.get(model.id) and models.find_logged_model(connection, model.id) is None:
                _add_model(connection, parcel, model, experiment, files[model.id])


def _model_parcel(model: LoggedModel) -> ModelParcel:
    return ModelParcel(
        model.id, model.name, model.model_type, model.status, dict(model.params), dict(model.tags)
    )


def _read(content: bytes) -> RunParcel:
    try:
        parcel = msgspec.json.decode(content, type=RunParcel)
    except msgspec.MsgspecError as error:
        raise InvalidParcel(f"this does not describe a run: {error}") from error
    # They become names of folders.
    for identifier in (parcel.id, *(model.id for model in parcel.models)):
        if not _ID.fullmatch(identifier):
            raise InvalidParcel(f"{identifier[:100]!r} is no id of a run or model")
    for what, entries, limit in _entries(parcel):
        limits.check_entries(what, entries, limit)
    return parcel


def _entries(parcel: RunParcel) -> Iterable[tuple[str, Mapping[str, str], int]]:
    yield "Param", parcel.params, limits.PARAM_VALUE
    yield "Tag", parcel.tags, limits.RUN_TAG_VALUE
    for model in parcel.models:
        yield "Model param", model.params, limits.PARAM_VALUE
        yield "Model tag", model.tags, limits.RUN_TAG_VALUE


def _add_run(connection: Connection, parcel: RunParcel, experiment: str) -> None:
    new = NewRun(parcel.id, experiment, parcel.name, parcel.user_id, parcel.started_at)
    number = table.insert_run(connection, new)
    table.add_params(connection, number, parcel.params)
    table.set_run_tags(connection, number, parcel.tags)
    append_metrics(connection, number, list(_metrics(parcel)))
    add_datasets(connection, number, experiment, parcel.datasets)
    add_models(connection, number, [ModelUse("output", model.id) for model in parcel.models])
    table.change_run(connection, number, RunChange(parcel.status, parcel.ended_at))


def _metrics(parcel: RunParcel) -> Iterable[Metric]:
    for key, series in parcel.points.items():
        limits.check_key("Metric", key)
        for step, time, value in series:
            try:
                yield Metric(key, float(value), step, time)
            except ValueError as error:
                raise InvalidParcel(f"{value[:100]!r} is no value of metric {key!r}") from error


def _add_model(
    connection: Connection,
    parcel: RunParcel,
    model: ModelParcel,
    experiment: str,
    files: Mapping[str, StoredObject],
) -> None:
    new = NewLoggedModel(model.id, experiment, model.name, model.model_type, parcel.id)
    number = models.insert_logged_model(connection, new)
    models.set_logged_model_params(connection, number, model.params)
    models.set_logged_model_tags(connection, number, model.tags)
    models.set_logged_model_status(connection, number, model.status)
    folder = proxied_path(models.read_logged_models(connection, [number])[0].artifact_uri)
    # An experiment whose artifacts lie in a remote store has no place here for the files.
    if folder is None:
        raise InvalidParcel(f"experiment {parcel.experiment!r} keeps its artifacts in another store")
    for path, stored in files.items():
        put_artifact(connection, Artifact(safe_path(f"{folder}/{path}"), stored.digest, stored.size))
