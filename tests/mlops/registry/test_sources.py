"""Sources: which are believed, what they resolve to, and that none is ever opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropewalk.mlops.registry.errors import InvalidSource
from ropewalk.mlops.registry.sources import Source, content_digest, resolve
from ropewalk.mlops.registry.versions import register
from ropewalk.mlops.tracking import create_run, get_run
from ropewalk.mlops.tracking.experiments import create_experiment
from ropewalk.mlops.tracking.logged_models import create_logged_model
from ropewalk.pipeline import Workspace
from ropewalk.store.artifacts import Artifact
from ropewalk.store.tracking.logged_models import NewLoggedModel
from ropewalk.store.tracking.values import LoggedModel, Run

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
        "mlflow-artifacts://other.example/../x",
        "mlflow-artifacts:/0/../../x",
        "mlflow-artifacts:/0/nowhere",
        "models://evil.example/m-1",
        "models:/m-nowhere",
        "models:/late/1",
        "models:/late/latest",
        "runs:/nowhere",
        "runs:/",
        "runs://evil.example/x/model",
        "http://[broken/model",
        "s3://bucket\u2100/model",
        "sftp://user:secret@host/model",
        "https://token@host/model",
        "artifacts:/1/run/artifacts",
        "s3:/bucket/model",
        "made-up:/etc/passwd",
        "s3:///etc/passwd",
        "//host/etc/passwd",
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


@pytest.mark.parametrize("source", ["dbfs:/models/late", "hdfs:/models/late", "made-up://host/late"])
def test_stores_of_their_own(project: Workspace, source: str) -> None:
    """Stores that have no host in their addresses, and those of a plugin, are addresses like any other."""
    assert _resolve(project, source) == Source(source)


def test_a_scheme_that_nobody_knows(project: Workspace) -> None:
    """A path behind one is believed for a run that there is, never opened, and has no files here."""
    run = create_run(project, "training", "train", {}, {})

    assert _resolve(project, "made-up:/models/late", run) == Source("made-up:/models/late", run_id=run)
    for owner in (None, "nowhere"):
        with pytest.raises(InvalidSource, match="To use a local path"):
            _resolve(project, "made-up:/models/late", owner)
    with pytest.raises(InvalidSource, match="upwards"):
        _resolve(project, "made-up:/../etc", run)


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


# What attacks on tracking servers were made of, to be joined in any order behind a run's or model's own URI.
PARTS = st.sampled_from(
    ["..", ".", "", "a", "%2e%2e", "%252e%252e", "%2f", "\\", "/", ";", "?", "#", "@", ":", "~", "\x00", "ß"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(st.sampled_from(["runs:/", "mlflow-artifacts:/"]), st.lists(PARTS, max_size=6), st.sampled_from("/ "))
def test_nothing_leads_to_another_run(
    project: Workspace, two_runs: tuple[Run, Run], scheme: str, parts: list[str], glue: str
) -> None:
    """Whatever follows a run's own URI, a source is refused or has files of that run only."""
    mine, _ = two_runs
    own = mine.id if scheme == "runs:/" else mine.artifact_uri.removeprefix(scheme)

    try:
        found = _resolve(project, f"{scheme}{own}/{glue.strip().join(parts)}", run_id=mine.id)
    except InvalidSource:
        return

    assert found.run_id == mine.id
    assert f"{found.location}/".startswith(f"{mine.artifact_uri}/")
    assert {file.digest for file in found.files} <= {project.objects.put_bytes(b"mine").digest}


@pytest.fixture
def two_runs(project: Workspace, put_files: PutFiles) -> tuple[Run, Run]:
    """Return two runs with files at equal paths."""
    runs = [get_run(project, create_run(project, "training", name, {}, {})) for name in ("mine", "theirs")]
    for run in runs:
        put_files(run.artifact_uri, {"a/file": run.name.encode(), "b": run.name.encode()})
    return runs[0], runs[1]


def test_another_runs_uri(project: Workspace, two_runs: tuple[Run, Run]) -> None:
    """A run's files cannot be registered in another run's name, by either spelling."""
    mine, theirs = two_runs

    for source in (f"runs:/{theirs.id}/a", f"{theirs.artifact_uri}/a"):
        with pytest.raises(InvalidSource):
            _resolve(project, source, run_id=mine.id)


def test_credentials_are_not_repeated(project: Workspace) -> None:
    """A password in a source is not in the error either, which clients print and keep."""
    with pytest.raises(InvalidSource, match="credentials") as refused:
        _resolve(project, "https://ada:hunter2@host/model")

    assert "hunter2" not in str(refused.value)


def test_azure_containers(project: Workspace) -> None:
    """What stands before the host of Azure's URIs is a container and no secret."""
    source = "abfss://models@account.dfs.core.windows.net/late"

    assert _resolve(project, source).location == source


def test_a_model_in_a_remote_store(project: Workspace) -> None:
    """A logged model whose experiment lies in a remote store is registered without files."""
    experiment = create_experiment(project, "remote", "s3://bucket/remote")
    model = create_logged_model(project, NewLoggedModel("", experiment, "m", None, None), {}, {})

    found = _resolve(project, f"models:/{model.id}")

    assert (found.files, found.model_id) == ((), model.id)
    assert found.location == f"s3://bucket/remote/models/{model.id}/artifacts"


@pytest.mark.parametrize("source", ["runs:/elsewhere/model", "mlflow-artifacts://other.example/0/x"])
def test_sources_of_another_server(project: Workspace, source: str) -> None:
    """What lies on another server is an address like any other: kept, and nothing of it is here."""
    found = _resolve(project, source)

    assert (found.location, found.files) == (source, ())


def test_shared_artifacts_need_an_owner(project: Workspace) -> None:
    """What clients put beside the experiments can be registered for a run that there is, in one spelling."""
    run = create_run(project, "training", "train", {}, {})

    found = _resolve(project, "mlflow-artifacts:/models/foo///bar/", run)

    assert found.location == "mlflow-artifacts:/models/foo/bar"
    with pytest.raises(InvalidSource, match="does not lie in the artifacts"):
        _resolve(project, "mlflow-artifacts:/models/foo")


def test_a_run_with_a_local_folder(project: Workspace) -> None:
    """What lies in the folder that the server named for that run is an address of its clients, and nothing else is."""
    create_experiment(project, "local", "my_location")
    run = get_run(project, create_run(project, "local", "r", {}, {}))
    folder = run.artifact_uri
    found = _resolve(project, f"{folder}/model", run.id)

    assert found == Source(f"{folder}/model", run_id=run.id)
    # Another run's id, none at all, and every way out of the folder are refused as ever.
    for source, owner in (
        (f"{folder}/model", None),
        (f"{folder}/model", "other"),
        (f"{folder}/../../x", run.id),
        (f"{folder}/%2e%2e/x", run.id),
        (f"{folder}/%25252e%25252e/x", run.id),
        (f"{folder}/a#b", run.id),
        (f"{folder}/a%3fb", run.id),
        (f"{folder}/a\\b", run.id),
        (f"{folder}/a%0ab", run.id),
        (f"{folder}/", run.id),
        (folder, run.id),
        (f"{folder}x/model", run.id),
        ("/etc/passwd", run.id),
    ):
        with pytest.raises(InvalidSource):
            _resolve(project, source, owner)
