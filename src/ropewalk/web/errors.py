"""What can be wrong at the web's edge, and which HTTP status every error of the product has.

RopewalkError
├── InvalidInput
│   └── InvalidQuery           a parameter of a page's address, or a request's body, does not fit
├── NotFound
│   ├── PageNotFound           nothing answers at this address
│   └── NothingCalled          a page was asked for something that does not exist
├── Conflict
│   ├── PortInUse              something else listens on the port
│   └── MethodNotAllowed       the address exists and does not take this method
└── Failed
    └── Unexpected             Ropewalk itself went wrong while answering
"""

from __future__ import annotations

from ropewalk.access import (
    CredentialRefused,
    NotAllowed,
    NotSignedIn,
    Refused,
    TooManyFailures,
    UnguardedRoute,
)
from ropewalk.errors import (
    Conflict,
    Failed,
    GateFailed,
    InvalidInput,
    NotFound,
    RopewalkError,
    Unavailable,
)


class InvalidQuery(InvalidInput):
    """A parameter of a page's address, or a request's body, does not fit."""

    code = "RW180"


class PageNotFound(NotFound):
    """Nothing answers at this address."""

    code = "RW280"


class NothingCalled(NotFound):
    """A page was asked for something that does not exist."""

    code = "RW281"


class PortInUse(Conflict):
    """Something else listens on the port that `ropewalk up` was to use."""

    code = "RW380"


class MethodNotAllowed(Conflict):
    """The address exists and does not take this method."""

    code = "RW381"


class Unexpected(Failed):
    """Ropewalk itself went wrong while it answered; the log has the cause."""

    code = "RW481"


STATUSES: dict[type[RopewalkError], int] = {
    InvalidInput: 400,
    NotSignedIn: 401,
    CredentialRefused: 401,
    NotAllowed: 403,
    Refused: 403,
    NotFound: 404,
    Conflict: 409,
    MethodNotAllowed: 405,
    TooManyFailures: 429,
    Failed: 422,
    GateFailed: 422,
    UnguardedRoute: 500,
    Unexpected: 500,
    Unavailable: 503,
    RopewalkError: 500,
}
PROBLEM_TYPE = "application/problem+json"


def status_of(error: RopewalkError) -> int:
    """Return the HTTP status of an error: that of the nearest class above it that has one."""
    return next(STATUSES[cls] for cls in type(error).__mro__ if cls in STATUSES)


def problem(error: RopewalkError, path: str, request_id: str) -> dict[str, object]:
    """Return the error as a problem document (RFC 9457), its own fields beside the standard ones."""
    return {
        "type": f"urn:ropewalk:error:{error.code}",
        "title": error.message,
        "status": status_of(error),
        "instance": path,
        "request_id": request_id,
        **error.as_json(),
    }
