"""Sources: which are believed, what they resolve to, and that none is ever opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from ropewalk.mlops.registry.errors import InvalidSource
from ropewalk.mlops.registry.sources import Source, content_digest, resolve
from ropewalk.mlops.registry.versions import register
from ropewalk.mlops.tracking import create_run, get_run
from ropewalk.pipeline import Workspace
from ropewalk.store.artifacts import Artifact
from ropewalk.store.tracking.values import LoggedModel

LogModel = Callable[..., LoggedModel]
PutFiles = Callable[[str, Mapping[str, bytes]], None]


def _resolve(
    project: Workspace, source: str, run_id: str | None = None, model_id: str | None = None
) -> Source:
    with project.database.read() as connection:
        return resolve(connection, source, run_id, model_id)


def _paths(source: Source) -> list[str]:
    return [file.path for file in source.files]


def test_logged_model(project: Workspace, log_model: LogModel) -> None:
    """`models:/m-…` is the logged model with its files and its run."""
    model = log_model()

    found = _resolve(project, f"models:/{model.id}")

    assert (found.location, found.model_id, found.run_id) == (
        model.artifact_uri,
        model.id,
        model.source_run_id,
    )
    assert _paths(found) == ["MLmodel", "data/model.txt"]


def test_another_version(project: Workspace, log_model: LogModel) -> None:
    """`models:/NAME/VERSION` is what that version was registered with."""
    register(project, "late", log_model().id, "run", "key", "digest", {}, {})

    found = _resolve(project, "models:/late/1")

    assert _paths(found) == ["MLmodel", "data/model.txt"]
    assert found.run_id == "run"


def test_folder_of_a_run(project: Workspace, put_files: PutFiles) -> None:
    """A folder of a run's artifacts, as `runs:/` or as the proxy's URI."""
    run = get_run(project, create_run(project, "e", "r", {}, {}))
    put_files(f"{run.artifact_uri}/model", {"MLmodel": b"x"})

    by_run = _resolve(project, f"runs:/{run.id}/model/", run.id)
    by_uri = _resolve(project, f"{run.artifact_uri}/model", run.id)

    assert by_run == by_uri
    assert _paths(by_run) == ["MLmodel"]


def test_proxied_model(project: Workspace, log_model: LogModel) -> None:
    """The proxy's URI of a logged model is believed for that model."""
    model = log_model()

    assert _paths(_resolve(project, model.artifact_uri, model_id=model.id)) == ["MLmodel", "data/model.txt"]
    with pytest.raises(InvalidSource, match="does not lie in the artifacts"):
        _resolve(project, model.artifact_uri)


def test_remote_store(project: Workspace) -> None:
    """A remote store's address is kept, with a digest of its own."""
    found = _resolve(project, "s3://bucket/model", "run")

    assert (found.location, found.files, found.run_id) == ("s3://bucket/model", (), "run")
    assert found.digest != _resolve(project, "s3://bucket/other").digest


@pytest.mark.parametrize(
    "source",
    [
        "/etc/passwd",
        "etc/passwd",
        "",
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "file:/etc/passwd",
        "C:\\windows",
        "C:/windows",
        "s3://bucket/../../etc",
        "s3://bucket/%2e%2e/etc",
        "s3://bucket/%252e%252e/etc",
        "s3://bucket\\..\\etc",
        "s3://bucket/a?b=c",
        "s3://bucket/a#/../b",
        "s3://bucket/a%00b",
        "s3://bucket/a\nb",
        "mlflow-artifacts://evil.example/0/x",
        "mlflow-artifacts:/0/../../x",
        "mlflow-artifacts:/0/nowhere",
        "models://evil.example/m-1",
        "models:/m-nowhere",
        "models:/late/1",
        "models:/late/latest",
        "runs:/nowhere/model",
        "runs:/",
        "runs://evil.example/x/model",
        "http://[broken/model",
        "s3://bucket\u2100/model",
        "sftp://user:secret@host/model",
        "https://token@host/model",
    ],
)
def test_sources_that_are_not_believed(project: Workspace, source: str) -> None:
    """Local paths, paths upwards, other hosts and what does not exist are refused."""
    with pytest.raises(InvalidSource, match="Invalid model version source"):
        _resolve(project, source)


def test_prompts(project: Workspace) -> None:
    """The text that clients send for a prompt is a version without files; nothing like it is."""
    assert _resolve(project, "dummy-source").files == ()
    with pytest.raises(InvalidSource):
        _resolve(project, "dummy-source/../../etc")


def test_another_runs_files(project: Workspace, put_files: PutFiles) -> None:
    """A source must lie in the artifacts of the run it is registered for, not in those of one with a longer name."""
    mine, other = (get_run(project, create_run(project, "e", name, {}, {})) for name in "ab")
    put_files(f"{other.artifact_uri}/model", {"MLmodel": b"x"})

    for source in (f"{other.artifact_uri}/model", f"{mine.artifact_uri}x/model", f"runs:/{other.id}/model"):
        with pytest.raises(InvalidSource, match="does not lie in the artifacts"):
            _resolve(project, source, mine.id)


def test_another_models_id(project: Workspace, log_model: LogModel) -> None:
    """A model's URI and the id that is sent with it must agree."""
    first, second = log_model(), log_model()

    with pytest.raises(InvalidSource):
        _resolve(project, f"models:/{first.id}", model_id=second.id)


def test_content_digest() -> None:
    """The digest is of paths and contents, in whatever order, and of nothing else."""
    files = [Artifact("a", "1", 1), Artifact("b", "2", 2)]

    assert content_digest(files) == content_digest(files[::-1])
    assert content_digest(files) != content_digest([Artifact("a", "2", 1), Artifact("b", "1", 2)])
    assert content_digest(files) != content_digest(files[:1])
