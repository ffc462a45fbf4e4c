"""Registered models and aliases, as other rooms use them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropewalk.errors import Place, RopewalkError
from ropewalk.mlops.registry import (
    create_model,
    delete_alias,
    delete_model,
    describe_model,
    get_model,
    get_version,
    list_models,
    point_alias,
    register,
    rename_model,
    set_alias,
    tag_model,
    untag_model,
)
from ropewalk.mlops.registry.errors import (
    InvalidAlias,
    InvalidModelName,
    InvalidRegistryTag,
    ModelExists,
    ProtectedAlias,
    UnknownAlias,
    UnknownModel,
    UnknownVersion,
)
from ropewalk.pipeline import Workspace
from ropewalk.pipeline.declared import EnvironmentEntry
from ropewalk.project import Entry
from ropewalk.store.tracking.values import LoggedModel

LogModel = Callable[..., LoggedModel]


def test_a_model_from_begin_to_end(project: Workspace) -> None:
    """A model is made, described, tagged, renamed and deleted."""
    create_model(project, "late", "is it late?", {"team": "ops"})
    describe_model(project, "late", "how late?")
    tag_model(project, "late", "owner", "ada")
    untag_model(project, "late", "team")
    renamed = rename_model(project, "late", "delayed")
    listed = list_models(project)
    delete_model(project, "delayed")

    assert (renamed.name, renamed.description, renamed.tags) == ("delayed", "how late?", {"owner": "ada"})
    assert listed == [renamed]
    assert list_models(project) == []


@pytest.mark.parametrize(
    "name",
    ["", "  ", "a/b", "a:b", "a\x00", "a\nb", "x" * 257, "a#b", "a?b", "a\\b", "..", "%2e%2e", "a%00b"],
)
def test_names_that_cannot_be_used(project: Workspace, name: str) -> None:
    """A name that could not stand in a URI is refused, at every door."""
    with pytest.raises(InvalidModelName):
        create_model(project, name)
    with pytest.raises(InvalidModelName):
        register(project, name, "m-1", "run", "key", "digest", {}, {})


def test_taken_names(project: Workspace) -> None:
    """A taken name is refused, new or renamed, and both models stay."""
    create_model(project, "a")
    create_model(project, "b")

    with pytest.raises(ModelExists):
        create_model(project, "a")
    with pytest.raises(ModelExists):
        rename_model(project, "a", "b")
    assert [model.name for model in list_models(project)] == ["a", "b"]


@pytest.mark.parametrize(
    "verb",
    [
        get_model,
        delete_model,
        lambda w, name: describe_model(w, name, "x"),
        lambda w, name: rename_model(w, name, "other"),
        lambda w, name: tag_model(w, name, "a", "b"),
        lambda w, name: untag_model(w, name, "a"),
        lambda w, name: set_alias(w, name, "production", "1"),
        lambda w, name: delete_alias(w, name, "production"),
        lambda w, name: get_version(w, name, "1"),
        lambda w, name: get_version(w, name, "latest"),
        lambda w, name: get_version(w, name, "production"),
    ],
)
def test_unknown_models(project: Workspace, verb: Callable[[Workspace, str], object]) -> None:
    """A name that was mistyped brings the one that was meant."""
    create_model(project, "late")

    with pytest.raises(UnknownModel, match="name=lateness not found") as caught:
        verb(project, "lateness")

    assert caught.value.nearest == "late"


@pytest.mark.parametrize(("key", "value"), [("", "x"), ("x" * 251, "x"), ("x", "x" * 100_001)])
def test_tags_that_cannot_be_stored(project: Workspace, key: str, value: str) -> None:
    """Empty and endless tags are refused before anything is made."""
    with pytest.raises(InvalidRegistryTag):
        create_model(project, "late", tags={key: value})

    assert list_models(project) == []


def test_alias_moves(project: Workspace, log_model: LogModel) -> None:
    """An alias names one version; moving it is one step."""
    for digest in ("one", "two"):
        register(project, "late", log_model().id, "run", "key", digest, {}, {})
    set_alias(project, "late", "production", "1")
    before = get_version(project, "late", "production").version
    set_alias(project, "late", "production", "2")

    assert before == "1"
    assert get_version(project, "late", "production").version == "2"
    assert get_version(project, "late", "1").aliases == ()


@pytest.mark.parametrize("alias", ["", "3", "v3", "V12", "latest", "Latest", "a b", "a/b", "@a", "x" * 256])
def test_aliases_that_cannot_be_used(project: Workspace, log_model: LogModel, alias: str) -> None:
    """What could be read as a version is no alias."""
    register(project, "late", log_model().id, "run", "key", "digest", {}, {})

    with pytest.raises(InvalidAlias):
        set_alias(project, "late", alias, "1")


def test_alias_of_a_version_that_is_not_there(project: Workspace) -> None:
    """An alias never names nothing."""
    create_model(project, "late")

    with pytest.raises(UnknownVersion):
        set_alias(project, "late", "production", "1")


def test_unknown_alias(project: Workspace, log_model: LogModel) -> None:
    """An alias that was mistyped brings the one that was meant."""
    register(project, "late", log_model().id, "run", "key", "digest", {}, {})
    set_alias(project, "late", "production", "1")

    with pytest.raises(UnknownAlias) as caught:
        get_version(project, "late", "produktion")

    assert caught.value.nearest == "production"


def test_deleted_alias(project: Workspace, log_model: LogModel) -> None:
    """A deleted alias names nothing; the version stays."""
    register(project, "late", log_model().id, "run", "key", "digest", {}, {})
    set_alias(project, "late", "production", "1")
    delete_alias(project, "late", "production")

    with pytest.raises(RopewalkError):
        get_version(project, "late", "production")
    assert get_version(project, "late", "1").version == "1"


def test_many_make_one_model(project: Workspace) -> None:
    """Of several clients that make a model at once, one makes it and the others are told so."""

    def make(_: int) -> bool:
        try:
            create_model(project, "raced")
        except ModelExists:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(make, range(8)))

    assert made.count(True) == 1
    assert [model.name for model in list_models(project)] == ["raced"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.text(alphabet="vV019latesL-_.@/ ٣", max_size=8))
def test_no_alias_reads_as_a_version(project: Workspace, alias: str) -> None:
    """Whatever alias is taken is letters, digits, dash and underscore, and is no version in any reading."""
    try:
        set_alias(project, "nobody", alias, "1")
    except InvalidAlias:
        return
    except UnknownModel:
        assert not alias.lower().removeprefix("v").isdecimal()
        assert alias.lower() != "latest"
        assert all(sign.isalnum() or sign in "-_" for sign in alias)


def test_the_alias_of_a_protected_environment_is_no_clients(project: Workspace) -> None:
    """Only applying a release moves it; the aliases of others are anyone's."""
    entry = Entry("production", EnvironmentEntry(protected=True), Place("ropewalk.yaml", 1))
    project.project = replace(project.project, sections={"environments": {"production": entry}})
    create_model(project, "late")

    with pytest.raises(ProtectedAlias, match="only a release moves it") as caught:
        set_alias(project, "late", "production", "1")
    assert "ropewalk promote production" in (caught.value.hint or "")
    with pytest.raises(ProtectedAlias):
        delete_alias(project, "late", "production")
    with pytest.raises(UnknownVersion):
        set_alias(project, "late", "staging", "1")
    with pytest.raises(UnknownVersion):
        point_alias(project, "late", "production", "1")
