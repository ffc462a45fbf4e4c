"""The tracking protocol on a port of its own, for the clients that `ropewalk run` starts."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ropewalk.mlops.tracking.asgi import application, project_gate
from ropewalk.mlops.tracking.errors import EndpointFailed
from ropewalk.mlops.tracking.prefixes import project_names
from ropewalk.mlops.tracking.rows.table import routes
from ropewalk.pipeline import Workspace

if TYPE_CHECKING:
    import uvicorn

# Starting takes some 100 ms; a machine that is busy with several trainings takes longer.
START_S = 10.0
STOP_S = 5.0
_POLL_S = 0.005


@contextmanager
def endpoint(workspace: Workspace) -> Iterator[str]:
    """Serve the protocol on a free loopback port while the context lasts, and yield its address.

    Raises:
        EndpointFailed: it does not answer in time.
    """
    # Bound here and not by uvicorn, so that the port is known and no other process can take it in between.
    with socket.create_server(("127.0.0.1", 0)) as listener, serve(workspace, listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def serve(workspace: Workspace, listener: socket.socket) -> Iterator[None]:
    """Serve the protocol on a socket that listens already, while the context lasts.

    Raises:
        EndpointFailed: it does not answer in time.
    """
    import uvicorn

    config = uvicorn.Config(
        application(routes(workspace), project_names(workspace), project_gate(workspace)),
        # The run's own output is on the same terminal: neither a line per request nor a greeting belongs
        # there.
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        # Clients keep connections open between requests, and waiting for them would hold up every run's end.
        timeout_graceful_shutdown=int(STOP_S),
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="tracking endpoint", daemon=True
    )
    thread.start()
    try:
        _wait(server, thread)
        yield
    finally:
        # The thread is a daemon: an answer that hangs cannot keep the process alive.
        server.should_exit = True
        thread.join(STOP_S)


def _wait(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise EndpointFailed(
                "The tracking endpoint did not start", hint="see the log above for what stopped it"
            )
        time.sleep(_POLL_S)
