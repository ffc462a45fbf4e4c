"""The protocol's routes for uploads in parts and for addresses that are signed, and where those addresses lead."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import ClassVar, TypeVar

from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ropewalk.mlops.tracking import artifacts, limits, runs, uploads
from ropewalk.mlops.tracking.errors import InvalidRequest, UnknownArtifact
from ropewalk.mlops.tracking.logged_models import get_logged_model
from ropewalk.mlops.tracking.rows.artifacts import sent_file
from ropewalk.mlops.tracking.rows.row import PREFIXES, translated
from ropewalk.mlops.tracking.wire import compat
from ropewalk.mlops.tracking.wire import uploads as wire
from ropewalk.mlops.tracking.wire.answers import need
from ropewalk.pipeline import Workspace
from ropewalk.routes import Endpoint, Permission, Route
from ropewalk.store.uploads import Upload

Asked = TypeVar("Asked", bound=Struct)
Respond = Callable[["_Call", Asked], Struct | None]
PARTS, FILES = "/mlflow-artifacts/parts", "/mlflow-artifacts/files"
_AT = "/api/2.0"


class ResumeUpload(Struct):
    """Which upload is to be gone on with; a request of our own, as MLflow begins anew."""

    path: str | None = None
    upload_id: str | None = None
    required: ClassVar[tuple[str, ...]] = ("upload_id",)


class _Call:
    """A request: the project, the path below the route, and the address by which the client reached this server."""

    def __init__(self, workspace: Workspace, request: Request) -> None:
        self.workspace = workspace
        self.path = str(request.path_params.get("path", ""))
        # What the operator says first: behind a proxy a request does not know its own address.
        public = workspace.settings.public_url.rstrip("/")
        own = f"{request.url.scheme}://{request.url.netloc}"
        self._root = (public or own) + str(request.scope.get("prefix", ""))

    def address(self, route: str, ticket: str) -> str:
        """Return the address at which a ticket is taken."""
        return f"{self._root}{_AT}{route}/{ticket}"


def multipart_routes(workspace: Workspace) -> list[Route]:
    """Return the routes for uploads in parts and for signed addresses."""
    mpu, signed = "/mlflow-artifacts/mpu", "/mlflow/artifacts/presigned"
    make = _maker(workspace)
    rows = [
        *make("POST", f"{mpu}/create/{{path:path}}", wire.ArtifactCreateMultipartUpload, _create),
        *make("POST", f"{mpu}/complete/{{path:path}}", wire.ArtifactCompleteMultipartUpload, _complete),
        *make("POST", f"{mpu}/abort/{{path:path}}", wire.ArtifactAbortMultipartUpload, _abort),
        *make("POST", f"{mpu}/resume/{{path:path}}", ResumeUpload, _resume),
        *make(
            "GET", "/mlflow-artifacts/presigned/{path:path}", wire.ArtifactGetPresignedDownloadUrl, _readable
        ),
        *make("POST", f"{signed}-upload-url", wire.CreatePresignedUploadUrl, _sign_upload),
        *make("POST", f"{signed}-download-url", wire.CreatePresignedDownloadUrl, _sign_download),
    ]
    # Open to everybody as far as the table goes: the ticket in the path is what allows it.
    tickets = (
        Route("PUT", f"{_AT}{PARTS}/{{ticket}}", Permission.PUBLIC, _take_part(workspace)),
        Route("PUT", f"{_AT}{FILES}/{{ticket}}", Permission.PUBLIC, _take_file(workspace)),
        Route("GET", f"{_AT}{FILES}/{{ticket}}", Permission.PUBLIC, _give_file(workspace)),
    )
    return [*rows, *tickets]


def _maker(workspace: Workspace) -> Callable[[str, str, type[Asked], Respond[Asked]], list[Route]]:
    def make(method: str, path: str, shape: type[Asked], respond: Respond[Asked]) -> list[Route]:
        async def endpoint(request: Request) -> Response:
            body = b"" if method == "GET" else await compat.read_body(request, limits.BODY_BYTES)
            asked = compat.decode(body, shape) if body else shape()
            compat.check_required(asked)
            return compat.answer(await run_in_threadpool(respond, _Call(workspace, request), asked))

        # What a download needs is reading, also where the address is asked for with POST.
        reads = method == "GET" or path.endswith("download-url")
        needed = Permission.READ if reads else Permission.WRITE
        answer = translated(endpoint)
        return [Route(method, prefix + path, needed, answer, asks=shape) for prefix in PREFIXES]

    return make


def _create(
    call: _Call, asked: wire.ArtifactCreateMultipartUpload
) -> wire.ArtifactCreateMultipartUploadResponse:
    count = 1 if asked.num_parts is None else asked.num_parts
    upload = uploads.begin_upload(call.workspace, call.path, need(asked.path, "path"), count)
    return _credentials(call, upload, range(1, upload.parts + 1))


def _resume(call: _Call, asked: ResumeUpload) -> wire.ArtifactCreateMultipartUploadResponse:
    upload = _meant(call, asked.upload_id, asked.path)
    arrived = {part.number for part in upload.arrived}
    missing = (number for number in range(1, upload.parts + 1) if number not in arrived)
    return _credentials(call, upload, missing)


def _credentials(
    call: _Call, upload: Upload, numbers: Iterable[int]
) -> wire.ArtifactCreateMultipartUploadResponse:
    parts = [
        wire.ArtifactMultipartUploadCredential(
            call.address(PARTS, uploads.write_ticket(call.workspace, "part", upload.id, number=number)),
            number,
        )
        for number in numbers
    ]
    return wire.ArtifactCreateMultipartUploadResponse(upload.id, parts)


def _complete(call: _Call, asked: wire.ArtifactCompleteMultipartUpload) -> None:
    upload = _meant(call, asked.upload_id, asked.path)
    tags = {need_number(part.part_number): part.etag or "" for part in asked.parts}
    uploads.finish_upload(call.workspace, upload, tags)


def need_number(number: int | None) -> int:
    """Return a part's number.

    Raises:
        InvalidRequest: it is missing.
    """
    if number is None:
        raise compat.missing("part_number")
    return number


def _abort(call: _Call, asked: wire.ArtifactAbortMultipartUpload) -> None:
    uploads.abort_upload(call.workspace, _meant(call, asked.upload_id, asked.path))


def _meant(call: _Call, upload_id: str | None, local_file: str | None) -> Upload:
    # The path is checked although the id is unique: whoever may write to one path must not finish another's upload.
    path = uploads.file_path(call.path, need(local_file, "path"))
    return uploads.get_upload(call.workspace, need(upload_id, "upload_id"), path)


def _readable(
    call: _Call, _: wire.ArtifactGetPresignedDownloadUrl
) -> wire.ArtifactGetPresignedDownloadUrlResponse:
    found = artifacts.find_artifact(call.workspace, call.path)
    url = _reading_address(call, found.path, found.digest, None)
    return wire.ArtifactGetPresignedDownloadUrlResponse(url, {}, found.size)


def _sign_download(
    call: _Call, asked: wire.CreatePresignedDownloadUrl
) -> wire.CreatePresignedDownloadUrlResponse:
    root = _root(call.workspace, need(asked.run_id, "run_id"), None)
    found = artifacts.find_artifact(call.workspace, f"{root}/{artifacts.safe_path(need(asked.path, 'path'))}")
    url = _reading_address(call, found.path, found.digest, asked.expiration)
    return wire.CreatePresignedDownloadUrlResponse(url, {}, found.size)


def _reading_address(call: _Call, path: str, digest: str, lasting_s: int | None) -> str:
    ticket = uploads.write_ticket(call.workspace, "get", path, lasting_s=lasting_s)
    remote = call.workspace.remote_objects
    if remote is None:
        return call.address(FILES, ticket)
    # The bytes do not pass through this server at all.
    return remote.address_of(digest, timedelta(seconds=lasting_s or uploads.LASTING_S))


def _sign_upload(call: _Call, asked: wire.CreatePresignedUploadUrl) -> wire.CreatePresignedUploadUrlResponse:
    if (asked.run_id is None) == (asked.model_id is None):
        raise InvalidRequest("Exactly one of run_id and model_id must be given")
    path = f"{_root(call.workspace, asked.run_id, asked.model_id)}/{artifacts.safe_path(need(asked.path, 'path'))}"
    # Through this server also where the bytes end up in a bucket: their name there is their digest.
    ticket = uploads.write_ticket(call.workspace, "put", path, lasting_s=asked.expiration)
    return wire.CreatePresignedUploadUrlResponse(call.address(FILES, ticket), {})


def _root(workspace: Workspace, run_id: str | None, model_id: str | None) -> str:
    uri = (
        runs.get_run(workspace, run_id).artifact_uri
        if run_id is not None
        else get_logged_model(workspace, need(model_id, "model_id")).artifact_uri
    )
    root = artifacts.proxied_path(uri)
    if root is None:
        raise UnknownArtifact("the artifacts of that are in a store that this server does not open")
    return root


def _take_part(workspace: Workspace) -> Endpoint:
    async def take(request: Request) -> Response:
        ticket = await run_in_threadpool(
            uploads.read_ticket, workspace, request.path_params["ticket"], "part"
        )
        # Looked at before the bytes come: nobody sends a gigabyte to an upload that is over.
        await run_in_threadpool(uploads.get_upload, workspace, ticket.subject)
        stored = await workspace.objects.put_stream(request.stream())
        await run_in_threadpool(uploads.keep_part, workspace, ticket, stored)
        return Response(headers={"ETag": f'"{stored.digest}"'})

    return translated(take)


def _take_file(workspace: Workspace) -> Endpoint:
    async def take(request: Request) -> Response:
        ticket = await run_in_threadpool(uploads.read_ticket, workspace, request.path_params["ticket"], "put")
        stored = await workspace.objects.put_stream(request.stream())
        await run_in_threadpool(artifacts.place_artifact, workspace, ticket.subject, stored)
        return Response(headers={"ETag": f'"{stored.digest}"'})

    return translated(take)


def _give_file(workspace: Workspace) -> Endpoint:
    async def give(request: Request) -> Response:
        ticket = await run_in_threadpool(uploads.read_ticket, workspace, request.path_params["ticket"], "get")
        found = await run_in_threadpool(artifacts.find_artifact, workspace, ticket.subject)
        return sent_file(found, await run_in_threadpool(workspace.objects.path, found.digest))

    return translated(give)
