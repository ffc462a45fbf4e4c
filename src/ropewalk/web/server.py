"""`ropewalk up`: the application behind uvicorn, with the deployments' workers beside it."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager

import uvicorn
from starlette.applications import Starlette

from ropewalk import plugins
from ropewalk.access import check_exposure
from ropewalk.devops.serving import Supervisor
from ropewalk.pipeline import Workspace
from ropewalk.routes import Route
from ropewalk.web.app import create_app
from ropewalk.web.errors import PortInUse

# Long enough for a page, short enough for whoever pressed Ctrl-C.
GRACE_S = 5


def serve(
    workspace: Workspace,
    host: str,
    port: int,
    ready: Callable[[str], None] = lambda _: None,
    more: Iterable[Route] = (),
) -> None:
    """Answer for the project until SIGINT or SIGTERM, then end the workers and return.

    Args:
        workspace: the open project.
        host: the address to listen on; anything but this machine's own is open to its network.
        port: the port; 0 takes a free one.
        ready: called with the address to open once the server answers.
        more: routes besides those of the rooms.

    Raises:
        InvalidAccess: others can reach the address, and access is not required.
        PortInUse: something else listens there.
        RopewalkError: the workers could not be started.
    """
    check_exposure(host, workspace.settings)
    listener = listen(host, port)
    address = f"http://{_shown(host)}:{listener.getsockname()[1]}"
    app = create_app(workspace, [*plugins.routes(workspace), *more], host=host)
    is_proxied = bool(workspace.settings.public_url)
    beside = Supervisor(workspace)
    server = server_for(app, is_proxied=is_proxied)
    # The loop that uvicorn itself would choose: uvloop, where there is one, takes a third off each request.
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(_serve(server, listener, beside, lambda: ready(address)))


async def _serve(
    server: uvicorn.Server,
    listener: socket.socket,
    beside: AbstractAsyncContextManager[object],
    ready: Callable[[], None],
) -> None:
    # Entered here rather than in the application's lifespan, whose errors uvicorn turns into an exit code.
    with listener:
        async with beside:
            # The socket listens already, so a request that comes between this line and the first accept just waits.
            ready()
            await server.serve(sockets=[listener])


def server_for(app: Starlette, *, is_proxied: bool = False) -> QuietServer:
    """Return the server that will answer with `app`; behind a proxy of this machine it believes whom that names."""
    return QuietServer(
        uvicorn.Config(
            app,
            # Events go through structlog; uvicorn's own lines would mix with them.
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=GRACE_S,
            server_header=False,
            # Else whoever is on this machine could write any address into the audit log.
            proxy_headers=is_proxied,
        )
    )


def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to the address.

    Raises:
        PortInUse: something else listens there, or the address is not this machine's.
    """
    # Bound here rather than by uvicorn, which would log a port in use and exit.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, because asyncio turns off Nagle's delay (40 ms a request) only for sockets that say so.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # A port is free again at once after the last server on it ended.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host.strip("[]"), port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise PortInUse(_why(host, port, error), hint=_what_next(port, error)) from error
    return listener


class QuietServer(uvicorn.Server):
    """A server that returns after a signal, so that whoever started it closes what it opened."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams of live events first, for whose ends the server would wait until it gives them up."""
        feed = getattr(getattr(self.config.app, "state", None), "feed", None)
        if feed is not None:
            feed.close()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGINT and SIGTERM; unlike uvicorn's own, do not raise the signal again afterwards."""
        # Tests serve from a thread, where signals cannot be caught.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _shown(host: str) -> str:
    # An address to open, where "all of them" is none.
    if host in {"0.0.0.0", "::"}:  # noqa: S104  # compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _why(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use by another program"
    return f"cannot listen on {host} port {port}: {error.strerror or error}"


def _what_next(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"is `ropewalk up` running already? Else `ropewalk up --port {port + 1}`, or --port 0 for a free one"
    return "`ropewalk up --host 127.0.0.1 --port 0` takes a free port of this machine"
