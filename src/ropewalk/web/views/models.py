"""Models: versions, what gates decided about them, where they run and what they were made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ropewalk.devops.serving import list_deployments
from ropewalk.errors import nearest
from ropewalk.lineage import LineageLink, LineageNode
from ropewalk.mlops.registry import (
    FilesReport,
    ModelVersion,
    ReadingState,
    RegisteredModel,
    RegistryEvent,
    Review,
    decision_about,
    get_version,
    list_models,
    list_versions,
    missing_approvals,
    model_card,
    model_history,
    policy_of,
    reading_of,
    review_of,
    same_content,
    version_content,
)
from ropewalk.pipeline import Workspace
from ropewalk.store.deployments import current_deployments
from ropewalk.store.gates import GateDecision, list_decisions
from ropewalk.web.errors import NothingCalled
from ropewalk.web.page import Visit
from ropewalk.web.views.lineage import lineage_around
from ropewalk.web.views.nodes import node_lines
from ropewalk.web.views.run import FileLine

PRODUCTION = "production"
DECISIONS = 3
HISTORY = 50


@dataclass(frozen=True)
class ModelLine:
    """One registered model in a list.

    Attributes:
        name: its name.
        description: what it is.
        latest: its newest version; None while there is none.
        production: the version with the alias `production`.
        versions: how many there are.
        metrics: the newest version's.
        updated_at: UTC milliseconds.
    """

    name: str
    description: str | None
    latest: str | None
    production: str | None
    versions: int
    metrics: Mapping[str, float]
    updated_at: int


@dataclass(frozen=True)
class ModelList:
    """All registered models, and those the project declares that have no version yet."""

    models: tuple[ModelLine, ...]
    declared: tuple[str, ...]


@dataclass(frozen=True)
class VersionLine:
    """One version in a table; `deployments` serve it now, `NAME@ENVIRONMENT` in another environment."""

    version: str
    aliases: tuple[str, ...]
    metrics: Mapping[str, float]
    run_id: str | None
    digest: str
    deployments: tuple[str, ...]
    created_at: int


@dataclass(frozen=True)
class ModelPage:
    """One model: its versions, newest first, and the latest decisions of its gate."""

    line: ModelLine
    versions: tuple[VersionLine, ...]
    decisions: tuple[GateDecision, ...]
    nodes: tuple[LineageNode, ...]
    links: tuple[LineageLink, ...]


@dataclass(frozen=True)
class VersionPage:
    """One version of a model, with the gate's decision about it, its files, its review and its lineage.

    Attributes:
        content: the digest of its files.
        same: other versions of the model with the same content.
        state: whether its files may be loaded here.
        report: what was read of its files.
        needs: what releases of it still lack, by environment.
        history: what happened to it, newest first.
    """

    model: str
    line: VersionLine
    description: str | None
    tags: Mapping[str, str]
    decision: GateDecision | None
    files: tuple[FileLine, ...]
    content: str
    same: tuple[str, ...]
    state: ReadingState
    report: FilesReport
    review: Review
    needs: Mapping[str, str]
    history: tuple[RegistryEvent, ...]
    nodes: tuple[LineageNode, ...]
    links: tuple[LineageLink, ...]


@dataclass(frozen=True)
class CardPage:
    """The model card of a version, as Markdown without its front matter, and with it."""

    model: str
    version: str
    body: str
    text: str


def model_list(visit: Visit) -> ModelList:
    """Return all registered models."""
    models = list_models(visit.workspace)
    names = {model.name for model in models}
    declared = [line.name for line in node_lines(visit.workspace) if line.kind == "model"]
    waiting = tuple(name for name in declared if name not in names)
    return ModelList(
        tuple(_model(model, list_versions(visit.workspace, model.name)) for model in models), waiting
    )


def model_page(visit: Visit) -> ModelPage:
    """Return one model with its versions and its gate's latest decisions.

    Raises:
        NothingCalled: there is no such model.
    """
    workspace = visit.workspace
    model = _find(workspace, visit.names["name"])
    versions = list_versions(workspace, model.name)
    nodes, links = lineage_around(visit, f"model:{model.name}")
    return ModelPage(
        line=_model(model, versions),
        versions=tuple(_version(version, _serving(workspace)) for version in versions),
        decisions=tuple(list_decisions(workspace.database, model.name)[:DECISIONS]),
        nodes=nodes,
        links=links,
    )


def version_page(visit: Visit) -> VersionPage:
    """Return one version of a model, by its number or an alias.

    Raises:
        NothingCalled: there is no such model.
        NotFound: it has no such version.
    """
    workspace = visit.workspace
    model = _find(workspace, visit.names["name"])
    version = get_version(workspace, model.name, visit.names["version"])
    content, files = version_content(workspace, version)
    state, report = reading_of(workspace, version)
    nodes, links = lineage_around(visit, f"model_version:{model.name}/{version.version}", up=3)
    return VersionPage(
        model=model.name,
        line=_version(version, _serving(workspace)),
        description=version.description,
        tags=dict(version.tags),
        decision=decision_about(version, list_decisions(workspace.database, model.name)),
        files=tuple(FileLine(file.path, file.size) for file in files),
        content=content,
        same=tuple(same_content(workspace, version)),
        state=state,
        report=report,
        review=review_of(workspace, version),
        needs=_needs(workspace, version),
        history=tuple(reversed(model_history(workspace, model.name, version.version)))[:HISTORY],
        nodes=nodes,
        links=links,
    )


def card_page(visit: Visit) -> CardPage:
    """Return the model card of a version, by its number or an alias.

    Raises:
        NothingCalled: there is no such model.
        NotFound: it has no such version.
    """
    model = _find(visit.workspace, visit.names["name"])
    version = get_version(visit.workspace, model.name, visit.names["version"])
    text = model_card(visit.workspace, version)
    return CardPage(model.name, version.version, text.split("\n---\n", 1)[1].strip(), text)


def _needs(workspace: Workspace, version: ModelVersion) -> dict[str, str]:
    asked = policy_of(workspace, version.name).approvals
    found = {environment: missing_approvals(workspace, version, environment) for environment in asked}
    return {environment: missing for environment, missing in found.items() if missing}


def _find(workspace: Workspace, name: str) -> RegisteredModel:
    found = {model.name: model for model in list_models(workspace)}
    if name not in found:
        raise NothingCalled(
            f"there is no registered model {name!r}",
            nearest=nearest(name, found),
            hint="a version is registered by `ropewalk run` when its gate passes",
        )
    return found[name]


def _model(model: RegisteredModel, versions: list[ModelVersion]) -> ModelLine:
    newest = versions[0] if versions else None
    return ModelLine(
        name=model.name,
        description=model.description or None,
        latest=newest.version if newest else None,
        production=model.aliases.get(PRODUCTION),
        versions=len(versions),
        metrics=dict(newest.metrics) if newest else {},
        updated_at=model.updated_at,
    )


def _serving(workspace: Workspace) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the deployments that serve each version, those of other environments by their full names."""
    here = workspace.settings.environment
    others = [found for found in current_deployments(workspace.database) if found.environment != here]
    serving: dict[tuple[str, str], tuple[str, ...]] = {}
    for deployment in [*list_deployments(workspace), *others]:
        served = deployment.target.model, str(deployment.target.version)
        name, place = deployment.name, deployment.environment
        serving[served] = (*serving.get(served, ()), name if place == here else f"{name}@{place}")
    return serving


def _version(version: ModelVersion, serving: Mapping[tuple[str, str], tuple[str, ...]]) -> VersionLine:
    return VersionLine(
        version=version.version,
        aliases=tuple(version.aliases),
        metrics=dict(version.metrics),
        run_id=version.run_id,
        digest=version.digest,
        deployments=serving.get((version.name, version.version), ()),
        created_at=version.created_at,
    )
