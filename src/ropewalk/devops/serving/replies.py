"""How serving's errors read over HTTP: one JSON object with MLflow's `error_code` beside our own fields.

A worker is a program of its own, below `web`, so the statuses of its few errors stand here.
"""

from __future__ import annotations

import msgspec

from ropewalk.access import CredentialRefused, NotAllowed, NotSignedIn, Refused, TooManyFailures
from ropewalk.devops.serving.errors import (
    BodyTooLarge,
    ModelNotServable,
    PathMissing,
    PredictionNotRecorded,
    UnknownMediaType,
)
from ropewalk.errors import (
    Conflict,
    Failed,
    InvalidInput,
    NotFound,
    RopewalkError,
    Unavailable,
    error_classes,
)

# The first class that fits decides, so the particular stand before the general.
_STATUSES: tuple[tuple[type[RopewalkError], int, str], ...] = (
    (NotSignedIn, 401, "UNAUTHENTICATED"),
    (CredentialRefused, 401, "UNAUTHENTICATED"),
    (NotAllowed, 403, "PERMISSION_DENIED"),
    (Refused, 403, "PERMISSION_DENIED"),
    (TooManyFailures, 429, "REQUEST_LIMIT_EXCEEDED"),
    (BodyTooLarge, 413, "BAD_REQUEST"),
    (UnknownMediaType, 415, "BAD_REQUEST"),
    (InvalidInput, 400, "BAD_REQUEST"),
    (PathMissing, 404, "ENDPOINT_NOT_FOUND"),
    (NotFound, 404, "RESOURCE_DOES_NOT_EXIST"),
    (Conflict, 409, "RESOURCE_CONFLICT"),
    (PredictionNotRecorded, 507, "INTERNAL_ERROR"),
    (ModelNotServable, 500, "INTERNAL_ERROR"),
    (Unavailable, 503, "TEMPORARILY_UNAVAILABLE"),
)


def error_reply(error: RopewalkError) -> tuple[int, bytes]:
    """Return the status and the JSON body that tell a client of `error`."""
    status, name = next(
        ((status, name) for kind, status, name in _STATUSES if isinstance(error, kind)),
        (500, "INTERNAL_ERROR"),
    )
    return status, msgspec.json.encode({"error_code": name, **error.as_json()})


def error_from_reply(status: int, body: bytes, where: str) -> RopewalkError:
    """Return the error that a worker or server answered with; `where` says which request it was."""
    try:
        told = msgspec.json.decode(body, type=dict[str, str | None])
    except msgspec.MsgspecError:
        # A proxy in between answers in its own words, or in none.
        return Failed(f"the server answered {status} without a word", detail=where)
    # A caller of `predict` catches the same classes as if the worker were in its own process.
    kind = next((kind for kind in error_classes() if kind.code == told.get("code")), Failed)
    return kind(
        told.get("message") or f"the server answered {status}",
        nearest=told.get("nearest"),
        hint=told.get("hint"),
        detail=told.get("detail") or where,
    )
