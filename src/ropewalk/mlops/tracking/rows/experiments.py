"""The protocol's rows for experiments."""

from __future__ import annotations

from ropewalk.mlops.tracking import experiments, limits
from ropewalk.mlops.tracking.errors import InvalidRequest
from ropewalk.mlops.tracking.filter import EXPERIMENTS, parse_filter, parse_ordering
from ropewalk.mlops.tracking.rows.row import Row
from ropewalk.mlops.tracking.wire import answers, compat
from ropewalk.mlops.tracking.wire import models as wire
from ropewalk.mlops.tracking.wire import requests as ask
from ropewalk.mlops.tracking.wire.pages import next_token, read_page
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission
from ropewalk.store.search import Condition
from ropewalk.store.tracking.experiments import search_experiments
from ropewalk.store.tracking.inputs import search_datasets

# MLflow's own bound: its user interface fills a list of choices with them and turns no pages.
DATASETS = 1000
DATASET_EXPERIMENTS = 20
# A deleted thing stays in its table with its stage, because clients restore it by its id.
_STAGES = {"ACTIVE_ONLY": ("active",), "DELETED_ONLY": ("deleted",), "ALL": ("active", "deleted")}


def within(view: str | int | None) -> Condition:
    """Return the condition that a view type (active, deleted, all) states.

    Raises:
        InvalidRequest: there is no view of that number.
    """
    return Condition("attribute", "stage", "IN", _STAGES[compat.by_name(wire.ViewType, view, "ACTIVE_ONLY")])


def check_page_size(max_results: int | None, most: int) -> int:
    """Return how many results are wanted.

    Raises:
        InvalidRequest: the number is missing, below 1 or above `most`.
    """
    # Experiments alone have no default in the protocol: a search without a size is refused there too. Zero is
    # not "no limit": a client that computed it would get an empty page and take it for the end.
    if max_results is None or not 1 <= max_results <= most:
        raise InvalidRequest(
            f"Invalid value {max_results} for parameter 'max_results' supplied: It must be at least 1 and at most {most}"
        )
    return max_results


def _create(workspace: Workspace, asked: ask.CreateExperiment) -> ask.CreateExperimentResponse:
    identifier = experiments.create_experiment(
        workspace, answers.need(asked.name, "name"), asked.artifact_location, answers.entries(asked.tags)
    )
    return ask.CreateExperimentResponse(identifier)


def _get(workspace: Workspace, asked: ask.GetExperiment) -> ask.GetExperimentResponse:
    found = experiments.get_experiment(workspace, answers.need(asked.experiment_id, "experiment_id"))
    return ask.GetExperimentResponse(answers.experiment(found))


def _get_by_name(workspace: Workspace, asked: ask.GetExperimentByName) -> ask.GetExperimentByNameResponse:
    name = answers.need(asked.experiment_name, "experiment_name")
    return ask.GetExperimentByNameResponse(
        answers.experiment(experiments.get_experiment_by_name(workspace, name))
    )


def _search(workspace: Workspace, asked: ask.SearchExperiments) -> ask.SearchExperimentsResponse:
    limit = check_page_size(asked.max_results, limits.RUNS_PAGE)
    # Whatever decides which rows are found, and in which order, is bound into the page's token.
    search = (asked.filter, asked.order_by, asked.view_type)
    page = read_page(workspace, asked.page_token, limit, *search)
    conditions = [within(asked.view_type), *parse_filter(asked.filter, EXPERIMENTS)]
    orderings = [parse_ordering(text, EXPERIMENTS) for text in asked.order_by]
    with workspace.database.read() as connection:
        found = search_experiments(connection, conditions, orderings, page)
    return ask.SearchExperimentsResponse(
        [answers.experiment(item) for item in found[:limit]], next_token(workspace, page, len(found), *search)
    )


def _delete(workspace: Workspace, asked: ask.DeleteExperiment) -> None:
    experiments.move_experiment(workspace, answers.need(asked.experiment_id, "experiment_id"), "deleted")


def _restore(workspace: Workspace, asked: ask.RestoreExperiment) -> None:
    experiments.move_experiment(workspace, answers.need(asked.experiment_id, "experiment_id"), "active")


def _update(workspace: Workspace, asked: ask.UpdateExperiment) -> None:
    identifier = answers.need(asked.experiment_id, "experiment_id")
    experiments.rename_experiment(workspace, identifier, answers.need(asked.new_name, "new_name"))


def _tag(workspace: Workspace, asked: ask.SetExperimentTag) -> None:
    identifier = answers.need(asked.experiment_id, "experiment_id")
    key, value = answers.need(asked.key, "key"), answers.need(asked.value, "value")
    experiments.tag_experiment(workspace, identifier, key, value)


def _untag(workspace: Workspace, asked: ask.DeleteExperimentTag) -> None:
    identifier = answers.need(asked.experiment_id, "experiment_id")
    experiments.untag_experiment(workspace, identifier, answers.need(asked.key, "key"))


def _search_datasets(workspace: Workspace, asked: ask.SearchDatasets) -> ask.SearchDatasetsResponse:
    if not asked.experiment_ids:
        raise InvalidRequest("SearchDatasets request must specify at least one experiment_id.")
    if len(asked.experiment_ids) > DATASET_EXPERIMENTS:
        raise InvalidRequest(
            f"SearchDatasets request cannot specify more than {DATASET_EXPERIMENTS} experiment_ids."
        )
    with workspace.database.read() as connection:
        found = search_datasets(connection, asked.experiment_ids, DATASETS)
    return ask.SearchDatasetsResponse(
        [
            wire.DatasetSummary(experiment, used.name, used.digest, used.tags.get("mlflow.data.context"))
            for experiment, used in found
        ]
    )


_READ, _WRITE = Permission.READ, Permission.WRITE
_AT = "/mlflow/experiments"
ROWS = (
    Row("POST", f"{_AT}/create", _WRITE, ask.CreateExperiment, _create),
    Row("GET", f"{_AT}/get", _READ, ask.GetExperiment, _get),
    Row("GET", f"{_AT}/get-by-name", _READ, ask.GetExperimentByName, _get_by_name),
    Row("GET", f"{_AT}/search", _READ, ask.SearchExperiments, _search),
    Row("POST", f"{_AT}/search", _READ, ask.SearchExperiments, _search),
    Row("POST", f"{_AT}/delete", Permission.DELETE, ask.DeleteExperiment, _delete),
    Row("POST", f"{_AT}/restore", _WRITE, ask.RestoreExperiment, _restore),
    Row("POST", f"{_AT}/update", _WRITE, ask.UpdateExperiment, _update),
    Row("POST", f"{_AT}/set-experiment-tag", _WRITE, ask.SetExperimentTag, _tag),
    Row("POST", f"{_AT}/delete-experiment-tag", _WRITE, ask.DeleteExperimentTag, _untag),
    Row("POST", f"{_AT}/search-datasets", _READ, ask.SearchDatasets, _search_datasets),
)
