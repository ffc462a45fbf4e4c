"""Where a run comes from, by whichever client's tags."""

from __future__ import annotations

import pytest

from ropewalk.mlops.tracking import Origin, origin_of


@pytest.mark.parametrize(
    ("tags", "field", "value"),
    [
        ({"mlflow.source.git.commit": "abc"}, "commit", "abc"),
        ({"gitlab.CI_COMMIT_SHA": "abc"}, "commit", "abc"),
        ({"mlflow.source.git.branch": "main", "gitlab.CI_COMMIT_BRANCH": "x"}, "branch", "main"),
        ({"gitlab.CI_COMMIT_REF_NAME": "x"}, "branch", "x"),
        ({"mlflow.source.git.branch": ""}, "branch", None),
        ({"ropewalk.git.dirty": "true"}, "is_dirty", True),
        ({"ropewalk.git.dirty": "false"}, "is_dirty", False),
        ({}, "is_dirty", None),
        ({"gitlab.CI_MERGE_REQUEST_IID": "12"}, "merge_request", "12"),
        ({"gitlab.CI_JOB_ID": "7"}, "job", "7"),
        ({"ropewalk.git.patch": "git/dirty.patch"}, "patch", "git/dirty.patch"),
        ({"ropewalk.run": "r"}, "pipeline_run", "r"),
        ({"mlflow.source.name": "train.py"}, "source", "train.py"),
    ],
)
def test_tags_say_where_a_run_comes_from(tags: dict[str, str], field: str, value: object) -> None:
    """Our own tags, MLflow's and those of a GitLab job are understood."""
    assert getattr(origin_of(tags), field) == value


def test_nothing_known() -> None:
    """A run without such tags has no origin."""
    assert not origin_of({"team": "risk"}).is_known
    assert origin_of({}) == Origin()
