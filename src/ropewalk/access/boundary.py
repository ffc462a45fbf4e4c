"""Which hosts a server answers for, and that no page of another site changes anything: one check for every server.

A server that listens on this machine only is threatened by a page of another site in the user's own browser: by a name
that resolves to 127.0.0.1 (hence the Host check), or by a form or script that posts to us (hence the Origin check).
Programs such as the MLflow client send neither header and pass.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ropewalk.access.errors import ForeignHost, ForeignOrigin, Refused
from ropewalk.errors import RopewalkError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104  # recognised, never bound here
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
Refuse = Callable[[RopewalkError], Response]


class Guard:
    """Refuses requests whose Host is not ours, and changes that a page of another site asks for.

    Args:
        hosts: the names that are answered for.
        any_address: whether any plain IP address is one of them.
        refuse: how a refusal is told; None: it is raised, for whoever stands in front.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: frozenset[str] = LOOPBACK,
        *,
        any_address: bool = False,
        refuse: Refuse | None = None,
    ) -> None:
        self.app = app
        self.hosts = hosts
        self.any_address = any_address
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on when it may ask.

        Raises:
            ForeignHost, ForeignOrigin: it may not, and nobody else tells.
        """
        if scope["type"] == "http":
            try:
                self._check(scope)
            except Refused as error:
                if self.refuse is None:
                    raise
                await self.refuse(error)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        self._check_host(headers.getlist("host"))
        # Reading is open to links from anywhere; what a page of another site reads, the browser keeps from it.
        if scope["method"] not in SAFE_METHODS:
            check_origin(headers)

    def _check_host(self, given: list[str]) -> None:
        # Of two, one part of a chain of programs would believe the first and another the second.
        name = host_name(given[0]) if len(given) == 1 else ""
        if name in self.hosts or (self.any_address and _is_address(name)):
            return
        raise ForeignHost(
            f"this server does not answer for the host {name!r}",
            hint=f"open it as http://{min(self.hosts & LOOPBACK, default='127.0.0.1')}, or start it with --host",
        )


def allowed_hosts(host: str, public_url: str = "") -> tuple[frozenset[str], bool]:
    """Return the names a server bound to `host` answers for, and whether any plain IP address is one.

    A name can be pointed at this machine by anyone, an address cannot: so a server that listens on all
    addresses takes every address as its host, but only its own names.
    """
    public = frozenset({urlsplit(public_url).hostname or ""} - {""})
    if host in WILDCARDS:
        # A browser in the network reaches this machine by an address or by its name.
        return LOOPBACK | public | {socket.gethostname().lower()}, True
    return LOOPBACK | public | {host.strip("[]").lower()}, False


def host_name(host: str) -> str:
    """Return the name in a Host header, without port, brackets, case and the dot of a full name."""
    if not host.startswith("["):
        return host.partition(":")[0].lower().rstrip(".")
    name, bracket, port = host[1:].partition("]")
    # What follows the bracket can only be a port: anything else is another name that begins like an address.
    return name.lower() if bracket and (not port or port.startswith(":")) else ""


def check_origin(headers: Headers, *, is_browser: bool = False) -> None:
    """Refuse what a browser says another site sent; programs that are no browser say nothing.

    Args:
        headers: of the request.
        is_browser: whether it certainly came from one, as a cookie shows; then it has to say where from.

    Raises:
        ForeignOrigin: another site sent it.
    """
    site = headers.get("sec-fetch-site")
    origin = headers.get("origin")
    if origin is None and site is None:
        is_ours = not is_browser
    else:
        # "same-site" is not enough: every port of this machine is one site, and other programs listen there.
        is_ours = site in {"same-origin", "none"} if site else _same_host(origin, headers.get("host", ""))
    if not is_ours:
        raise ForeignOrigin(
            f"a page of {origin or 'another site'} may not change anything here",
            hint="send the request from Ropewalk's own pages or from a program",
        )


def _same_host(origin: str | None, host: str) -> bool:
    # No host is not the host of an origin that names none either, such as `null`.
    return bool(host) and origin is not None and origin.partition("://")[2] == host


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
