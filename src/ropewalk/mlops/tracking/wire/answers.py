"""Values of the store as the structs of MLflow's protocol, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeVar

from ropewalk.mlops.tracking.wire import models as wire
from ropewalk.mlops.tracking.wire.compat import missing, wire_number
from ropewalk.store.artifacts import Entry
from ropewalk.store.tracking import values

T = TypeVar("T")


def experiment(found: values.Experiment) -> wire.Experiment:
    """Return an experiment as MLflow writes it."""
    # Written out field by field, here and below: one that the store gains is not on the wire before someone
    # decides so.
    return wire.Experiment(
        experiment_id=found.id,
        name=found.name,
        artifact_location=found.artifact_location,
        lifecycle_stage=found.stage,
        last_update_time=found.updated_at,
        creation_time=found.created_at,
        tags=[wire.ExperimentTag(key, value) for key, value in found.tags.items()],
    )


def run_info(found: values.Run) -> wire.RunInfo:
    """Return the head of a run as MLflow writes it."""
    return wire.RunInfo(
        run_id=found.id,
        # The old name of the id, which clients of before 1.0 and MLflow's own tests still read.
        run_uuid=found.id,
        run_name=found.name,
        experiment_id=found.experiment_id,
        user_id=found.user_id,
        status=found.status,
        start_time=found.started_at,
        end_time=found.ended_at,
        artifact_uri=found.artifact_uri,
        lifecycle_stage=found.stage,
    )


def run(found: values.Run) -> wire.Run:
    """Return a run with all it logged as MLflow writes it."""
    return wire.Run(
        info=run_info(found),
        data=wire.RunData(
            metrics=[metric(point) for point in found.metrics.values()],
            params=[wire.Param(key, value) for key, value in found.params.items()],
            tags=[wire.RunTag(key, value) for key, value in found.tags.items()],
        ),
        inputs=run_inputs(found.datasets, found.models),
        outputs=run_outputs(found.models),
    )


def run_inputs(datasets: Iterable[values.Dataset], models: Iterable[values.ModelUse]) -> wire.RunInputs:
    """Return what a run read as MLflow writes it."""
    # A model that a run read has no step on the wire; one that it made has.
    read = [wire.ModelInput(use.model_id) for use in models if use.role == "input"]
    return wire.RunInputs([dataset_input(used) for used in datasets], read)


def run_outputs(models: Iterable[values.ModelUse]) -> wire.RunOutputs:
    """Return the logged models that a run made as MLflow writes them."""
    return wire.RunOutputs(
        [wire.ModelOutput(use.model_id, use.step) for use in models if use.role == "output"]
    )


def metric(point: values.Metric) -> wire.Metric:
    """Return a point as MLflow writes it."""
    # Clients read a point without a time as one of 1970, so all four are always written.
    return wire.Metric(point.key, wire_number(point.value), point.recorded_at, point.step)


def dataset_input(used: values.Dataset) -> wire.DatasetInput:
    """Return a data set that a run read as MLflow writes it."""
    return wire.DatasetInput(
        tags=[wire.InputTag(key, value) for key, value in used.tags.items()],
        dataset=wire.Dataset(
            used.name, used.digest, used.source_type, used.source, used.schema, used.profile
        ),
    )


def logged_model(found: values.LoggedModel) -> wire.LoggedModel:
    """Return a logged model as MLflow writes it."""
    info = wire.LoggedModelInfo(
        model_id=found.id,
        experiment_id=found.experiment_id,
        name=found.name,
        creation_timestamp_ms=found.created_at,
        last_updated_timestamp_ms=found.updated_at,
        artifact_uri=found.artifact_uri,
        status=found.status,  # type: ignore[arg-type]  # the store keeps what the protocol's decoder let in
        model_type=found.model_type,
        source_run_id=found.source_run_id,
        tags=[wire.LoggedModelTag(key, value) for key, value in found.tags.items()],
    )
    data = wire.LoggedModelData(
        params=[wire.LoggedModelParameter(key, value) for key, value in found.params.items()],
        metrics=[_model_metric(found.id, logged) for logged in found.metrics],
    )
    return wire.LoggedModel(info=info, data=data)


def _model_metric(model_id: str, logged: values.ModelMetric) -> wire.Metric:
    written = metric(logged.metric)
    written.model_id, written.run_id = model_id, logged.run_id
    # The store's key cannot hold NULL, so "no data set" is "" there and is left out here.
    written.dataset_name = logged.dataset_name or None
    written.dataset_digest = logged.dataset_digest or None
    return written


def file_infos(folder: str, entries: Iterable[Entry]) -> list[wire.FileInfo]:
    """Return what lies in `folder` as MLflow writes it: paths relative to the folder's own root."""
    # Clients join these to the root's URI, not to the folder that they asked for.
    prefix = f"{folder}/" if folder else ""
    return [wire.FileInfo(prefix + entry.name, entry.is_folder, entry.size) for entry in entries]


def read_metric(sent: wire.Metric, now: int) -> values.Metric:
    """Return the point that a client sent; without a time it is of now, without a step of step 0.

    Raises:
        InvalidRequest: key or value is missing.
    """
    key, value, recorded_at = sent.key, sent.value, sent.timestamp
    # Asked here and not by `need`: a batch has a thousand points, and a call for each of their parts shows.
    if key is None or value is None:
        raise missing("key" if key is None else "value")
    return values.Metric(key, value, sent.step or 0, now if recorded_at is None else recorded_at)


def read_datasets(sent: Iterable[wire.DatasetInput]) -> list[values.Dataset]:
    """Return the data sets that a client sent.

    Raises:
        InvalidRequest: a required part is missing.
    """
    return [_read_dataset(item, need(item.dataset, "dataset")) for item in sent]


def _read_dataset(item: wire.DatasetInput, sent: wire.Dataset) -> values.Dataset:
    return values.Dataset(
        name=need(sent.name, "name"),
        digest=need(sent.digest, "digest"),
        source_type=need(sent.source_type, "source_type"),
        source=need(sent.source, "source"),
        schema=sent.schema,
        profile=sent.profile,
        tags=entries(item.tags),
    )


def read_models(
    sent: Iterable[wire.ModelInput | wire.ModelOutput], role: Literal["input", "output"]
) -> list[values.ModelUse]:
    """Return the logged models that a client says a run read or made.

    Raises:
        InvalidRequest: an id is missing.
    """
    return [
        values.ModelUse(role, need(item.model_id, "model_id"), getattr(item, "step", None) or 0)
        for item in sent
    ]


def entries(pairs: Iterable[object]) -> dict[str, str]:
    """Return structs with `key` and `value` as a mapping; the last of a name wins.

    Raises:
        InvalidRequest: a key or value is missing.
    """
    return dict(read_pairs(pairs))


def read_pairs(pairs: Iterable[object]) -> Iterable[tuple[str, str]]:
    """Yield (key, value) of structs that have both.

    Raises:
        InvalidRequest: a key or value is missing.
    """
    for pair in pairs:
        yield need(getattr(pair, "key", None), "key"), need(getattr(pair, "value", None), "value")


def need(value: T | None, name: str) -> T:
    """Return a value that must be there.

    Raises:
        InvalidRequest: it is not.
    """
    # Only what is unset is missing; "" and 0 are values, which proto2 tells apart.
    if value is None:
        raise missing(name)
    return value
