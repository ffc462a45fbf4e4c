"""Semantic versions: each is one version, for good; integers stay integers."""

from __future__ import annotations

import pytest

from ropewalk.mlops import registry
from ropewalk.mlops.registry import VersionRequest
from ropewalk.mlops.registry.errors import InvalidRegistryTag, UnknownAlias, UnknownVersion, VersionTaken
from ropewalk.mlops.registry.semantic import TAG, is_semantic
from ropewalk.pipeline import Workspace


@pytest.fixture
def model(project: Workspace) -> str:
    """Return a registered model with the versions 1 (1.2.0), 2 (2.0.0) and 3, which has no semantic one."""
    registry.create_model(project, "late")
    for semantic in ("1.2.0", "2.0.0", None):
        _create(project, semantic)
    return "late"


def _create(project: Workspace, semantic: str | None) -> None:
    tags = {} if semantic is None else {TAG: semantic}
    registry.create_version(project, VersionRequest("late", "s3://bucket/late", tags=tags))


@pytest.mark.parametrize(("asked", "number"), [("1.2.0", "1"), ("2.0.0", "2"), ("1", "1"), ("latest", "3")])
def test_a_semantic_version_is_one_version(project: Workspace, model: str, asked: str, number: str) -> None:
    """What is asked for by its semantic version is that version, and a number is a number."""
    assert registry.get_version(project, model, asked).version == number


@pytest.mark.parametrize("asked", ["1.2.1", "3.0.0", "1.2.0-rc.1", "1.2.0+build", "0.0.1"])
def test_an_unknown_one_is_never_another(project: Workspace, model: str, asked: str) -> None:
    """A semantic version that nothing has is an error, not the newest or the nearest."""
    with pytest.raises(UnknownVersion, match="not found"):
        registry.get_version(project, model, asked)


def test_the_nearest_is_named(project: Workspace, model: str) -> None:
    """The error proposes what the model does have."""
    with pytest.raises(UnknownVersion) as caught:
        registry.get_numbered_version(project, model, "2.0.1")

    assert caught.value.nearest == "2.0.0"


def test_as_an_alias(project: Workspace, model: str) -> None:
    """`models:/late@1.2.0`, which works on GitLab, works here."""
    assert registry.get_version_by_alias(project, model, "1.2.0").version == "1"
    with pytest.raises(UnknownAlias):
        registry.get_version_by_alias(project, model, "v1.2")


@pytest.mark.parametrize("latest", ["latest", "Latest"])
def test_the_newest_as_an_alias(project: Workspace, model: str, latest: str) -> None:
    """`prompts:/late@latest` is the newest version; a model without one says so."""
    registry.create_model(project, "bare")

    assert registry.get_version_by_alias(project, model, latest).version == "3"
    with pytest.raises(UnknownVersion, match="no version"):
        registry.get_version_by_alias(project, "bare", latest)


@pytest.mark.parametrize(
    "wrong", ["1", "1.2", "v1.2.0", "01.2.0", "1.2.0 ", "1.2.0\n", "\u0661.2.0", "", "1.2.0-", "latest"]
)
def test_what_is_no_semantic_version_is_refused(project: Workspace, model: str, wrong: str) -> None:
    """Nothing else can stand in the tag, so nothing else is ever resolved by it."""
    assert not is_semantic(wrong)
    with pytest.raises(InvalidRegistryTag):
        _create(project, wrong)


def test_given_once(project: Workspace, model: str) -> None:
    """A second version cannot have the same one, neither from the start nor by a tag."""
    with pytest.raises(VersionTaken):
        _create(project, "1.2.0")
    with pytest.raises(VersionTaken):
        registry.tag_version(project, model, "3", TAG, "1.2.0")


def test_never_changed(project: Workspace, model: str) -> None:
    """The tag of a version cannot be changed or taken away; saying it again is no change."""
    registry.tag_version(project, model, "1", TAG, "1.2.0")
    with pytest.raises(VersionTaken):
        registry.tag_version(project, model, "1", TAG, "1.2.1")
    with pytest.raises(VersionTaken):
        registry.untag_version(project, model, "1", TAG)

    assert registry.get_version(project, model, "1.2.0").version == "1"


def test_given_later(project: Workspace, model: str) -> None:
    """A version without one may get one."""
    registry.tag_version(project, model, "3", TAG, "3.0.0-rc.1+build.5")

    assert registry.get_version(project, model, "3.0.0-rc.1+build.5").version == "3"


def test_two_models_may_share_one(project: Workspace, model: str) -> None:
    """Semantic versions belong to their model."""
    registry.create_model(project, "early")
    registry.create_version(project, VersionRequest("early", "s3://bucket/early", tags={TAG: "1.2.0"}))

    assert registry.get_version(project, "early", "1.2.0").name == "early"
