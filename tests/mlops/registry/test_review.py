"""Policies, approvals, histories and quarantine: what a version may be used for, and who said so."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from ropewalk import plugins
from ropewalk.mlops.registry import (
    FROZEN,
    ModelVersion,
    VersionRequest,
    allow_version,
    ask_approval,
    comment_on,
    create_model,
    create_version,
    delete_model,
    delete_version,
    describe_version,
    download_location,
    get_version,
    give_verdict,
    materialise,
    missing_approvals,
    model_history,
    move_version,
    point_alias,
    reading_of,
    rename_model,
    require_approved,
    review_of,
    same_content,
    set_alias,
    tag_version,
    untag_version,
    verify_version,
    version_content,
)
from ropewalk.mlops.registry.errors import (
    InvalidReview,
    NotApproved,
    OwnApproval,
    ProtectedAlias,
    Quarantined,
    ReleasedVersion,
    UnknownPickle,
)
from ropewalk.mlops.tracking import create_run, get_run
from ropewalk.mlops.tracking.artifacts import delete_artifacts, place_artifact
from ropewalk.mlops.tracking.errors import PathTaken
from ropewalk.pipeline import ObjectDamaged, Workspace
from ropewalk.project import InvalidProjectFile, load_project
from ropewalk.settings import load_settings

Open = Callable[..., Workspace]
HOSTILE = b"cos\nsystem\n(S'touch executed'\ntR."
PRODUCTION = "environments: {production: {protected: true}}\n"


class Own:
    """A class of nobody's library."""


@pytest.fixture
def open_with(tmp_path: Path, environ: dict[str, str]) -> Iterator[Open]:
    """Return a function that opens a project with lines of `ropewalk.yaml`, as the person `author`."""
    with ExitStack() as stack:

        def open_it(text: str = "", author: str = "Ann") -> Workspace:
            (tmp_path / "ropewalk.yaml").write_text(f"project: test\n{text}", encoding="utf-8")
            settings = replace(load_settings(environ), author=author)
            return stack.enter_context(Workspace(load_project(tmp_path, plugins.sections()), settings))

        yield open_it


def _version(project: Workspace, files: Mapping[str, bytes], name: str = "late") -> ModelVersion:
    run = get_run(project, create_run(project, "training", "train", {}, {}))
    for path, content in files.items():
        folder = run.artifact_uri.removeprefix("mlflow-artifacts:/")
        place_artifact(project, f"{folder}/model/{path}", project.objects.put_bytes(content))
    return create_version(project, VersionRequest(name, f"{run.artifact_uri}/model", run.id))


def _as(project: Workspace, person: str) -> Workspace:
    project.settings = replace(project.settings, author=person)
    return project


def test_unknown_is_refused(open_with: Open) -> None:
    """By default a model whose pickles are not known is not registered, and nothing is left of it."""
    project = open_with()
    create_model(project, "late")

    with pytest.raises(UnknownPickle, match=r"imports os\.system") as raised:
        _version(project, {"model.pkl": HOSTILE})

    assert "pickles: quarantine" in str(raised.value.hint)
    # The way on for whoever logged code of their own and means no harm.
    assert "ropewalk model allow late/VERSION" in str(raised.value.hint)
    assert [event.what for event in model_history(project, "late")] == ["model created"]


def test_quarantine(open_with: Open, tmp_path: Path) -> None:
    """In quarantine a version is registered and not laid out, until a person allows it with a reason."""
    project = open_with("registry: {all: {pickles: quarantine}}\n")
    create_model(project, "late")
    version = _version(project, {"model.pkl": pickle.dumps(Own())})

    with pytest.raises(Quarantined, match="in quarantine"):
        materialise(project, version, tmp_path / "out")
    with pytest.raises(InvalidReview, match="needs a reason"):
        allow_version(project, version, " ")
    allow_version(_as(project, "Bo"), version, "I wrote the class")
    materialise(project, version, tmp_path / "out")

    last = model_history(project, "late")[-1]
    assert (last.what, last.actor, last.reason) == ("files allowed", "Bo", "I wrote the class")
    assert reading_of(project, version)[0] == "allowed"
    with pytest.raises(InvalidReview, match="not in quarantine"):
        allow_version(project, version, "again")


