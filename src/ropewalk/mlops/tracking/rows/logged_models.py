"""The protocol's rows for logged models."""

from __future__ import annotations

from ropewalk.mlops.tracking import artifacts, limits, logged_models
from ropewalk.mlops.tracking.filter import LOGGED_MODELS, parse_filter, parse_ordering
from ropewalk.mlops.tracking.rows.artifacts import list_root
from ropewalk.mlops.tracking.rows.experiments import check_page_size
from ropewalk.mlops.tracking.rows.row import Row
from ropewalk.mlops.tracking.wire import answers, compat
from ropewalk.mlops.tracking.wire import logged_models as ask
from ropewalk.mlops.tracking.wire import models as wire
from ropewalk.mlops.tracking.wire.pages import next_token, read_page
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission
from ropewalk.store.search import Condition, Ordering
from ropewalk.store.tracking.logged_models import NewLoggedModel, search_logged_models, searched_models

# The protocol's own default, which its descriptor names.
DEFAULT_PAGE = 50


def _create(workspace: Workspace, asked: ask.CreateLoggedModel) -> ask.CreateLoggedModelResponse:
    new = NewLoggedModel(
        # A client names the model, never its id: two clients could otherwise share one.
        id="",
        experiment_id=answers.need(asked.experiment_id, "experiment_id"),
        name=asked.name or "",
        model_type=asked.model_type,
        source_run_id=asked.source_run_id,
    )
    params, tags = answers.entries(asked.params), answers.entries(asked.tags)
    made = logged_models.create_logged_model(workspace, new, params, tags)
    return ask.CreateLoggedModelResponse(answers.logged_model(made))


def _get(workspace: Workspace, asked: ask.GetLoggedModel) -> ask.GetLoggedModelResponse:
    found = logged_models.get_logged_model(workspace, answers.need(asked.model_id, "model_id"))
    return ask.GetLoggedModelResponse(answers.logged_model(found))


def _finalize(workspace: Workspace, asked: ask.FinalizeLoggedModel) -> ask.FinalizeLoggedModelResponse:
    model_id = answers.need(asked.model_id, "model_id")
    status = compat.by_name(wire.LoggedModelStatus, asked.status, "")
    found = logged_models.finalize_logged_model(workspace, model_id, status)
    return ask.FinalizeLoggedModelResponse(answers.logged_model(found))


def _delete(workspace: Workspace, asked: ask.DeleteLoggedModel) -> None:
    logged_models.delete_logged_model(workspace, answers.need(asked.model_id, "model_id"))


def _search(workspace: Workspace, asked: ask.SearchLoggedModels) -> ask.SearchLoggedModelsResponse:
    wanted = DEFAULT_PAGE if asked.max_results is None else asked.max_results
    limit = check_page_size(wanted, limits.RUNS_PAGE)
    search = (asked.experiment_ids, asked.filter, asked.order_by, asked.datasets)
    page = read_page(workspace, asked.page_token, limit, *search)
    conditions = [
        # No experiment finds nothing, as in MLflow; it never means all of them.
        Condition("attribute", "experiment_id", "IN", tuple(asked.experiment_ids)),
        *parse_filter(asked.filter, LOGGED_MODELS),
    ]
    datasets = [(answers.need(d.dataset_name, "dataset_name"), d.dataset_digest) for d in asked.datasets]
    if datasets:
        # Models that nobody measured on these data are not what is looked for.
        conditions.append(Condition("measured", "", "IS NOT NULL"))
    orderings = [_ordering(clause) for clause in asked.order_by]
    with workspace.database.read() as connection:
        found = search_logged_models(connection, searched_models(datasets), conditions, orderings, page)
    return ask.SearchLoggedModelsResponse(
        [answers.logged_model(item) for item in found[:limit]],
        next_token(workspace, page, len(found), *search),
    )


def _ordering(clause: ask.SearchLoggedModelsOrderBy) -> Ordering:
    read = parse_ordering(answers.need(clause.field_name, "field_name"), LOGGED_MODELS)
    # Only an explicit false turns the order: unset means ascending, which is the protocol's default.
    return Ordering(read.entity, read.key, clause.ascending is not False)


def _tag(workspace: Workspace, asked: ask.SetLoggedModelTags) -> ask.SetLoggedModelTagsResponse:
    model_id = answers.need(asked.model_id, "model_id")
    found = logged_models.tag_logged_model(workspace, model_id, answers.entries(asked.tags))
    return ask.SetLoggedModelTagsResponse(answers.logged_model(found))


def _untag(workspace: Workspace, asked: ask.DeleteLoggedModelTag) -> None:
    model_id = answers.need(asked.model_id, "model_id")
    logged_models.untag_logged_model(workspace, model_id, answers.need(asked.tag_key, "tag_key"))


def _log_params(workspace: Workspace, asked: ask.LogLoggedModelParamsRequest) -> None:
    model_id = answers.need(asked.model_id, "model_id")
    logged_models.log_logged_model_params(workspace, model_id, answers.entries(asked.params))


def _list(workspace: Workspace, asked: ask.ListLoggedModelArtifacts) -> ask.ListLoggedModelArtifactsResponse:
    found = logged_models.get_logged_model(workspace, answers.need(asked.model_id, "model_id"))
    folder = artifacts.safe_path(asked.artifact_directory_path) if asked.artifact_directory_path else ""
    files = list_root(workspace, found.artifact_uri, folder)
    return ask.ListLoggedModelArtifactsResponse(root_uri=found.artifact_uri, files=files)


_READ, _WRITE = Permission.READ, Permission.WRITE
_AT = "/mlflow/logged-models"
ROWS = (
    Row("POST", _AT, _WRITE, ask.CreateLoggedModel, _create),
    Row("POST", f"{_AT}/search", _READ, ask.SearchLoggedModels, _search),
    Row("GET", f"{_AT}/{{model_id}}", _READ, ask.GetLoggedModel, _get),
    Row("PATCH", f"{_AT}/{{model_id}}", _WRITE, ask.FinalizeLoggedModel, _finalize),
    Row("DELETE", f"{_AT}/{{model_id}}", Permission.DELETE, ask.DeleteLoggedModel, _delete),
    Row("PATCH", f"{_AT}/{{model_id}}/tags", _WRITE, ask.SetLoggedModelTags, _tag),
    Row("DELETE", f"{_AT}/{{model_id}}/tags/{{tag_key}}", _WRITE, ask.DeleteLoggedModelTag, _untag),
    Row("POST", f"{_AT}/{{model_id}}/params", _WRITE, ask.LogLoggedModelParamsRequest, _log_params),
    Row("GET", f"{_AT}/{{model_id}}/artifacts/directories", _READ, ask.ListLoggedModelArtifacts, _list),
)
