"""Versions: registered once, found by number or alias, never changed in content."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropewalk.mlops.registry import (
    VersionRequest,
    create_model,
    create_version,
    delete_version,
    describe_version,
    get_version,
    latest_versions,
    list_versions,
    materialise,
    move_version,
    register,
    set_alias,
    tag_version,
    untag_version,
)
from ropewalk.mlops.registry.errors import (
    InvalidModelName,
    InvalidSource,
    ModelExists,
    NoModelFiles,
    UnknownModel,
    UnknownVersion,
)
from ropewalk.pipeline import ObjectMissing, Workspace
from ropewalk.store.tracking.values import LoggedModel

LogModel = Callable[..., LoggedModel]
PutFiles = Callable[[str, Mapping[str, bytes]], None]


def _register(project: Workspace, model: LoggedModel, digest: str = "digest") -> str:
    run_id = model.source_run_id or ""
    return register(project, "late", model.id, run_id, "key", digest, {"auc": 0.79}, {"a": "b"}).version


def test_register(project: Workspace, log_model: LogModel) -> None:
    """A version keeps where it came from, what it is and what was measured."""
    model = log_model()

    version = get_version(project, "late", _register(project, model))

    assert (version.name, version.version, version.digest) == ("late", "1", "digest")
    assert (version.model_id, version.run_id, version.node_key) == (model.id, model.source_run_id, "key")
    assert (version.metrics, version.tags) == ({"auc": 0.79}, {"a": "b"})
    assert (version.source, version.location) == (f"models:/{model.id}", model.artifact_uri)


def test_same_content_is_the_same_version(project: Workspace, log_model: LogModel) -> None:
    """Registering equal content again changes nothing; other content is the next version."""
    first = _register(project, log_model())
    again = _register(project, log_model())
    other = _register(project, log_model(), "other digest")

    assert (first, again, other) == ("1", "1", "2")
    assert [version.version for version in list_versions(project, "late")] == ["2", "1"]


def test_same_content_by_many(project: Workspace, log_model: LogModel) -> None:
    """Threads that register the same content at once make one version."""
    model = log_model()
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.append(_register(project, model))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert made == ["1"] * 6


def test_a_model_that_is_not_there(project: Workspace) -> None:
    """Registering nothing is refused, and makes no registered model either."""
    with pytest.raises(InvalidSource):
        register(project, "late", "m-nowhere", "run", "key", "digest", {}, {})

    with pytest.raises(UnknownModel):
        list_versions(project, "late")


def test_clients_make_a_version_each_time(project: Workspace, log_model: LogModel) -> None:
    """A client that registers twice gets two versions, with one digest."""
    create_model(project, "late")
    request = VersionRequest("late", f"models:/{log_model().id}", description="by hand", tags={"a": "b"})

    first, second = create_version(project, request), create_version(project, request)

    assert (first.version, second.version) == ("1", "2")
    assert first.digest == second.digest
    assert (first.description, first.tags) == ("by hand", {"a": "b"})


def test_both_doors_one_store(project: Workspace, log_model: LogModel) -> None:
    """What a client registered is known to `register` by its content."""
    create_model(project, "late")
    model = log_model()
    by_client = create_version(project, VersionRequest("late", f"models:/{model.id}"))

    assert _register(project, model, by_client.digest) == by_client.version


def test_version_of_an_unknown_model(project: Workspace, log_model: LogModel) -> None:
    """A client makes the registered model first."""
    with pytest.raises(UnknownModel):
        create_version(project, VersionRequest("late", f"models:/{log_model().id}"))


def test_latest(project: Workspace, log_model: LogModel) -> None:
    """`latest` is the newest number; a model without versions has none."""
    create_model(project, "late")
    with pytest.raises(UnknownVersion, match="has no version"):
        get_version(project, "late", "latest")
    for digest in ("one", "two"):
        _register(project, log_model(), digest)

    assert get_version(project, "late", "latest").version == "2"


@pytest.mark.parametrize("version", ["2", "0"])
def test_unknown_version(project: Workspace, log_model: LogModel, version: str) -> None:
    """A number that was not given is an error."""
    _register(project, log_model())

    with pytest.raises(UnknownVersion, match=f"version={version}"):
        get_version(project, "late", version)


@pytest.mark.parametrize(
    "verb",
    [
        lambda w: describe_version(w, "late", "7", "x"),
        lambda w: delete_version(w, "late", "7"),
        lambda w: tag_version(w, "late", "7", "a", "b"),
        lambda w: untag_version(w, "late", "7", "a"),
        lambda w: move_version(w, "late", "7", "Staging", archive_others=False),
    ],
)
def test_verbs_on_an_unknown_version(project: Workspace, verb: Callable[[Workspace], object]) -> None:
    """Nothing can be done with a version that is not there."""
    create_model(project, "late")

    with pytest.raises(UnknownVersion):
        verb(project)


def test_words_about_a_version(project: Workspace, log_model: LogModel) -> None:
    """Description and tags change; the content does not."""
    _register(project, log_model())
    describe_version(project, "late", "1", "new words")
    tag_version(project, "late", "1", "c", "d")
    untag_version(project, "late", "1", "a")

    version = get_version(project, "late", "1")
    assert (version.description, version.tags, version.digest) == ("new words", {"c": "d"}, "digest")


def test_stages(project: Workspace, log_model: LogModel) -> None:
    """MLflow's old stages: one newest version in each, the others archived when asked."""
    for digest in ("one", "two", "three"):
        _register(project, log_model(), digest)
    move_version(project, "late", "1", "Production", archive_others=True)
    move_version(project, "late", "2", "Production", archive_others=True)

    newest = {stage: version.version for stage, version in latest_versions(project, "late").items()}
    assert newest == {"None": "3", "Production": "2", "Archived": "1"}


