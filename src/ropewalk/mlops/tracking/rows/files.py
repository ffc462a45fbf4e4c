"""The protocol's routes that name a file by its run or model version, as MLflow's pages do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ropewalk.mlops import registry
from ropewalk.mlops.tracking import artifacts, runs
from ropewalk.mlops.tracking.errors import InvalidRequest, UnknownArtifact
from ropewalk.mlops.tracking.logged_models import get_logged_model
from ropewalk.mlops.tracking.rows.artifacts import sent_file
from ropewalk.mlops.tracking.rows.model_versions import number_of
from ropewalk.mlops.tracking.rows.row import PREFIXES, translated
from ropewalk.mlops.tracking.wire import compat
from ropewalk.pipeline import Workspace
from ropewalk.routes import Endpoint, Permission, Route
from ropewalk.store.artifacts import Artifact
from ropewalk.store.registry import version_files

_Find = Callable[[Request], tuple[Artifact, Path]]


def file_routes(workspace: Workspace) -> list[Route]:
    """Return the routes by which a run's or a version's file is put or got."""
    upload = _upload(workspace)
    of_version, of_model = _of_version(workspace), _of_logged_model(workspace)
    return [
        *(Route("POST", f"{prefix}/mlflow/upload-artifact", Permission.WRITE, upload) for prefix in PREFIXES),
        *(
            Route(
                "GET",
                f"{prefix}/mlflow/logged-models/{{model_id}}/artifacts/files",
                Permission.READ,
                of_model,
            )
            for prefix in PREFIXES
        ),
        Route("GET", "/get-artifact", Permission.READ, _of_run(workspace)),
        Route("GET", "/model-versions/get-artifact", Permission.READ, of_version),
        # Some clients join an address that ends with a slash to a path that begins with one.
        Route("GET", "//model-versions/get-artifact", Permission.READ, of_version),
    ]


def _upload(workspace: Workspace) -> Endpoint:
    async def upload(request: Request) -> Response:
        run_id = request.query_params.get("run_uuid") or request.query_params.get("run_id")
        if not run_id:
            raise InvalidRequest("Request must specify run_uuid.")
        path = request.query_params.get("path")
        if not path:
            raise InvalidRequest("Request must specify path.")
        path = artifacts.safe_path(path)
        root = await run_in_threadpool(_root, workspace, run_id)
        stored = await workspace.objects.put_stream(request.stream())
        if not stored.size:
            raise InvalidRequest("Request must specify data.")
        await run_in_threadpool(artifacts.place_artifact, workspace, f"{root}/{path}", stored)
        return compat.answer(None)

    return translated(upload)


def _of_run(workspace: Workspace) -> Endpoint:
    def find(request: Request) -> tuple[Artifact, Path]:
        query = request.query_params
        path = _path_of(request)
        run_id = query.get("run_id") or query.get("run_uuid")
        if not run_id:
            raise compat.missing("run_id")
        found = artifacts.find_artifact(workspace, f"{_root(workspace, run_id)}/{path}")
        return found, workspace.objects.path(found.digest)

    return _download(find)


def _of_version(workspace: Workspace) -> Endpoint:
    def find(request: Request) -> tuple[Artifact, Path]:
        path = _path_of(request)
        name, version = request.query_params.get("name", ""), number_of(request.query_params.get("version"))
        registry.get_numbered_version(workspace, name, version)
        with workspace.database.read() as connection:
            files = {file.path: file for file in version_files(connection, name, version)}
        if path not in files:
            raise UnknownArtifact(f"No artifact at {path!r} of version {version} of {name!r}")
        return files[path], workspace.objects.path(files[path].digest)

    return _download(find)


def _of_logged_model(workspace: Workspace) -> Endpoint:
    def find(request: Request) -> tuple[Artifact, Path]:
        path = _path_of(request, "artifact_file_path")
        model = get_logged_model(workspace, request.path_params["model_id"])
        root = artifacts.proxied_path(model.artifact_uri)
        found = artifacts.find_artifact(workspace, f"{root}/{path}")
        return found, workspace.objects.path(found.digest)

    return _download(find)


def _download(find: _Find) -> Endpoint:
    async def download(request: Request) -> Response:
        return sent_file(*await run_in_threadpool(find, request))

    return translated(download)


def _path_of(request: Request, name: str = "path") -> str:
    path = request.query_params.get(name)
    if not path:
        raise compat.missing(name)
    # Before anything is looked up: whoever tries this learns nothing of what there is.
    return artifacts.safe_path(path)


def _root(workspace: Workspace, run_id: str) -> str:
    root = artifacts.proxied_path(runs.get_run(workspace, run_id).artifact_uri)
    if root is None:
        raise UnknownArtifact(
            f"The artifacts of run {run_id!r} are in a store that this server does not open"
        )
    return root
