"""The protocol's rows for registered models and their aliases."""

from __future__ import annotations

from ropewalk.mlops import registry
from ropewalk.mlops.registry import RegisteredModel, is_semantic
from ropewalk.mlops.tracking import limits
from ropewalk.mlops.tracking.filter import REGISTERED_MODELS, parse_filter, parse_ordering
from ropewalk.mlops.tracking.rows.experiments import check_page_size
from ropewalk.mlops.tracking.rows.model_versions import written
from ropewalk.mlops.tracking.rows.row import Row
from ropewalk.mlops.tracking.wire import answers
from ropewalk.mlops.tracking.wire import registry as wire
from ropewalk.mlops.tracking.wire.answers import need
from ropewalk.mlops.tracking.wire.pages import next_token, read_page
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission
from ropewalk.store.registry import search_models
from ropewalk.store.search import Condition

# The protocol's own default, which its descriptor names.
DEFAULT_PAGE = 100
IS_PROMPT = "mlflow.prompt.is_prompt"


def _written(workspace: Workspace, model: RegisteredModel) -> wire.RegisteredModel:
    # What MLflow calls latest is the newest version in each of its old stages, not the newest of all.
    latest = registry.latest_versions(workspace, model.name)
    return wire.RegisteredModel(
        name=model.name,
        creation_timestamp=model.created_at,
        last_updated_timestamp=model.updated_at,
        description=model.description,
        latest_versions=[written(version) for version in latest.values()],
        tags=[wire.RegisteredModelTag(key, value) for key, value in model.tags.items()],
        aliases=[wire.RegisteredModelAlias(alias, version) for alias, version in model.aliases.items()],
    )


def _create(workspace: Workspace, asked: wire.CreateRegisteredModel) -> wire.CreateRegisteredModelResponse:
    tags = answers.entries(asked.tags)
    made = registry.create_model(workspace, need(asked.name, "name"), asked.description, tags)
    return wire.CreateRegisteredModelResponse(_written(workspace, made))


def _get(workspace: Workspace, asked: wire.GetRegisteredModel) -> wire.GetRegisteredModelResponse:
    found = registry.get_model(workspace, need(asked.name, "name"))
    return wire.GetRegisteredModelResponse(_written(workspace, found))


def _search(workspace: Workspace, asked: wire.SearchRegisteredModels) -> wire.SearchRegisteredModelsResponse:
    limit = check_page_size(
        DEFAULT_PAGE if asked.max_results is None else asked.max_results, limits.RUNS_PAGE
    )
    search = (asked.filter, asked.order_by)
    page = read_page(workspace, asked.page_token, limit, *search)
    # The client asks for models with a filter on this tag, and older ones with none: both mean models only.
    conditions = _without_prompts(parse_filter(asked.filter, REGISTERED_MODELS))
    orderings = [parse_ordering(text, REGISTERED_MODELS) for text in asked.order_by]
    with workspace.database.read() as connection:
        found = search_models(connection, conditions, orderings, page)
    return wire.SearchRegisteredModelsResponse(
        [_written(workspace, model) for model in found[:limit]],
        next_token(workspace, page, len(found), *search),
    )


def _without_prompts(conditions: list[Condition]) -> list[Condition]:
    """Leave out prompts, which MLflow keeps as registered models with a tag, unless the filter asks for them."""
    plain = [c for c in conditions if (c.entity, c.key) != ("tag", IS_PROMPT)]
    asked = [c for c in conditions if (c.entity, c.key) == ("tag", IS_PROMPT)]
    # `!= 'true'` means models, which have no such tag at all; taken literally it would find nothing.
    if any(c.operator == "=" and c.value == "true" for c in asked):
        return conditions
    return [*plain, Condition("tag", IS_PROMPT, "IS NULL")]


def _rename(workspace: Workspace, asked: wire.RenameRegisteredModel) -> wire.RenameRegisteredModelResponse:
    new_name = need(asked.new_name, "new_name")
    found = registry.rename_model(workspace, need(asked.name, "name"), new_name)
    return wire.RenameRegisteredModelResponse(_written(workspace, found))