def test_allowed_by_a_person(open_with: Open, tmp_path: Path) -> None:
    """A policy that allows names who answers for it, and the history says so of each version."""
    project = open_with("registry: {late: {pickles: allow, allowed_by: Bo, reason: our own}}\n")
    create_model(project, "late")

    materialise(project, _version(project, {"model.pkl": pickle.dumps(Own())}), tmp_path / "out")

    last = model_history(project, "late")[-1]
    assert (last.what, last.actor, last.reason) == ("files allowed", "Bo", "our own")


@pytest.mark.parametrize(
    "text",
    [
        "{pickles: allow}",
        "{pickles: allow, allowed_by: Bo}",
        "{pickles: refuse, allowed_by: Bo, reason: x}",
        "{pickles: maybe}",
        "{approvals: {production: {count: 0}}}",
        "{approvals: {production: {count: 2, by: [Ann]}}}",
        "{other: 1}",
    ],
)
def test_no_policy(text: str, open_with: Open) -> None:
    """A policy that nobody answers for, or that cannot be met, is refused with its place."""
    with pytest.raises(InvalidProjectFile):
        open_with(f"registry: {{late: {text}}}\n")


def test_approval(open_with: Open) -> None:
    """A release needs as many people as the policy says, of those it names, and not the author."""
    project = open_with("registry: {all: {approvals: {production: {count: 2, by: [Ann, Bo, Cy]}}}}\n")
    create_model(project, "late")
    version = _version(project, {"MLmodel": b"flavors: {}"})
    ask_approval(project, version, "please")

    with pytest.raises(OwnApproval, match="Ann registered"):
        give_verdict(project, version, "approved", "")
    for person in ("Bo", "Dee"):
        give_verdict(_as(project, person), version, "approved", "")
    with pytest.raises(NotApproved, match=r"approval of 2 of Ann, Bo, Cy \(Bo did\)"):
        require_approved(project, version, "production")
    review = give_verdict(_as(project, "Cy"), version, "approved", "good")

    require_approved(project, version, "production")
    assert (review.state, review.approvers) == ("approved", ("Bo", "Dee", "Cy"))
    assert missing_approvals(project, version, "staging") is None


def test_rejection(open_with: Open) -> None:
    """One rejection holds, says why, and ends when approval is asked for again."""
    project = open_with("registry: {all: {approvals: {production: {}}}}\n")
    create_model(project, "late")
    version = _version(project, {"MLmodel": b"flavors: {}"})
    ask_approval(project, version, "")
    give_verdict(_as(project, "Bo"), version, "approved", "")

    with pytest.raises(InvalidReview, match="says why"):
        give_verdict(_as(project, "Cy"), version, "rejected", "")
    give_verdict(project, version, "rejected", "leaks the label")
    missing = missing_approvals(project, version, "production")
    ask_approval(_as(project, "Ann"), version, "mended")

    assert missing == "Cy rejected it: leaks the label"
    assert review_of(project, version).state == "open"
    assert "needs the approval of 1 other than its author" in str(
        missing_approvals(project, version, "production")
    )


def test_verdict_without_a_request(open_with: Open) -> None:
    """Nobody approves what nobody asked about; an empty comment is none."""
    project = open_with()
    create_model(project, "late")
    version = _version(project, {"MLmodel": b"flavors: {}"})

    with pytest.raises(InvalidReview, match="nobody asked"):
        give_verdict(_as(project, "Bo"), version, "approved", "")
    with pytest.raises(InvalidReview, match="empty"):
        comment_on(project, version, " ")
    with pytest.raises(InvalidReview, match="at most"):
        comment_on(project, version, "x" * 10_001)

    assert comment_on(project, version, "why?").comments[0].actor == "Bo"


def test_a_new_version_of_the_same_number(open_with: Open) -> None:
    """Approvals of a deleted model's version do not count for another model of its name."""
    project = open_with("registry: {all: {approvals: {production: {}}}}\n")
    create_model(project, "late")
    first = _version(project, {"MLmodel": b"flavors: {}"})
    ask_approval(project, first, "")
    give_verdict(_as(project, "Bo"), first, "approved", "")
    delete_model(project, "late")

    create_model(project, "late")
    second = _version(project, {"MLmodel": b"flavors: {a: {}}"})

    assert (first.version, second.version) == ("1", "1")
    assert review_of(project, second).state == "not asked"


