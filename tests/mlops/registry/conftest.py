"""An open project, and logged models with files in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from blank_state import add_database

from ropewalk.mlops.tracking import create_run, get_run
from ropewalk.mlops.tracking.artifacts import place_artifact
from ropewalk.mlops.tracking.logged_models import create_logged_model
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings
from ropewalk.store.tracking.logged_models import NewLoggedModel
from ropewalk.store.tracking.values import LoggedModel

LogModel = Callable[..., LoggedModel]
PutFiles = Callable[[str, Mapping[str, bytes]], None]
FILES = {"MLmodel": b"flavors: {}", "data/model.txt": b"tree"}


@pytest.fixture
def project(tmp_path: Path, environ: dict[str, str]) -> Iterator[Workspace]:
    """Return an open project."""
    root = tmp_path / "registered"
    root.mkdir()
    (root / "ropewalk.yaml").write_text("project: test\n", encoding="utf-8")
    if not environ:
        add_database(root / ".ropewalk/ropewalk.db")
    with Workspace(load_project(root, []), load_settings(environ)) as opened:
        yield opened


@pytest.fixture
def put_files(project: Workspace) -> PutFiles:
    """Return a function that lets files (path -> bytes) stand below an artifact URI."""

    def put(uri: str, files: Mapping[str, bytes]) -> None:
        folder = uri.removeprefix("mlflow-artifacts:/")
        for path, content in files.items():
            place_artifact(project, f"{folder}/{path}", project.objects.put_bytes(content))

    return put


@pytest.fixture
def log_model(project: Workspace, put_files: PutFiles) -> LogModel:
    """Return a function that logs a model with files (path -> bytes) in a run of its own."""

    def log(files: Mapping[str, bytes] = FILES, name: str = "model") -> LoggedModel:
        run = get_run(project, create_run(project, "training", "train", {}, {}))
        new = NewLoggedModel("", run.experiment_id, name, None, run.id)
        model = create_logged_model(project, new, {}, {})
        put_files(model.artifact_uri, files)
        return model

    return log