def test_materialise(project: Workspace, log_model: LogModel, tmp_path: Path) -> None:
    """The version's files appear in a folder, and doing it again is no error."""
    version = get_version(project, "late", _register(project, log_model()))

    for _ in range(2):
        materialise(project, version, tmp_path / "out")

    assert (tmp_path / "out" / "MLmodel").read_bytes() == b"flavors: {}"
    assert (tmp_path / "out" / "data" / "model.txt").read_bytes() == b"tree"


def test_versions_do_not_change(
    project: Workspace, log_model: LogModel, put_files: PutFiles, tmp_path: Path
) -> None:
    """Writing to the logged model's artifacts later does not change a version made of them."""
    model = log_model()
    version = get_version(project, "late", _register(project, model))
    put_files(model.artifact_uri, {"MLmodel": b"tampered", "extra": b"x"})

    materialise(project, version, tmp_path / "out")

    assert (tmp_path / "out" / "MLmodel").read_bytes() == b"flavors: {}"
    assert not (tmp_path / "out" / "extra").exists()


def test_version_without_files(project: Workspace, tmp_path: Path) -> None:
    """A version in a remote store has no files here, and says so."""
    create_model(project, "remote")
    version = create_version(project, VersionRequest("remote", "s3://bucket/model"))

    with pytest.raises(NoModelFiles, match="no files of model remote version 1"):
        materialise(project, version, tmp_path)


def test_lost_object(project: Workspace, log_model: LogModel, tmp_path: Path) -> None:
    """A file that the store has lost is an error, never a model with a hole."""
    version = get_version(project, "late", _register(project, log_model({"MLmodel": b"lost"})))
    project.objects.path(project.objects.put_bytes(b"lost").digest).unlink()

    with pytest.raises(ObjectMissing):
        materialise(project, version, tmp_path)


def test_versions_share_the_stores_bytes(project: Workspace, log_model: LogModel, tmp_path: Path) -> None:
    """Two folders of one version hold the same read-only file: laying out gigabytes costs no copy."""
    version = get_version(project, "late", _register(project, log_model()))
    for name in ("one", "two"):
        materialise(project, version, tmp_path / name)

    one, two = (tmp_path / name / "MLmodel" for name in ("one", "two"))
    assert one.samefile(two)
    assert one.stat().st_mode & 0o222 == 0


def test_materialise_leaves_what_is_there(project: Workspace, log_model: LogModel, tmp_path: Path) -> None:
    """A file that is there is not replaced: a worker may have it mapped into memory."""
    version = get_version(project, "late", _register(project, log_model()))
    (tmp_path / "MLmodel").write_bytes(b"in use")

    materialise(project, version, tmp_path)

    assert (tmp_path / "MLmodel").read_bytes() == b"in use"
    assert (tmp_path / "data" / "model.txt").read_bytes() == b"tree"


def test_an_alias_names_a_version_at_every_moment(project: Workspace, log_model: LogModel) -> None:
    """While an alias moves, whoever resolves it gets the old version or the new one, never an error."""
    for digest in ("one", "two"):
        _register(project, log_model(), digest)
    set_alias(project, "late", "champion", "1")
    seen = set[str]()
    reader = threading.Thread(
        target=lambda: seen.update(get_version(project, "late", "champion").version for _ in range(100))
    )
    reader.start()
    for turn in range(30):
        set_alias(project, "late", "champion", str(turn % 2 + 1))
    reader.join()

    assert seen
    assert seen <= {"1", "2"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(st.text(max_size=12))
def test_any_name_can_be_found_again(project: Workspace, log_model: LogModel, name: str) -> None:
    """Whatever name is taken can stand in `models:/NAME/VERSION`, and is found by it."""
    try:
        create_model(project, name)
    except (InvalidModelName, ModelExists):
        return
    version = create_version(project, VersionRequest(name, "s3://bucket/model"))

    copied = create_version(project, VersionRequest(name, f"models:/{name}/{version.version}"))

    assert (copied.version, copied.location) == ("2", version.location)