def test_history(open_with: Open) -> None:
    """Every change is told: who, what, from what, to what; also of what is deleted."""
    project = open_with()
    create_model(project, "late")
    version = _version(project, {"MLmodel": b"flavors: {}"})
    describe_version(project, "late", "1", "first")
    tag_version(project, "late", "1", "k", "v")
    untag_version(project, "late", "1", "k")
    move_version(project, "late", "1", "Staging", archive_others=False)
    set_alias(project, "late", "champion", "1")
    set_alias(project, "late", "champion", "1")
    rename_model(project, "late", "later")
    delete_version(project, "later", "1")

    told = [(event.what, event.before, event.after) for event in model_history(project, "later")]

    content, _ = version_content(project, version)
    assert told == [
        ("model created", None, None),
        ("registered", None, content),
        ("described", None, "first"),
        ("tag k set", None, "v"),
        ("tag k removed", "v", None),
        ("stage moved", "None", "Staging"),
        ("alias moved", None, "1"),
        ("model renamed", "late", "later"),
        ("alias removed", "1", None),
        ("version deleted", None, None),
    ]


def test_protected_alias(open_with: Open) -> None:
    """Neither an alias, nor a stage of its name, nor a deletion goes around a release."""
    project = open_with(PRODUCTION)
    create_model(project, "late")
    _version(project, {"MLmodel": b"flavors: {}"})
    point_alias(project, "late", "production", "1", reason="release applied")

    with pytest.raises(ProtectedAlias):
        set_alias(project, "late", "production", "1")
    with pytest.raises(ProtectedAlias):
        move_version(project, "late", "1", "Production", archive_others=True)
    for change in (lambda: delete_version(project, "late", "1"), lambda: delete_model(project, "late")):
        with pytest.raises(ReleasedVersion):
            change()
    with pytest.raises(ReleasedVersion):
        rename_model(project, "late", "later")

    assert model_history(project, "late")[-1].reason == "release applied"


def test_alias_with_a_release(open_with: Open, tmp_path: Path) -> None:
    """An environment that has a release file is as protected as one that is declared so."""
    project = open_with()
    (tmp_path / "releases").mkdir()
    (tmp_path / "releases" / "canary.yaml").touch()
    create_model(project, "late")
    _version(project, {"MLmodel": b"flavors: {}"})

    with pytest.raises(ProtectedAlias, match="canary"):
        set_alias(project, "late", "canary", "1")


def test_same_content(open_with: Open) -> None:
    """The same content registered twice says so; other content does not."""
    project = open_with()
    create_model(project, "late")
    first, second = (_version(project, {"MLmodel": b"flavors: {}"}) for _ in range(2))
    third = _version(project, {"MLmodel": b"flavors: {a: {}}"})

    assert same_content(project, second) == ["1"]
    assert same_content(project, first) == ["2"]
    assert same_content(project, third) == []
    assert "the same content as version 1" in [event.reason for event in model_history(project, "late", "2")]


def test_damage_is_found(open_with: Open, tmp_path: Path) -> None:
    """A file that rotted is neither verified nor laid out."""
    project = open_with()
    create_model(project, "late")
    version = _version(project, {"MLmodel": b"flavors: {}"})
    assert verify_version(project, version) == 1
    place = project.objects.path(version_content(project, version)[1][0].digest)
    place.chmod(0o644)
    place.write_bytes(b"flavors: []")

    with pytest.raises(ObjectDamaged):
        materialise(project, version, tmp_path / "out")


def test_download_is_what_was_registered(open_with: Open) -> None:
    """Artifacts that are written over later change nothing of what clients download."""
    project = open_with()
    create_model(project, "late")
    version = _version(project, {"MLmodel": b"flavors: {}"})
    assert download_location(project, version) == version.location
    path = version.location.removeprefix("mlflow-artifacts:/") + "/MLmodel"
    place_artifact(project, path, project.objects.put_bytes(b"flavors: {evil: {}}"))

    location = download_location(project, get_version(project, "late", "1"))

    assert location == f"mlflow-artifacts:/registered-versions/{version_content(project, version)[0]}"
    assert download_location(project, version) == location
    for change in (
        lambda: place_artifact(project, f"{FROZEN}/x/MLmodel", project.objects.put_bytes(b"")),
        lambda: delete_artifacts(project, FROZEN),
    ):
        with pytest.raises(PathTaken, match="never change"):
            change()
