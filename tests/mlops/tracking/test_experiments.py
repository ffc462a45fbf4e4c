"""The verbs on experiments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ropewalk.mlops.tracking.errors import (
    ExperimentExists,
    InvalidRequest,
    NotActive,
    RequestTooLarge,
    UnknownExperiment,
    UnknownTag,
)
from ropewalk.mlops.tracking.experiments import (
    create_experiment,
    ensure_experiment,
    get_experiment,
    get_experiment_by_name,
    list_experiments,
    move_experiment,
    rename_experiment,
    tag_experiment,
    untag_experiment,
)
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings


@pytest.fixture
def made(workspace: Workspace, request: pytest.FixtureRequest) -> str:
    """Return the id of an experiment of the test's own."""
    return create_experiment(workspace, request.node.name, tags={"a": "b"})


def test_create(workspace: Workspace, made: str) -> None:
    """An experiment is found by id and by name."""
    found = get_experiment(workspace, made)

    assert get_experiment_by_name(workspace, found.name) == found
    assert found in list_experiments(workspace)
    assert found.tags == {"a": "b"}


@pytest.mark.parametrize("name", ["", "   ", "\n"])
def test_empty_names(workspace: Workspace, name: str) -> None:
    """An experiment has a name."""
    with pytest.raises(InvalidRequest, match="it is empty"):
        create_experiment(workspace, name)


def test_long_name(workspace: Workspace) -> None:
    """A name has at most 500 characters."""
    with pytest.raises(RequestTooLarge):
        create_experiment(workspace, "x" * 501)


def test_taken_name(workspace: Workspace, made: str) -> None:
    """A name stays taken while its experiment is deleted."""
    name = get_experiment(workspace, made).name
    move_experiment(workspace, made, "deleted")

    with pytest.raises(ExperimentExists, match="already exists"):
        create_experiment(workspace, name)
    with pytest.raises(NotActive, match="is deleted"):
        ensure_experiment(workspace, name)


def test_rename(workspace: Workspace, made: str) -> None:
    """An experiment takes a free name and keeps its own when the other is taken."""
    rename_experiment(workspace, made, "a free name")

    with pytest.raises(ExperimentExists):
        rename_experiment(workspace, made, "Default")
    assert get_experiment(workspace, made).name == "a free name"


def test_tags(workspace: Workspace, made: str) -> None:
    """Tags are set and removed; what is not there cannot be removed."""
    tag_experiment(workspace, made, "c", "d")
    untag_experiment(workspace, made, "a")

    assert get_experiment(workspace, made).tags == {"c": "d"}
    with pytest.raises(UnknownTag, match="No tag with key: a"):
        untag_experiment(workspace, made, "a")


def test_life_cycle(workspace: Workspace, made: str) -> None:
    """Deleting and restoring are each other's opposites, and neither is done twice."""
    with pytest.raises(UnknownExperiment, match="not active already"):
        move_experiment(workspace, made, "active")
    move_experiment(workspace, made, "deleted")
    with pytest.raises(UnknownExperiment, match="not deleted already"):
        move_experiment(workspace, made, "deleted")
    assert made not in [experiment.id for experiment in list_experiments(workspace)]
    move_experiment(workspace, made, "active")

    assert get_experiment(workspace, made).stage == "active"


@pytest.mark.parametrize(
    "verb",
    [
        lambda w, e: rename_experiment(w, e, "other"),
        lambda w, e: tag_experiment(w, e, "a", "b"),
        lambda w, e: untag_experiment(w, e, "a"),
    ],
)
def test_deleted_experiments_do_not_change(
    workspace: Workspace, made: str, verb: Callable[[Workspace, str], None]
) -> None:
    """What is deleted must be restored before it changes."""
    move_experiment(workspace, made, "deleted")

    with pytest.raises(NotActive, match="Current state is deleted"):
        verb(workspace, made)


@pytest.mark.parametrize(
    "verb",
    [
        get_experiment,
        lambda w, e: move_experiment(w, e, "deleted"),
        lambda w, e: rename_experiment(w, e, "other"),
        lambda w, e: tag_experiment(w, e, "a", "b"),
    ],
)
@pytest.mark.parametrize("identifier", ["77777", "x", "", "0x0"])
def test_unknown_experiments(
    workspace: Workspace, verb: Callable[[Workspace, str], object], identifier: str
) -> None:
    """An id that was not given is an error of its own."""
    with pytest.raises(UnknownExperiment, match=f"id={identifier}"):
        verb(workspace, identifier)


def test_ensure(workspace: Workspace) -> None:
    """What is missing is made, what is there is found."""
    assert ensure_experiment(workspace, "ensured") == ensure_experiment(workspace, "ensured")


def test_relative_location_with_login(tmp_path: Path, environ: dict[str, str]) -> None:
    """Where clients may be on other machines, a relative folder is one of the server's own store."""
    (tmp_path / "ropewalk.yaml").write_text("project: shared\n", encoding="utf-8")
    settings = load_settings({**environ, "ROPEWALK_ACCESS": "required"})
    with Workspace(load_project(tmp_path, []), settings) as workspace:
        made = create_experiment(workspace, "relative", "my_location")

        # A path would send each client to a folder of its own disk, which nobody else sees.
        assert get_experiment(workspace, made).artifact_location == "mlflow-artifacts:/my_location"
