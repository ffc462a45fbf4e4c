"""The protocol's rows for evaluation sets, which it calls datasets."""

from __future__ import annotations

import json

from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.evaluation import records, sets
from ropewalk.mlops.tracking.rows.experiments import check_page_size
from ropewalk.mlops.tracking.rows.row import Row
from ropewalk.mlops.tracking.wire import answers
from ropewalk.mlops.tracking.wire import evaluation as ask
from ropewalk.mlops.tracking.wire.compat import NEW, invalid
from ropewalk.mlops.tracking.wire.pages import next_token, read_page
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission
from ropewalk.store.tracking.evaluation_sets import EvaluationRecord, EvaluationSet

# The protocol's own default, and more than its clients ever ask for.
DEFAULT_PAGE = 1000
MOST_SETS = 1000
MOST_RECORDS = 10_000


def _written(found: EvaluationSet) -> ask.EvaluationDataset:
    return ask.EvaluationDataset(
        dataset_id=found.id,
        name=found.name,
        tags=json.dumps(dict(found.tags)),
        schema=found.schema,
        profile=found.profile,
        digest=found.digest,
        created_time=found.created_at,
        last_update_time=found.updated_at,
        created_by=found.created_by,
        last_updated_by=found.updated_by,
        experiment_ids=list(found.experiment_ids),
    )


def _tags(text: str | None) -> dict[str, str]:
    """Return tags that came as JSON.

    Raises:
        InvalidRequest: they are no object of texts.
    """
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise invalid("tags", text, "it must be a JSON object of texts")
    return found


def _create(workspace: Workspace, asked: ask.CreateDataset) -> ask.CreateDatasetResponse:
    name = answers.need(asked.name, "name")
    # Schema and profile are computed from the records; a client that states them would be believed over the data.
    made = sets.create_evaluation_set(workspace, name, asked.experiment_ids, _tags(asked.tags))
    return ask.CreateDatasetResponse(_written(made))


def _get(workspace: Workspace, asked: ask.GetDataset) -> ask.GetDatasetResponse:
    found = sets.get_evaluation_set(workspace, answers.need(asked.dataset_id, "dataset_id"))
    return ask.GetDatasetResponse(_written(found))


def _delete(workspace: Workspace, asked: ask.DeleteDataset) -> None:
    sets.delete_evaluation_set(workspace, answers.need(asked.dataset_id, "dataset_id"))


def _search(
    workspace: Workspace, asked: ask.SearchEvaluationDatasets
) -> ask.SearchEvaluationDatasetsResponse:
    limit = check_page_size(DEFAULT_PAGE if asked.max_results is None else asked.max_results, MOST_SETS)
    search = (asked.experiment_ids, asked.filter_string, asked.order_by)
    page = read_page(workspace, asked.page_token, limit, *search)
    clauses = (asked.filter_string, asked.order_by)
    found = sets.search_evaluation_sets(workspace, asked.experiment_ids, clauses, page)
    return ask.SearchEvaluationDatasetsResponse(
        [_written(item) for item in found[:limit]], next_token(workspace, page, len(found), *search)
    )


def _tag(workspace: Workspace, asked: ask.SetDatasetTags) -> ask.SetDatasetTagsResponse:
    identifier = answers.need(asked.dataset_id, "dataset_id")
    return ask.SetDatasetTagsResponse(
        _written(sets.tag_evaluation_set(workspace, identifier, _tags(asked.tags)))
    )


def _untag(workspace: Workspace, asked: ask.DeleteDatasetTag) -> None:
    identifier = answers.need(asked.dataset_id, "dataset_id")
    sets.untag_evaluation_set(workspace, identifier, answers.need(asked.key, "key"))


def _upsert(workspace: Workspace, asked: ask.UpsertDatasetRecords) -> ask.UpsertDatasetRecordsResponse:
    given = records.read_records(answers.need(asked.records, "records"))
    identifier = answers.need(asked.dataset_id, "dataset_id")
    return ask.UpsertDatasetRecordsResponse(*records.upsert_records(workspace, identifier, given))


def _records(workspace: Workspace, asked: ask.GetDatasetRecords) -> ask.GetDatasetRecordsResponse:
    identifier = answers.need(asked.dataset_id, "dataset_id")
    limit = check_page_size(DEFAULT_PAGE if asked.max_results is None else asked.max_results, MOST_RECORDS)
    page = read_page(workspace, asked.page_token, limit, identifier)
    found = records.list_records(workspace, identifier, page)
    # One text, as the protocol has it: its structs cannot hold any JSON.
    text = f"[{','.join(_record(item) for item in found[:limit])}]"
    return ask.GetDatasetRecordsResponse(text, next_token(workspace, page, len(found), identifier))


