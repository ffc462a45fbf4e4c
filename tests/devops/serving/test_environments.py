"""Claims about deployments in several environments: none of them disturbs another."""

from __future__ import annotations

import asyncio

import pytest

from ropewalk.dataops.lake import open_lake
from ropewalk.devops.serving import (
    DeploymentKind,
    Supervisor,
    compact,
    deploy,
    forget_environment,
    full_name,
    get_deployment,
    list_deployments,
    plain_name,
    predict,
    prediction_folder,
    prediction_table,
)
from ropewalk.devops.serving.errors import DeploymentMissing
from ropewalk.errors import NotFound
from ropewalk.mlops.registry import get_version
from ropewalk.pipeline import Output, Workspace
from ropewalk.store.environments import ensure_environment, move_pointers

from .conftest import OpenIn, SavedModel, record, register_version


def row(model: SavedModel) -> dict[str, object]:
    return dict(zip(model.table.columns, model.rows(1)[0], strict=True))


def test_each_environment_serves_its_own_version(
    workspace: Workspace, late_model: SavedModel, later_model: SavedModel, open_in: OpenIn
) -> None:
    """Deploying in one environment leaves the other, its alias and its answers as they are."""
    production = open_in("production")
    deploy(production, "late", register_version(workspace, late_model))

    deploy(workspace, "late", register_version(workspace, later_model))

    assert get_deployment(production, "late").target.version == 1
    assert predict(production, "late", [row(late_model)]).versions == [1]
    assert predict(workspace, "late", [row(late_model)]).versions == [2]


def test_the_alias_is_the_environments_name(
    workspace: Workspace, late_model: SavedModel, later_model: SavedModel, open_in: OpenIn
) -> None:
    """Only where `production` is declared does the default environment leave that alias alone."""
    one, two = register_version(workspace, late_model), register_version(workspace, later_model)
    deploy(workspace, "late", one)
    assert get_version(workspace, "late", "production").version == "1"
    with (workspace.root / "ropewalk.yaml").open("a") as stream:
        stream.write("environments:\n  production: {protected: true}\n")

    deploy(open_in("dev"), "late", two)
    deploy(open_in("mr-7"), "late", one)

    aliases = {name: get_version(workspace, "late", name).version for name in ("production", "dev", "mr-7")}
    assert aliases == {"production": "1", "dev": "2", "mr-7": "1"}


def test_predictions_of_two_environments_never_mix(
    workspace: Workspace, late_model: SavedModel, open_in: OpenIn
) -> None:
    """Each environment has its own log and its own table of the lake."""
    production, target = open_in("production"), register_version(workspace, late_model)
    for place, count in ((workspace, 1), (production, 2)):
        deploy(place, "late", target)
        predict(place, "late", [row(late_model)] * count)

    assert [compact(workspace, "late"), compact(production, "late")] == [1, 2]

    names = {f"{table.schema}.{table.name}" for table in open_lake(workspace).tables()}
    assert names == {"predictions.late", "predictions_production.late"}
    found = open_lake(workspace).query("SELECT count(*) FROM predictions_production.late").rows
    assert [tuple(values) for values in found] == [(2,)]


@pytest.mark.parametrize(
    ("environment", "name", "table"),
    [
        ("dev", "late", "predictions.late"),
        ("production", "late@production", "predictions_production.late"),
        ("branch-a-b", "late@branch-a-b", "predictions_branch_a_b.late"),
        ("branch-a_b", "late@branch-a_b", "predictions_branch_a_b_1532968d.late"),
    ],
)
def test_everything_has_a_name_of_its_own(
    workspace: Workspace, open_in: OpenIn, environment: str, name: str, table: str
) -> None:
    """Plain names in the default environment, full ones elsewhere, and no two environments share one."""
    place = open_in(environment)

    assert (full_name(place, "late"), prediction_table(place, "late")) == (name, table)
    assert plain_name(name) == "late"
    assert prediction_folder(place, "late").parent == workspace.state / "predictions"


def test_a_forked_environment_serves_what_its_base_did(
    workspace: Workspace, late_model: SavedModel, later_model: SavedModel, open_in: OpenIn
) -> None:
    """The copied pointer says what is served; later moves of the base do not reach the fork."""
    (node,) = DeploymentKind().declare(workspace.project)
    output = Output("d", "deployment:late@1", {"model": "late", "version": 1, "key": "flight_id"})
    deploy(workspace, "late", register_version(workspace, late_model))
    record(workspace, node.id, "key", output)
    ensure_environment(workspace.database, "branch-x", "dev")
    deploy(workspace, "late", register_version(workspace, later_model))

    (served,) = list_deployments(open_in("branch-x"))

    assert (served.target.version, served.revision, served.environment) == (1, 0, "branch-x")


def test_up_serves_the_environment_of_its_settings(
    workspace: Workspace, late_model: SavedModel, later_model: SavedModel, open_in: OpenIn
) -> None:
    """A supervisor starts what its environment has, and nothing of another."""
    production, empty = open_in("production"), open_in("mr-7")
    deploy(production, "late", register_version(workspace, late_model))
    deploy(workspace, "late", register_version(workspace, later_model))

    async def served(place: Workspace) -> dict[str, int]:
        async with Supervisor(place) as supervisor:
            return {name: supervisor.backend(name).deployment.target.version for name in supervisor.names}

    assert asyncio.run(served(production)) == {"late": 1}
    assert asyncio.run(served(empty)) == {}


def test_a_deployment_of_another_environment_is_told(
    workspace: Workspace, late_model: SavedModel, open_in: OpenIn
) -> None:
    """Who asks in the wrong environment learns in which one it is."""
    deploy(open_in("production"), "late", register_version(workspace, late_model))

    with pytest.raises(DeploymentMissing) as caught:
        get_deployment(workspace, "late")

    assert caught.value.message == "deployment 'late' is not in environment 'dev'"
    assert caught.value.hint == "it is in production: set ROPEWALK_ENVIRONMENT to name it"


def test_an_environment_can_be_forgotten(
    workspace: Workspace, late_model: SavedModel, open_in: OpenIn
) -> None:
    """Its deployments and its alias go; those of the others stay."""
    branch, target = open_in("branch-x"), register_version(workspace, late_model)
    for place in (workspace, branch):
        deploy(place, "late", target)

    forget_environment(branch)

    assert list_deployments(branch) == []
    assert get_deployment(workspace, "late").target == target
    with pytest.raises(NotFound):
        get_version(workspace, "late", "branch-x")


def test_where_releases_are_applied_the_pointers_say_what_is_served(
    workspace: Workspace, late_model: SavedModel, later_model: SavedModel, open_in: OpenIn
) -> None:
    """What was made current and not released yet is not served, and what no release names any more neither."""
    production, (node,) = open_in("production"), DeploymentKind().declare(workspace.project)
    deploy(production, "late", register_version(workspace, late_model))
    output = Output("d", "deployment:late@1", {"model": "late", "version": 1, "key": "flight_id"})
    record(workspace, node.id, "key", output)
    with workspace.database.write() as connection:
        move_pointers(connection, "production", {node.id: "key"}, "release:1", release="1")

    deploy(production, "late", register_version(workspace, later_model))

    assert [(found.target.version, found.revision) for found in list_deployments(production)] == [(1, 0)]
    with workspace.database.write() as connection:
        move_pointers(connection, "production", {node.id: None}, "release:2", release="2")
    assert list_deployments(production) == []
