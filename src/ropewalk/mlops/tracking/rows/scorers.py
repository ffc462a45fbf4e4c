"""The protocol's rows for scorers, and for the share of traces that each should look at."""

from __future__ import annotations

from msgspec import Struct

from ropewalk.mlops.tracking.evaluation import scorers
from ropewalk.mlops.tracking.rows.row import Row
from ropewalk.mlops.tracking.wire import evaluation as ask
from ropewalk.mlops.tracking.wire.compat import NEW, missing
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission
from ropewalk.store.tracking.scorers import Sampling, ScorerVersion


class GetOnlineConfigs(Struct, omit_defaults=True):
    """What MLflow asks to learn how scorers sample traces; upstream has no message for it."""

    scorer_ids: list[str] = []


class SetOnlineConfig(Struct, omit_defaults=True):
    """What MLflow asks to change how a scorer samples traces."""

    experiment_id: str | None = None
    name: str | None = None
    sample_rate: float | None = None
    filter_string: str | None = None


class OnlineConfig(Struct):
    """How a scorer samples traces, as MLflow writes it; an unset filter is written too."""

    online_scoring_config_id: str
    scorer_id: str
    sample_rate: float
    experiment_id: str
    filter_string: str | None


class OnlineConfigResponse(Struct):
    """One such configuration."""

    config: OnlineConfig


class OnlineConfigsResponse(Struct):
    """Several of them."""

    configs: list[OnlineConfig]


def _written(found: ScorerVersion) -> ask.Scorer:
    return ask.Scorer(
        experiment_id=found.experiment,
        scorer_name=found.name,
        scorer_version=found.version,
        serialized_scorer=found.serialized,
        creation_time=found.created_at,
        scorer_id=found.id,
    )


def _given(value: str | None, name: str) -> str:
    # The descriptors do not call them required, and MLflow's server does.
    if not value:
        raise missing(name)
    return value


def _register(workspace: Workspace, asked: ask.RegisterScorer) -> ask.RegisterScorerResponse:
    experiment, name = _given(asked.experiment_id, "experiment_id"), _given(asked.name, "name")
    serialized = _given(asked.serialized_scorer, "serialized_scorer")
    made = scorers.register_scorer(workspace, experiment, name, serialized)
    return ask.RegisterScorerResponse(
        made.version, made.id, experiment, made.name, made.serialized, made.created_at
    )


def _list(workspace: Workspace, asked: ask.ListScorers) -> ask.ListScorersResponse:
    experiments = asked.experiment_ids or [_given(asked.experiment_id, "experiment_id")]
    return ask.ListScorersResponse([_written(one) for one in scorers.list_scorers(workspace, experiments)])


def _versions(workspace: Workspace, asked: ask.ListScorerVersions) -> ask.ListScorerVersionsResponse:
    experiment, name = _given(asked.experiment_id, "experiment_id"), _given(asked.name, "name")
    found = scorers.list_scorer_versions(workspace, experiment, name)
    return ask.ListScorerVersionsResponse([_written(one) for one in found])


def _get(workspace: Workspace, asked: ask.GetScorer) -> ask.GetScorerResponse:
    experiment, name = _given(asked.experiment_id, "experiment_id"), _given(asked.name, "name")
    return ask.GetScorerResponse(_written(scorers.get_scorer(workspace, experiment, name, asked.version)))


def _delete(workspace: Workspace, asked: ask.DeleteScorer) -> None:
    experiment, name = _given(asked.experiment_id, "experiment_id"), _given(asked.name, "name")
    scorers.delete_scorer(workspace, experiment, name, asked.version)


def _sampled(found: Sampling) -> OnlineConfig:
    return OnlineConfig(found.id, found.scorer, found.rate, str(found.experiment), found.filter)


def _set_sampling(workspace: Workspace, asked: SetOnlineConfig) -> OnlineConfigResponse:
    experiment, name = _given(asked.experiment_id, "experiment_id"), _given(asked.name, "name")
    if asked.sample_rate is None:
        raise missing("sample_rate")
    made = scorers.sample_traces(workspace, experiment, name, asked.sample_rate, asked.filter_string)
    return OnlineConfigResponse(_sampled(made))


def _samplings(workspace: Workspace, asked: GetOnlineConfigs) -> OnlineConfigsResponse:
    if not asked.scorer_ids:
        raise missing("scorer_ids")
    found = scorers.list_samplings(workspace, asked.scorer_ids)
    return OnlineConfigsResponse([_sampled(one) for one in found])


_READ, _WRITE = Permission.READ, Permission.WRITE
_AT = "/mlflow/scorers"
ROWS = (
    Row("POST", f"{_AT}/register", _WRITE, ask.RegisterScorer, _register, api=NEW),
    Row("GET", f"{_AT}/list", _READ, ask.ListScorers, _list, api=NEW),
    Row("GET", f"{_AT}/versions", _READ, ask.ListScorerVersions, _versions, api=NEW),
    Row("GET", f"{_AT}/get", _READ, ask.GetScorer, _get, api=NEW),
    Row("DELETE", f"{_AT}/delete", Permission.DELETE, ask.DeleteScorer, _delete, api=NEW),
    Row("GET", f"{_AT}/online-configs", _READ, GetOnlineConfigs, _samplings, api=NEW),
    Row("PUT", f"{_AT}/online-config", _WRITE, SetOnlineConfig, _set_sampling, api=NEW),
)
