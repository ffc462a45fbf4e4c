"""The protocol's rows for model versions."""

from __future__ import annotations

import re

from ropewalk.mlops import registry
from ropewalk.mlops.registry import ModelVersion, VersionRequest
from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.filter import MODEL_VERSIONS, parse_filter, parse_ordering
from ropewalk.mlops.tracking.rows.experiments import check_page_size
from ropewalk.mlops.tracking.rows.row import Row
from ropewalk.mlops.tracking.wire import answers
from ropewalk.mlops.tracking.wire import registry as wire
from ropewalk.mlops.tracking.wire.answers import need
from ropewalk.mlops.tracking.wire.compat import wire_number
from ropewalk.mlops.tracking.wire.pages import next_token, read_page
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission
from ropewalk.store.registry import search_versions

# Both the default, which the protocol's descriptor names, and the most that MLflow's server gives out.
MOST = 200_000
# MLflow's tests and old clients write `production`; what is kept and answered has a capital letter.
# Also `1.2.0`, as other registries number: it is no version here, and not to be taken for one.
_NUMBER = re.compile(r"[0-9]{1,40}(\.[0-9A-Za-z.+-]{1,100})?")
STAGES = {stage.lower(): stage for stage in ("None", "Staging", "Production", "Archived")}


def written(version: ModelVersion) -> wire.ModelVersion:
    """Return a version as MLflow writes it."""
    return wire.ModelVersion(
        name=version.name,
        version=version.version,
        creation_timestamp=version.created_at,
        last_updated_timestamp=version.updated_at,
        current_stage=version.stage,
        # MLflow writes these as empty texts, not as unset.
        description=version.description or "",
        source=version.source,
        run_id=version.run_id or "",
        status="READY",
        tags=[wire.ModelVersionTag(key, value) for key, value in version.tags.items()],
        run_link=version.run_link or "",
        aliases=list(version.aliases),
        model_id=version.model_id,
        model_metrics=[
            wire.ModelMetric(key, wire_number(value), version.created_at, 0)
            for key, value in version.metrics.items()
        ],
    )


def number_of(version: str | None) -> str:
    """Return the number of the version that a request is about, as it was written.

    Raises:
        InvalidRequest: it names none, or something that can be no version's number.
    """
    text = need(version, "version")
    if not _NUMBER.fullmatch(text):
        raise InvalidRequest(f"Parameter 'version' must be an integer, got '{text[:200]}'.")
    return text


def _create(workspace: Workspace, asked: wire.CreateModelVersion) -> wire.CreateModelVersionResponse:
    request = VersionRequest(
        name=need(asked.name, "name"),
        source=need(asked.source, "source"),
        # An empty text names none, as for MLflow's server; kept, it would name a run that nobody can find.
        run_id=asked.run_id or None,
        model_id=asked.model_id or None,
        run_link=asked.run_link,
        description=asked.description,
        tags=answers.entries(asked.tags),
    )
    return wire.CreateModelVersionResponse(
        _with_content(workspace, registry.create_version(workspace, request))
    )


def _get(workspace: Workspace, asked: wire.GetModelVersion) -> wire.GetModelVersionResponse:
    found = registry.get_numbered_version(workspace, need(asked.name, "name"), number_of(asked.version))
    return wire.GetModelVersionResponse(_with_content(workspace, found))


def _with_content(workspace: Workspace, version: ModelVersion) -> wire.ModelVersion:
    """Return one version as MLflow writes it, with the digest of its content and which versions have the same."""
    content, files = registry.version_content(workspace, version)
    answer = written(version)
    # Where there are no files there is no content; MLflow's own status has no message then.
    if files:
        same = registry.same_content(workspace, version)
        alike = f"; the same content as version {', '.join(same)}" if same else ""
        answer.status_message = f"content {content}{alike}"
    return answer


def _search(workspace: Workspace, asked: wire.SearchModelVersions) -> wire.SearchModelVersionsResponse:
    limit = check_page_size(MOST if asked.max_results is None else asked.max_results, MOST)
    search = (asked.filter, asked.order_by)
    page = read_page(workspace, asked.page_token, limit, *search)
    conditions = parse_filter(asked.filter, MODEL_VERSIONS)
    orderings = [parse_ordering(text, MODEL_VERSIONS) for text in asked.order_by]
    with workspace.database.read() as connection:
        found = search_versions(connection, conditions, orderings, page)
    return wire.SearchModelVersionsResponse(
        [written(version) for version in found[:limit]], next_token(workspace, page, len(found), *search)
    )


def _update(workspace: Workspace, asked: wire.UpdateModelVersion) -> wire.UpdateModelVersionResponse:
    name, version = need(asked.name, "name"), number_of(asked.version)
    found = registry.describe_version(workspace, name, version, asked.description)
    return wire.UpdateModelVersionResponse(written(found))


def _move(
    workspace: Workspace, asked: wire.TransitionModelVersionStage
) -> wire.TransitionModelVersionStageResponse:
    name, version = need(asked.name, "name"), number_of(asked.version)
    stage = STAGES.get(need(asked.stage, "stage").lower())
    if stage is None:
        raise InvalidRequest(
            f"Invalid Model Version stage: {asked.stage}. Value must be one of None, Staging, Production, Archived."
        )
    archives = bool(asked.archive_existing_versions)
    found = registry.move_version(workspace, name, version, stage, archive_others=archives)
    return wire.TransitionModelVersionStageResponse(written(found))


def _delete(workspace: Workspace, asked: wire.DeleteModelVersion) -> None:
    registry.delete_version(workspace, need(asked.name, "name"), number_of(asked.version))


def _location(
    workspace: Workspace, asked: wire.GetModelVersionDownloadUri
) -> wire.GetModelVersionDownloadUriResponse:
    found = registry.get_numbered_version(workspace, need(asked.name, "name"), number_of(asked.version))
    return wire.GetModelVersionDownloadUriResponse(registry.download_location(workspace, found))


def _tag(workspace: Workspace, asked: wire.SetModelVersionTag) -> None:
    name, version = need(asked.name, "name"), number_of(asked.version)
    registry.tag_version(workspace, name, version, need(asked.key, "key"), need(asked.value, "value"))


def _untag(workspace: Workspace, asked: wire.DeleteModelVersionTag) -> None:
    name, version = need(asked.name, "name"), number_of(asked.version)
    registry.untag_version(workspace, name, version, need(asked.key, "key"))


_READ, _WRITE = Permission.READ, Permission.WRITE
_AT = "/mlflow/model-versions"
ROWS = (
    Row("POST", f"{_AT}/create", _WRITE, wire.CreateModelVersion, _create),
    Row("GET", f"{_AT}/get", _READ, wire.GetModelVersion, _get),
    Row("GET", f"{_AT}/search", _READ, wire.SearchModelVersions, _search),
    Row("PATCH", f"{_AT}/update", _WRITE, wire.UpdateModelVersion, _update),
    Row("POST", f"{_AT}/transition-stage", _WRITE, wire.TransitionModelVersionStage, _move),
    Row("DELETE", f"{_AT}/delete", Permission.DELETE, wire.DeleteModelVersion, _delete),
    Row("GET", f"{_AT}/get-download-uri", _READ, wire.GetModelVersionDownloadUri, _location),
    Row("POST", f"{_AT}/set-tag", _WRITE, wire.SetModelVersionTag, _tag),
    Row("DELETE", f"{_AT}/delete-tag", _WRITE, wire.DeleteModelVersionTag, _untag),
)