def _record(found: EvaluationRecord) -> str:
    source = json.loads(found.source) if found.source else {}
    data = source.get("source_data") or {}
    texts = {
        "dataset_record_id": found.id,
        "dataset_id": found.evaluation_set,
        "created_time": found.created_at,
        "last_update_time": found.updated_at,
        "created_by": found.created_by,
        "last_updated_by": found.updated_by,
        "source_type": source.get("source_type"),
        "source_id": data.get("trace_id" if source.get("source_type") == "TRACE" else "source_id"),
    }
    # These are JSON already: reading them to write them again would cost the most of the answer.
    documents = {
        "inputs": found.inputs,
        "outputs": found.outputs,
        "expectations": found.expectations,
        "tags": found.tags,
        "source": found.source,
    }
    parts = [f'"{name}":{json.dumps(value)}' for name, value in texts.items() if value is not None]
    parts += [f'"{name}":{text}' for name, text in documents.items() if text is not None]
    return f"{{{','.join(parts)}}}"


def _delete_records(
    workspace: Workspace, asked: ask.DeleteDatasetRecords
) -> ask.DeleteDatasetRecordsResponse:
    identifier = answers.need(asked.dataset_id, "dataset_id")
    if not asked.dataset_record_ids:
        raise InvalidRequest("DeleteDatasetRecords request must specify at least one dataset_record_id.")
    removed = records.delete_records(workspace, identifier, asked.dataset_record_ids)
    return ask.DeleteDatasetRecordsResponse(removed)


def _experiments(
    workspace: Workspace, asked: ask.GetDatasetExperimentIds
) -> ask.GetDatasetExperimentIdsResponse:
    found = sets.get_evaluation_set(workspace, answers.need(asked.dataset_id, "dataset_id"))
    return ask.GetDatasetExperimentIdsResponse(list(found.experiment_ids))


def _link(workspace: Workspace, asked: ask.AddDatasetToExperiments) -> ask.AddDatasetToExperimentsResponse:
    identifier = answers.need(asked.dataset_id, "dataset_id")
    found = sets.link_experiments(workspace, identifier, asked.experiment_ids)
    return ask.AddDatasetToExperimentsResponse(_written(found))


def _unlink(
    workspace: Workspace, asked: ask.RemoveDatasetFromExperiments
) -> ask.RemoveDatasetFromExperimentsResponse:
    identifier = answers.need(asked.dataset_id, "dataset_id")
    found = sets.unlink_experiments(workspace, identifier, asked.experiment_ids)
    return ask.RemoveDatasetFromExperimentsResponse(_written(found))


_READ, _WRITE = Permission.READ, Permission.WRITE
_AT = "/mlflow/datasets"
_OF = f"{_AT}/{{dataset_id}}"
ROWS = (
    Row("POST", f"{_AT}/create", _WRITE, ask.CreateDataset, _create, api=NEW),
    # Before the row with an id in its place, which it would be taken for.
    Row("GET", f"{_AT}/search", _READ, ask.SearchEvaluationDatasets, _search, api=NEW),
    Row("POST", f"{_AT}/search", _READ, ask.SearchEvaluationDatasets, _search, api=NEW),
    Row("GET", _OF, _READ, ask.GetDataset, _get, api=NEW),
    Row("DELETE", _OF, Permission.DELETE, ask.DeleteDataset, _delete, api=NEW),
    Row("PATCH", f"{_OF}/tags", _WRITE, ask.SetDatasetTags, _tag, api=NEW),
    Row("DELETE", f"{_OF}/tags/{{key}}", _WRITE, ask.DeleteDatasetTag, _untag, api=NEW),
    Row("POST", f"{_OF}/records", _WRITE, ask.UpsertDatasetRecords, _upsert, api=NEW),
    Row("GET", f"{_OF}/records", _READ, ask.GetDatasetRecords, _records, api=NEW),
    Row("DELETE", f"{_OF}/records", Permission.DELETE, ask.DeleteDatasetRecords, _delete_records, api=NEW),
    Row("GET", f"{_OF}/experiment-ids", _READ, ask.GetDatasetExperimentIds, _experiments, api=NEW),
    Row("POST", f"{_OF}/add-experiments", _WRITE, ask.AddDatasetToExperiments, _link, api=NEW),
    Row("POST", f"{_OF}/remove-experiments", _WRITE, ask.RemoveDatasetFromExperiments, _unlink, api=NEW),
)
