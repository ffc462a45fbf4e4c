"""Listing artifacts, and the proxy through which clients put and get their bytes."""

from __future__ import annotations

from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ropewalk.mlops.tracking import artifacts, runs
from ropewalk.mlops.tracking.rows.checked_file import CheckedFile
from ropewalk.mlops.tracking.rows.row import PREFIXES, Row, translated
from ropewalk.mlops.tracking.rows.runs import run_of
from ropewalk.mlops.tracking.wire import answers, compat
from ropewalk.mlops.tracking.wire import models as wire
from ropewalk.mlops.tracking.wire import requests as ask
from ropewalk.pipeline import Workspace
from ropewalk.routes import Endpoint, Permission, Route
from ropewalk.store.artifacts import Artifact

PROXIES = tuple(f"{prefix}/mlflow-artifacts/artifacts/{{path:path}}" for prefix in PREFIXES)
# A browser that opens an artifact saves it: whatever a client stored is never run as a page of this server.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "no-store",
}


def list_root(workspace: Workspace, root_uri: str, folder: str) -> list[wire.FileInfo]:
    """Return what lies in `folder` of the artifacts at `root_uri`; nothing for a store we do not serve."""
    root = artifacts.proxied_path(root_uri)
    if root is None:
        return []
    found = artifacts.list_artifacts(workspace, f"{root}/{folder}" if folder else root)
    return answers.file_infos(folder, found)


def _list_run(workspace: Workspace, asked: ask.ListArtifacts) -> ask.ListArtifactsResponse:
    run = runs.get_run(workspace, run_of(asked))
    # The root is the run's own, so a path that leads upwards would show another run's files.
    folder = artifacts.safe_path(asked.path) if asked.path else ""
    return ask.ListArtifactsResponse(
        root_uri=run.artifact_uri, files=list_root(workspace, run.artifact_uri, folder)
    )


def _list_proxy(workspace: Workspace, asked: ask.ArtifactListArtifacts) -> ask.ArtifactListArtifactsResponse:
    found = artifacts.list_artifacts(workspace, asked.path or "")
    return ask.ArtifactListArtifactsResponse(
        [wire.ArtifactFileInfo(entry.name, entry.is_folder, entry.size) for entry in found]
    )


# Not a Row: bytes of any size stream through, where a row's body is read whole and parsed.
def _upload(workspace: Workspace) -> Endpoint:
    async def upload(request: Request) -> Response:
        # Refused before the first byte is read; a stream that breaks off leaves what stood there.
        path = artifacts.safe_path(request.path_params["path"])
        stored = await workspace.objects.put_stream(request.stream())
        await run_in_threadpool(artifacts.place_artifact, workspace, path, stored)
        return compat.answer(None)

    return translated(upload)


def _download(workspace: Workspace) -> Endpoint:
    async def download(request: Request) -> Response:
        found, place = await run_in_threadpool(_located, workspace, request.path_params["path"])
        return sent_file(found, place)

    return translated(download)


def sent_file(found: Artifact, place: Path) -> Response:
    """Return the file at `place` as a download that a browser neither shows nor runs."""
    # The digest names the bytes, so that a download that broke off resumes on the same file or begins anew.
    name = found.path.rpartition("/")[2]
    return CheckedFile(place, found.digest, headers=HEADERS, name=name)


def _located(workspace: Workspace, path: str) -> tuple[Artifact, Path]:
    found = artifacts.find_artifact(workspace, path)
    return found, workspace.objects.path(found.digest)


def _delete(workspace: Workspace) -> Endpoint:
    async def delete(request: Request) -> Response:
        await run_in_threadpool(artifacts.delete_artifacts, workspace, request.path_params["path"])
        return compat.answer(None)

    return translated(delete)


ROWS = (
    Row("GET", "/mlflow/artifacts/list", Permission.READ, ask.ListArtifacts, _list_run),
    Row("GET", "/mlflow-artifacts/artifacts", Permission.READ, ask.ArtifactListArtifacts, _list_proxy),
)


def proxy_routes(workspace: Workspace) -> list[Route]:
    """Return the routes that move bytes."""
    moves = (
        ("PUT", Permission.WRITE, _upload(workspace)),
        ("GET", Permission.READ, _download(workspace)),
        ("DELETE", Permission.DELETE, _delete(workspace)),
    )
    return [
        Route(method, path, permission, endpoint)
        for path in PROXIES
        for method, permission, endpoint in moves
    ]
