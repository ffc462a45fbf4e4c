"""What clients ask to learn whom they speak with."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ropewalk.routes import Permission, Route

# The version of the protocol that this server speaks, not Ropewalk's: clients choose by it how they talk.
PROTOCOL = "3.17.2"
# Honest about what later tiers bring: a client that reads "enabled" uses it and fails.
_INFO = {
    # One of the two that MLflow names; the other, its file store, lacks searches that are answered here.
    "store_type": "SqlStore",
    "workspaces_enabled": True,
    "trace_archival_enabled": False,
    "multipart_uploads_enabled": True,
    "multipart_downloads_enabled": True,
    "presigned_upload_run_id_supported": True,
    "presigned_upload_model_id_supported": True,
}


async def _health(_: Request) -> Response:
    # MLflow's own text, which load balancers are set up to look for.
    return PlainTextResponse("OK")


async def _version(_: Request) -> Response:
    return PlainTextResponse(PROTOCOL)


async def _server_info(_: Request) -> Response:
    return Response(msgspec.json.encode(_INFO), media_type="application/json")


def server_routes() -> list[Route]:
    """Return the routes that need no project."""
    return [
        Route("GET", "/health", Permission.PUBLIC, _health),
        Route("GET", "/version", Permission.PUBLIC, _version),
        Route("GET", "/api/3.0/mlflow/server-info", Permission.PUBLIC, _server_info),
    ]
