"""The tracking protocol on a port whose server starts with the first call: most runs of small steps never call."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module

from ropewalk.mlops.tracking.errors import EndpointFailed
from ropewalk.pipeline import Workspace

STOP_S = 10.0


@contextmanager
def endpoint_on_demand(workspace: Workspace) -> Iterator[str]:
    """Yield the address of a loopback port at which the protocol is spoken from the first call on."""
    ours, theirs = socket.socketpair()
    # From the moment that the port is bound the kernel keeps callers waiting, so none is turned away.
    with socket.create_server(("127.0.0.1", 0)) as listener, ours, theirs:
        thread = threading.Thread(
            target=_answer,
            args=(workspace, listener, theirs),
            name="tracking endpoint on demand",
            daemon=True,
        )
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            ours.close()
            thread.join(STOP_S)


def _answer(workspace: Workspace, listener: socket.socket, ending: socket.socket) -> None:
    """Serve from the first caller until `ending` is readable, which it is once its other side is closed."""
    called, _, _ = select.select([listener, ending], [], [])
    if ending in called:
        return
    # The web framework is loaded here, in the time of the step that asks for it.
    serve = import_module("ropewalk.mlops.tracking.listener").serve
    # A caller whose server does not start finds the port closed, and says so in the step's log.
    with suppress(EndpointFailed), serve(workspace, listener):
        select.select([ending], [], [])
        return
    listener.close()