def _update(workspace: Workspace, asked: wire.UpdateRegisteredModel) -> wire.UpdateRegisteredModelResponse:
    found = registry.describe_model(workspace, need(asked.name, "name"), asked.description)
    return wire.UpdateRegisteredModelResponse(_written(workspace, found))


def _delete(workspace: Workspace, asked: wire.DeleteRegisteredModel) -> None:
    registry.delete_model(workspace, need(asked.name, "name"))


def _latest(workspace: Workspace, asked: wire.GetLatestVersions) -> wire.GetLatestVersionsResponse:
    name = need(asked.name, "name")
    # `models:/NAME/1.2.0` comes as a stage: it is that version, or an error that says so, and never the newest.
    if semantic := [stage for stage in asked.stages if is_semantic(stage)]:
        exact = [registry.get_numbered_version(workspace, name, stage) for stage in semantic]
        return wire.GetLatestVersionsResponse([written(version) for version in exact])
    found = registry.latest_versions(workspace, name)
    # `models:/NAME/latest` asks with no stage and takes the greatest number of all that come back.
    wanted = {stage.lower() for stage in asked.stages}
    return wire.GetLatestVersionsResponse(
        [written(version) for stage, version in found.items() if not wanted or stage.lower() in wanted]
    )


def _tag(workspace: Workspace, asked: wire.SetRegisteredModelTag) -> None:
    key, value = need(asked.key, "key"), need(asked.value, "value")
    registry.tag_model(workspace, need(asked.name, "name"), key, value)


def _untag(workspace: Workspace, asked: wire.DeleteRegisteredModelTag) -> None:
    registry.untag_model(workspace, need(asked.name, "name"), need(asked.key, "key"))


def _set_alias(workspace: Workspace, asked: wire.SetRegisteredModelAlias) -> None:
    alias, version = need(asked.alias, "alias"), need(asked.version, "version")
    registry.set_alias(workspace, need(asked.name, "name"), alias, version)


def _delete_alias(workspace: Workspace, asked: wire.DeleteRegisteredModelAlias) -> None:
    registry.delete_alias(workspace, need(asked.name, "name"), need(asked.alias, "alias"))


def _get_alias(
    workspace: Workspace, asked: wire.GetModelVersionByAlias
) -> wire.GetModelVersionByAliasResponse:
    found = registry.get_version_by_alias(workspace, need(asked.name, "name"), need(asked.alias, "alias"))
    return wire.GetModelVersionByAliasResponse(written(found))


_READ, _WRITE = Permission.READ, Permission.WRITE
_AT = "/mlflow/registered-models"
ROWS = (
    Row("POST", f"{_AT}/create", _WRITE, wire.CreateRegisteredModel, _create),
    Row("GET", f"{_AT}/get", _READ, wire.GetRegisteredModel, _get),
    Row("GET", f"{_AT}/search", _READ, wire.SearchRegisteredModels, _search),
    Row("POST", f"{_AT}/rename", _WRITE, wire.RenameRegisteredModel, _rename),
    Row("PATCH", f"{_AT}/update", _WRITE, wire.UpdateRegisteredModel, _update),
    Row("DELETE", f"{_AT}/delete", Permission.DELETE, wire.DeleteRegisteredModel, _delete),
    Row("GET", f"{_AT}/get-latest-versions", _READ, wire.GetLatestVersions, _latest),
    # MLflow calls this deprecated, but its current client still loads `models:/NAME/latest` with it.
    Row("POST", f"{_AT}/get-latest-versions", _READ, wire.GetLatestVersions, _latest),
    Row("POST", f"{_AT}/set-tag", _WRITE, wire.SetRegisteredModelTag, _tag),
    Row("DELETE", f"{_AT}/delete-tag", _WRITE, wire.DeleteRegisteredModelTag, _untag),
    Row("POST", f"{_AT}/alias", _WRITE, wire.SetRegisteredModelAlias, _set_alias),
    Row("GET", f"{_AT}/alias", _READ, wire.GetModelVersionByAlias, _get_alias),
    Row("DELETE", f"{_AT}/alias", _WRITE, wire.DeleteRegisteredModelAlias, _delete_alias),
)
