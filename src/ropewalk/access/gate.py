"""The gate in front of every route: who asks, whether they may, and a line in the audit log.

A route's permission is checked after the router has chosen the row and before its endpoint sees anything, wherever the
row is mounted and below whatever prefix: what is checked is what answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

from ropewalk.access.boundary import LOOPBACK, SAFE_METHODS, check_origin
from ropewalk.access.credentials import Shown, read_credential
from ropewalk.access.errors import (
    CredentialRefused,
    InvalidAccess,
    NotAllowed,
    NotSignedIn,
    UnguardedRoute,
)
from ropewalk.access.failures import Failures
from ropewalk.access.identity import Jobs, looks_like_identity
from ropewalk.access.roles import LOCAL, NOBODY, Caller, enter
from ropewalk.access.sessions import session_caller
from ropewalk.access.tokens import token_caller
from ropewalk.errors import RopewalkError
from ropewalk.routes import Endpoint, Permission, Route
from ropewalk.settings import Settings
from ropewalk.store import Database
from ropewalk.store.access_audit import Deed, write_audit

if TYPE_CHECKING:
    from ropewalk.access.rules import JobIssuer

# Where whoever mounts a project below a prefix says which project a request is about.
PROJECT = "ropewalk.project"
_AUDITED = frozenset({Permission.DELETE, Permission.MANAGE, Permission.ADMINISTER})


class Gate:
    """Says of each request who asks and whether they may; without `access: required` everybody on this machine may.

    Args:
        database: where people, tokens and the audit log are.
        settings: the settings in force.
        project: the project that is asked for where the request names none.
    """

    def __init__(self, database: Database, settings: Settings, project: str, root: Path = Path()) -> None:
        self.database = database
        self.settings = settings
        self.project = project
        self.failures = Failures()
        self.is_required = settings.access == "required"
        self.jobs = Jobs(_declared_jobs(settings, root))

    async def admit(self, request: Request, route: Route) -> Caller:
        """Return who asks for `route`, if they may have it.

        Raises:
            NotSignedIn, CredentialRefused, TooManyFailures: it is not known who asks.
            NotAllowed: it is, and they have no right to this.
            ForeignOrigin: a page of another site asks in the name of whoever is logged in.
        """
        if not self.is_required:
            return LOCAL
        if route.permission is Permission.PUBLIC:
            return NOBODY
        return await run_in_threadpool(self._admit, request, route)

    def _admit(self, request: Request, route: Route) -> Caller:
        caller = self.recognise(request)
        if caller.is_browser and request.method not in SAFE_METHODS:
            check_origin(request.headers, is_browser=True)
        if caller.may(route.permission):
            return caller
        if caller.kind == "nobody":
            raise NotSignedIn(
                "nobody may do this without a token or a login",
                hint="send `Authorization: Bearer rw_...` (MLFLOW_TRACKING_TOKEN), or log in at /login",
            )
        self.write(request, caller, route, "refused")
        role = caller.role.word if caller.role else "no role"
        raise NotAllowed(
            f"{caller.name} may not {route.permission.value} in project {self.project_of(request)!r}",
            hint=f"it takes another role than {role}, or a token with the scope {route.permission.value!r}",
        )

    def recognise(self, request: Request) -> Caller:
        """Return who shows the credential of the request; nobody, when it has none or a session that is over.

        Raises:
            CredentialRefused: it does not count.
            TooManyFailures: nor did many others that came from the same address lately.
        """
        try:
            shown = read_credential(request)
            return self._caller(shown, self.project_of(request)) if shown else NOBODY
        except CredentialRefused:
            self.note_failure(request)
            raise

    def _caller(self, shown: Shown, project: str) -> Caller:
        if shown.is_cookie:
            return session_caller(self.database, shown.text, project)
        if looks_like_identity(shown.text):
            # Rules are about the project that is served, and say nothing of any other.
            caller = self.jobs.caller(shown.text)
            return caller if project == self.project else Caller(caller.name, caller.kind)
        return token_caller(self.database, shown.text, project)

    def note_failure(self, request: Request) -> None:
        """Count a credential that does not fit.

        Raises:
            TooManyFailures: it was one too many.
        """
        address = address_of(request)
        # Once it is too many there is no line each: a log that anybody can fill is no log.
        if self.failures.note(address):
            deed = Deed(
                "nobody", "login", request.url.path[:200], self.project_of(request), address, "refused"
            )
            write_audit(self.database, deed)
            return
        self.failures.check(address)

    def project_of(self, request: Request) -> str:
        """Return the project that the request is about."""
        return str(request.scope.get(PROJECT) or self.project)

    def write(self, request: Request, caller: Caller, route: Route, outcome: str) -> None:
        """Write down what was asked for, and how it ended."""
        target = f"{request.method} {request.url.path}"[:500]
        project = self.project_of(request)
        deed = Deed(caller.name, route.permission.value, target, project, address_of(request), outcome)
        write_audit(self.database, deed)

    async def write_outcome(self, request: Request, caller: Caller, route: Route, status: int) -> None:
        """Write down how an audited request was answered."""
        if self.is_required and (route.is_audited or route.permission in _AUDITED):
            outcome = "done" if status < 400 else f"failed ({status})"
            await run_in_threadpool(self.write, request, caller, route, outcome)


def address_of(request: Request) -> str:
    """Return where a request comes from."""
    return request.client.host if request.client else "unknown"


def mount(rows: Iterable[Route], gate: Gate | None = None) -> list[StarletteRoute]:
    """Return the rows as guarded routes of Starlette, in order; without a gate only for this machine's own use.

    Raises:
        UnguardedRoute: a row has no permission, or repeats another's method and path.
    """
    taken: set[tuple[str, str]] = set()
    mounted: list[StarletteRoute] = []
    for row in rows:
        _check_row(row, taken)
        mounted.append(StarletteRoute(row.path, _guarded(row, gate), methods=[row.method]))
    return mounted


def _guarded(row: Route, gate: Gate | None) -> Endpoint:
    @wraps(row.endpoint)
    async def endpoint(request: Request) -> Response:
        try:
            caller = await gate.admit(request, row) if gate else LOCAL
        except RopewalkError as error:
            if row.refuse is None:
                raise
            response = row.refuse(error)
            response.headers.update(getattr(error, "headers", {}))
            return response
        # Whatever the endpoint reads it reads for the caller: masks of personal columns ask for whom.
        enter(caller)
        response = await row.endpoint(request)
        if gate:
            await gate.write_outcome(request, caller, row, response.status_code)
        return response

    return endpoint


def _check_row(row: Route, taken: set[tuple[str, str]]) -> None:
    named = (row.method, row.path)
    # Types do not hold for a plugin that was written without them.
    if not isinstance(row.permission, Permission):
        raise UnguardedRoute(
            f"the route {row.method} {row.path} has no permission",
            hint="give it one of ropewalk.routes.Permission",
        )
    if named in taken:
        raise UnguardedRoute(
            f"the route {row.method} {row.path} is there twice", hint="remove one of the two"
        )
    taken.add(named)


def check_exposure(host: str, settings: Settings) -> None:
    """Refuse to listen where others can reach it without asking who they are.

    Raises:
        InvalidAccess: `host` is not this machine's own, and access is not required.
    """
    if host.strip("[]").lower() in LOOPBACK or settings.access == "required":
        return
    raise InvalidAccess(
        f"{host} can be reached from other machines, and without a login anyone there may read and change all",
        hint="set ROPEWALK_ACCESS=required and make a token with `ropewalk token create`, or leave --host out",
    )


def _declared_jobs(settings: Settings, root: Path) -> list[JobIssuer]:
    if not settings.access_file:
        return []
    # pydantic and YAML are loaded for those who have such a file.
    from ropewalk.access.rules import read_access_file

    return read_access_file((root / settings.access_file).resolve()).jobs
