"""Which environment a checkout works in, and what it starts from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ropewalk.errors import Place
from ropewalk.pipeline import base_of, environment_name, is_protected, open_environment
from ropewalk.pipeline.declared import EnvironmentEntry
from ropewalk.project import Entry
from ropewalk.store.environments import ensure_environment


@pytest.mark.parametrize(
    ("branch", "environ", "expected"),
    [
        (None, {}, "dev"),
        ("main", {}, "dev"),
        ("master", {}, "dev"),
        ("feature/Late Flights!", {}, "branch-feature-late-flights"),
        ("x" * 100, {}, "branch-" + "x" * 56),
        ("main", {"CI_DEFAULT_BRANCH": "develop"}, "branch-main"),
        (None, {"CI_COMMIT_BRANCH": "fix", "CI_DEFAULT_BRANCH": "main"}, "branch-fix"),
        (None, {"CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main"}, "dev"),
        ("main", {"CI_MERGE_REQUEST_IID": "42"}, "mr-42"),
    ],
)
def test_name_of_a_checkout(branch, environ, expected):
    """A branch and a merge request have environments of their own; the default branch works in dev."""
    assert environment_name(branch, environ) == expected


def declared(bench, **entries):
    """Declare environments in the bench's project."""
    place = Place("ropewalk.yaml", 3)
    found = {name: Entry(name, EnvironmentEntry(**value), place) for name, value in entries.items()}
    bench.workspace.project = replace(bench.workspace.project, sections={"environments": found})


def test_protected_is_what_the_project_says(bench):
    """Nothing is protected by its name alone."""
    declared(bench, production={"protected": True}, staging={})

    protected = [is_protected(bench.workspace.project, name) for name in ("production", "staging", "dev")]

    assert protected == [True, False, False]


def test_base_is_declared_or_production_or_dev(bench):
    """An environment starts from what exists, in that order, and never from itself."""
    workspace = bench.workspace
    assert base_of(workspace, "branch-x") is None
    ensure_environment(workspace.database, "dev", None)
    assert base_of(workspace, "branch-x") == "dev"
    ensure_environment(workspace.database, "production", None)
    assert (base_of(workspace, "branch-x"), base_of(workspace, "production")) == ("production", "dev")
    declared(bench, **{"branch-x": {"base": "dev"}})

    assert base_of(workspace, "branch-x") == "dev"


def test_opened_environment_is_made_once(bench):
    """The second opening finds what the first made."""
    assert open_environment(bench.workspace) == open_environment(bench.workspace)
