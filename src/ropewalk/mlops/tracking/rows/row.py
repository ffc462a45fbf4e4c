"""One row of the protocol: method, path, permission, what is asked, and the function that answers.

The functions are plain and synchronous: (workspace, asked) -> answer. Everything that HTTP needs around them
(reading, checking, a thread of its own, writing, errors) is here, once.
"""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Generic, TypeVar

from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ropewalk.errors import RopewalkError
from ropewalk.logs import get_logger
from ropewalk.mlops.tracking import limits
from ropewalk.mlops.tracking.wire import compat
from ropewalk.pipeline import Workspace
from ropewalk.routes import Endpoint, Permission, Route

Asked = TypeVar("Asked", bound=Struct)

# MLflow's own pages, and its tests, use a copy of every path under the second. Both are of one row: a copy with checks
# of its own is a place where one can be forgotten, as MLflow's advisories show.
PREFIXES = ("/api/2.0", "/ajax-api/2.0")


@dataclass(frozen=True)
class Row(Generic[Asked]):
    """One method on one path of the protocol.

    Attributes:
        asked: the struct of the request.
        respond: returns the answer's struct, or None for the empty answer.
        body_limit: most bytes a request's body may have.
        api: the version of the protocol in which the path stands; what came with MLflow 3 is in `3.0`.
    """

    method: str
    path: str
    permission: Permission
    asked: type[Asked]
    respond: Callable[[Workspace, Asked], Struct | None]
    body_limit: int = limits.BODY_BYTES
    api: str = "2.0"

    @property
    def paths(self) -> list[str]:
        """The paths at which the row is served, one below each prefix."""
        return [prefix.replace("2.0", self.api) + self.path for prefix in PREFIXES]

    def routes(self, workspace: Workspace) -> list[Route]:
        """Return the row as routes that answer for `workspace`, one below each prefix."""
        endpoint = self._endpoint(workspace)
        return [Route(self.method, path, self.permission, endpoint, asks=self.asked) for path in self.paths]

    def _endpoint(self, workspace: Workspace) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            asked = await self._read(request)
            # By the descriptors' own list, so that no row can forget it, and before a thread is taken.
            compat.check_required(asked)
            # SQLite and the disk block; in the event loop one slow search would hold up every other client.
            return compat.answer(await run_in_threadpool(self.respond, workspace, asked))

        return translated(endpoint)

    async def _read(self, request: Request) -> Asked:
        # Some clients send a deletion's parameters as a body, others in the query.
        body = b"" if self.method == "GET" else await compat.read_body(request, self.body_limit)
        asked = compat.decode(body, self.asked) if body else compat.read_query(request, self.asked)
        # What the path says counts: a body that names another thing cannot redirect the request.
        for name, value in request.path_params.items():
            setattr(asked, name, value)
        return asked


def translated(endpoint: Callable[[Request], Awaitable[Response]]) -> Endpoint:
    """Return `endpoint` with errors turned into the answers that MLflow's clients read."""

    @wraps(endpoint)
    async def guarded(request: Request) -> Response:
        try:
            return await endpoint(request)
        except RopewalkError as error:
            # Ours are answers, not incidents: they name the client's mistake and are not logged.
            return compat.refuse(error)
        except ClientDisconnect:
            # Nobody reads this answer; a half-sent body has left nothing behind.
            return Response(status_code=499)
        except Exception as error:  # noqa: BLE001  # a process boundary: the client gets an answer, the log the cause
            # As text: a log that nobody configured prints the values of local variables, and some are secrets.
            cause = "".join(traceback.format_exception(error))
            get_logger().error("tracking request failed", path=request.url.path, exception=cause)
            return compat.refuse(RopewalkError("The server failed to answer; its log says why"))

    return guarded
