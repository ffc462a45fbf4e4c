"""A project's whole application on a real port, for as long as a test needs it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ropewalk import plugins
from ropewalk.pipeline import Workspace
from ropewalk.web.app import create_app
from ropewalk.web.server import listen, server_for


@contextmanager
def served(workspace: Workspace) -> Iterator[str]:
    """Serve what `ropewalk up` serves for the project, without its workers, and yield its address."""
    listener = listen("127.0.0.1", 0)
    server = server_for(create_app(workspace, plugins.routes(workspace)))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()
