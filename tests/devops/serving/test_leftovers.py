"""Serving's part in collecting garbage: deployments of environments that are gone, and copies nobody serves."""

from __future__ import annotations

import os
from pathlib import Path

from ropewalk.devops.serving import Target, deploy, sweep_serving
from ropewalk.devops.serving.deployments import model_folder
from ropewalk.mlops.registry import get_model, set_alias
from ropewalk.pipeline import Kept, Workspace
from ropewalk.store import now_ms
from ropewalk.store.deployments import current_deployments, move_deployment

from .conftest import SavedModel, register_version


def kept(*, before_ms: int | None = None, is_dry: bool = False) -> Kept:
    before_ms = now_ms() + 1000 if before_ms is None else before_ms
    return Kept({}, frozenset(), frozenset(), frozenset({"dev"}), before_ms, 0, is_dry=is_dry)


def counts(workspace: Workspace, what: Kept) -> dict[str, int]:
    return {one.what: one.count for one in sweep_serving(workspace, what)}


def copy_of(workspace: Workspace, target: Target) -> Path:
    """Bring a version's files to where a worker reads them, long ago."""
    folder = model_folder(workspace, target)
    place = workspace.state / "serving" / target.model / str(target.version)
    os.utime(place, (1, 1))
    return folder


def test_copies_that_nobody_serves_go(workspace: Workspace, late_model: SavedModel) -> None:
    """The version in service keeps its files; an earlier one is brought again if somebody goes back to it."""
    first, second = (register_version(workspace, late_model) for _ in range(2))
    old = copy_of(workspace, first)
    deploy(workspace, "late", second)
    current = copy_of(workspace, second)

    found = counts(workspace, kept())

    assert found["copies of models"] == 1
    assert (old.exists(), current.exists()) == (False, True)
    assert model_folder(workspace, first).is_dir()


def test_a_model_that_moved_lately(workspace: Workspace, late_model: SavedModel) -> None:
    """While a worker of the version before may still answer, its files stay."""
    first, second = (register_version(workspace, late_model) for _ in range(2))
    old = copy_of(workspace, first)
    deploy(workspace, "late", second)

    assert counts(workspace, kept(before_ms=now_ms() - 60_000))["copies of models"] == 0
    assert old.exists()


def test_dry_run(workspace: Workspace, late_model: SavedModel) -> None:
    """A dry run counts the same and removes nothing."""
    folder = copy_of(workspace, register_version(workspace, late_model))

    assert counts(workspace, kept(is_dry=True))["copies of models"] == 1
    assert folder.exists()


def test_environments_that_are_gone(workspace: Workspace, late_model: SavedModel) -> None:
    """What an environment deployed goes with it, and so does its alias; others keep theirs."""
    target = register_version(workspace, late_model)
    deploy(workspace, "late", target)
    move_deployment(workspace.database, "branch-x", "late", target, expected=0)
    set_alias(workspace, "late", "branch-x", "1")

    assert counts(workspace, kept(is_dry=True))["deployments"] == 1
    assert counts(workspace, kept())["deployments"] == 1

    assert [found.environment for found in current_deployments(workspace.database)] == ["dev"]
    assert "branch-x" not in set(get_model(workspace, "late").aliases)
    assert counts(workspace, kept())["deployments"] == 0
