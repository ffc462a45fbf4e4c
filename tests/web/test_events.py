"""Live events through a real server: they arrive, and the server ends them when it ends."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from ropewalk import plugins
from ropewalk.mlops.tracking import create_run, log_metrics
from ropewalk.pipeline import Workspace
from ropewalk.web.app import create_app
from ropewalk.web.server import QuietServer, listen, server_for

PATIENCE_S = 60
pytestmark = pytest.mark.timeout(300)


@contextmanager
def serving(workspace: Workspace) -> Iterator[tuple[str, QuietServer, threading.Thread]]:
    """Serve a project in a thread; yield its address, the server and the thread."""
    listener = listen("127.0.0.1", 0)
    server = server_for(create_app(workspace, plugins.routes(workspace)))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", server, thread
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
        listener.close()


def events(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield (kind, data) of each event of a stream."""
    kind = ""
    for line in lines:
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))


def test_events_arrive_and_end_with_the_server(empty: Workspace) -> None:
    """A point that is logged is told to whoever follows its run; when the server stops, the stream ends cleanly."""
    run_id = create_run(empty, "e", "followed", {}, {})
    with serving(empty) as (address, server, thread):
        asked = httpx.stream("GET", f"{address}/api/events?topics=run:{run_id}", timeout=PATIENCE_S)
        with asked as response:
            heard = events(response.iter_lines())
            assert response.headers["content-type"].startswith("text/event-stream")
            assert next(heard)[0] == "hello"
            log_metrics(empty, run_id, {"loss": 0.5}, 7)
            kind, data = next(heard)
            server.should_exit = True
            # Without an error: a stream that is broken off would raise here.
            assert list(heard) == []
        thread.join(PATIENCE_S)

    assert kind == "metrics"
    assert data["metrics"]["loss"]["step"] == 7  # type: ignore[index]
    assert not thread.is_alive()
