"""Scorers: texts that clients keep under a name, in versions. This server never reads one as code, and runs none."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Sequence
from dataclasses import replace

from ropewalk.mlops.tracking import limits
from ropewalk.mlops.tracking.errors import InvalidRequest, UnknownScorer
from ropewalk.mlops.tracking.experiments import require_active_experiment, require_experiment
from ropewalk.mlops.tracking.gateway.endpoints import require_endpoint
from ropewalk.pipeline import Workspace
from ropewalk.store import Connection, now_ms
from ropewalk.store.tracking import gateway_endpoints
from ropewalk.store.tracking import scorers as table
from ropewalk.store.tracking.scorers import Sampling, ScorerVersion

# How a judge's model names an endpoint of the gateway.
_GATEWAY = "gateway:/"
_JUDGES = ("instructions_judge_pydantic_data", "builtin_scorer_pydantic_data")
# One that remembers what people said to another, which it holds.
_REMEMBERING, _INNER = "memory_augmented_judge_data", "base_judge"
NAME = 256
# Source texts of people's functions; a model's weights do not belong into one.
SERIALIZED = 1_000_000
_NAME = re.compile(r"[\w .\-/:]+")


def register_scorer(workspace: Workspace, experiment: str, name: str, serialized: str) -> ScorerVersion:
    """Keep the next version of an experiment's scorer and return it.

    Raises:
        InvalidRequest: the name does not fit, or the text is no JSON object.
        UnknownExperiment: there is no such experiment.
        NotActive: it is deleted.
        UnknownGatewayPart: the scorer's model is an endpoint of the gateway that does not exist.
    """
    limits.check_length("Scorer name", name, NAME)
    if not _NAME.fullmatch(name) or not name.strip():
        raise InvalidRequest(f"Invalid scorer name '{name[:100]}'")
    limits.check_length("Serialized scorer", serialized, SERIALIZED)
    content = _read(serialized)
    with workspace.database.write() as connection:
        require_active_experiment(connection, experiment)
        model = _model(content)
        if not model or not model.startswith(_GATEWAY):
            return table.add_scorer_version(connection, str(uuid.uuid4()), experiment, name, serialized)
        # By its id: a scorer must not change its judge when somebody renames an endpoint.
        endpoint = require_endpoint(connection, name=model.removeprefix(_GATEWAY))
        serialized = _with_model(content, f"{_GATEWAY}{endpoint.id}")
        made = table.add_scorer_version(connection, str(uuid.uuid4()), experiment, name, serialized)
        _bind(connection, endpoint.id, made.id)
        return made


def _bind(connection: Connection, endpoint: str, scorer: str) -> None:
    """Keep which endpoint the newest version of a scorer uses, in place of the one of before."""
    now = now_ms()
    gateway_endpoints.forget_scorer(connection, scorer)
    used = gateway_endpoints.GatewayBinding(endpoint, "scorer", scorer, now, now, None, None)
    gateway_endpoints.put_binding(connection, used)


def _read(serialized: str) -> dict[str, object]:
    try:
        content = json.loads(serialized)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise InvalidRequest("Invalid value for parameter 'serialized_scorer' supplied: it is no JSON object")
    return content


def _model(content: dict[str, object]) -> str | None:
    model = _judge(content).get("model")
    return model if isinstance(model, str) else None


def _judge(content: dict[str, object]) -> dict[str, object]:
    """Return the part of a scorer that names a model, empty when it has none."""
    inner: object = content
    while isinstance(inner, dict):
        for name in _JUDGES:
            if isinstance(inner.get(name), dict):
                found: dict[str, object] = inner[name]
                return found
        outer = inner.get(_REMEMBERING)
        inner = outer.get(_INNER) if isinstance(outer, dict) else None
    return {}


def _with_model(content: dict[str, object], model: str) -> str:
    _judge(content)["model"] = model
    return json.dumps(content)


def list_scorers(workspace: Workspace, experiments: Sequence[str]) -> list[ScorerVersion]:
    """Return the newest version of each scorer of these experiments.

    Raises:
        UnknownExperiment: one of the experiments does not exist.
    """
    with workspace.database.read() as connection:
        for experiment in experiments:
            require_experiment(connection, experiment)
        return _named(connection, table.latest_scorers(connection, experiments))


def list_scorer_versions(workspace: Workspace, experiment: str, name: str) -> list[ScorerVersion]:
    """Return all versions of a scorer, oldest first.

    Raises:
        UnknownExperiment: there is no such experiment.
        UnknownScorer: it has no such scorer.
    """
    with workspace.database.read() as connection:
        return _named(connection, _require(connection, experiment, name))


def get_scorer(workspace: Workspace, experiment: str, name: str, version: int | None) -> ScorerVersion:
    """Return one version of a scorer, the newest unless a version is named.

    Raises:
        UnknownExperiment: there is no such experiment.
        UnknownScorer: it has no such scorer, or not in that version.
    """
    with workspace.database.read() as connection:
        found = _require(connection, experiment, name)
        wanted = [_wanted(found, version)] if version is not None else found[-1:]
        return _named(connection, wanted)[0]


def delete_scorer(workspace: Workspace, experiment: str, name: str, version: int | None) -> None:
    """Remove one version of a scorer, or all of it when no version is named.

    Raises:
        UnknownExperiment: there is no such experiment.
        UnknownScorer: it has no such scorer, or not in that version.
    """
    with workspace.database.write() as connection:
        found = _require(connection, experiment, name)
        # A scorer without any version would be found by its name and be nothing.
        if version is None or [one.version for one in found] == [version]:
            gateway_endpoints.forget_scorer(connection, found[0].id)
            table.delete_scorer(connection, found[0].id)
        else:
            table.delete_scorer_version(connection, _wanted(found, version))


def _require(connection: Connection, experiment: str, name: str) -> list[ScorerVersion]:
    require_experiment(connection, experiment)
    found = table.scorer_versions(connection, experiment, name)
    if not found:
        raise UnknownScorer(f"Scorer with name '{name[:100]}' not found for experiment {experiment}.")
    return found


def _wanted(found: Sequence[ScorerVersion], version: int) -> ScorerVersion:
    for one in found:
        if one.version == version:
            return one
    raise UnknownScorer(
        f"Scorer with name '{found[0].name}' and version {version} not found for experiment {found[0].experiment}."
    )


def _named(connection: Connection, found: Sequence[ScorerVersion]) -> list[ScorerVersion]:
    # What was kept under an endpoint's id is shown under the name that it has now.
    return [_with_endpoint_name(connection, one) for one in found]


def _with_endpoint_name(connection: Connection, found: ScorerVersion) -> ScorerVersion:
    content = _read(found.serialized)
    model = _model(content)
    if not model or not model.startswith(_GATEWAY):
        return found
    endpoint = require_endpoint(connection, identifier=model.removeprefix(_GATEWAY), is_needed=False)
    shown = _with_model(content, f"{_GATEWAY}{endpoint.name}") if endpoint else found.serialized
    return replace(found, serialized=shown)


def sample_traces(
    workspace: Workspace, experiment: str, name: str, rate: float, filter_text: str | None
) -> Sampling:
    """Keep which share of an experiment's traces a scorer should look at, and return that.

    Nothing here scores: the share is kept for whoever runs the scorer.

    Raises:
        InvalidRequest: the rate is not between 0 and 1, or the scorer's judge is no endpoint of the gateway.
        UnknownScorer: there is no such scorer.
    """
    if not 0 <= rate <= 1:
        raise InvalidRequest(f"sample_rate must be between 0.0 and 1.0, got {rate}")
    with workspace.database.write() as connection:
        require_active_experiment(connection, experiment)
        found = _require(connection, experiment, name)[-1]
        model = _model(_read(found.serialized))
        if rate > 0 and not (model and model.startswith(_GATEWAY)):
            raise InvalidRequest(
                f"Scorer '{name}' does not use a gateway model. Automatic evaluation is only supported for scorers"
                " that use gateway models."
            )
        sampling = Sampling(uuid.uuid4().hex, found.id, found.experiment, rate, filter_text)
        table.set_sampling(connection, sampling)
    return sampling


def list_samplings(workspace: Workspace, scorers: Sequence[str]) -> list[Sampling]:
    """Return what was kept by `sample_traces` for the scorers of these ids."""
    with workspace.database.read() as connection:
        return table.read_samplings(connection, scorers)
