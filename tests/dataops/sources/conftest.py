"""A project with one source, run by the real pipeline, and an HTTP server on the loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit

import pytest

from ropewalk import plugins
from ropewalk.dataops.lake import Lake, open_lake
from ropewalk.dataops.sources import SourceKind
from ropewalk.errors import RopewalkError
from ropewalk.pipeline import (
    NodeResult,
    Output,
    PlannedNode,
    Reason,
    State,
    Workspace,
    current_records,
    declare_graph,
    execute,
    make_plan,
)
from ropewalk.project import load_project
from ropewalk.settings import load_settings


class Watcher:
    """Hears of a run's progress and keeps what it is told."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def started(self, node_id: str, reasons: tuple[Reason, ...]) -> None:
        """Note nothing."""

    def progressed(self, node_id: str, done: float, total: float | None, text: str) -> None:
        """Keep the text."""
        self.texts.append(text)

    def ended(self, result: NodeResult) -> None:
        """Note nothing."""


class SourceProject:
    """A project whose one source is called `things`; it stays open between runs, as `ropewalk up` keeps it."""

    def __init__(self, root: Path, begin: Callable[[Path], None] | None = None) -> None:
        self.root = root
        self._begin = begin
        self.watcher = Watcher()
        self.kinds = {"source": SourceKind()}
        self._workspace: Workspace | None = None

    def without_lake(self) -> SourceProject:
        """Begin without the empty lake that most tests find, for those that are about making it."""
        from blank_state import add_database

        self._begin = lambda state: add_database(state / "ropewalk.db")
        return self

    def declare(self, entry: str) -> SourceProject:
        """Make `entry` (YAML, on one line) the declaration of the source."""
        self.close()
        self.write("ropewalk.yaml", f"project: test\nsources:\n  things: {entry}\n")
        return self

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    @property
    def workspace(self) -> Workspace:
        """The open project."""
        if self._workspace is None:
            project = load_project(self.root, plugins.sections())
            if self._begin is not None:
                self._begin(self.root / ".ropewalk")
            self._workspace = Workspace(project, load_settings({}))
        return self._workspace

    @property
    def lake(self) -> Lake:
        """The project's lake."""
        return open_lake(self.workspace)

    def run(self) -> NodeResult:
        """Bring the source up to date, as `ropewalk run` does."""
        graph = declare_graph(self.workspace.project, self.kinds)
        return execute(graph, self.kinds, self.workspace, self.watcher).nodes[0]

    def load(self) -> Output:
        """Run and return what was loaded; a failure is raised."""
        result = self.run()
        if result.error is not None:
            raise result.error
        assert result.output is not None
        return result.output

    def fail(self) -> RopewalkError:
        """Run and return the error it ends with."""
        error = self.run().error
        assert error is not None, "the load succeeded"
        return error

    def plan(self) -> PlannedNode:
        """Return what a run would do."""
        graph = declare_graph(self.workspace.project, self.kinds)
        records = current_records(self.workspace)
        return make_plan(graph, self.kinds, self.workspace, records).nodes[0]

    def is_hit(self) -> bool:
        """Run and return whether nothing had to be done."""
        return self.run().state is State.HIT

    def rows(self, select: str = "SELECT * EXCLUDE (_file)") -> list[tuple[object, ...]]:
        """Return the rows of the loaded table in a fixed order."""
        with self.lake.cursor() as connection:
            return connection.execute(f"{select} FROM raw.things ORDER BY ALL").fetchall()

    def types(self) -> dict[str, str]:
        """Return the types of the loaded table's columns, without `_file`."""
        columns = self.lake.tables()[0].columns
        return {column.name: column.type for column in columns if column.name != "_file"}

    def close(self) -> None:
        """Close the project; the next use opens it anew."""
        if self._workspace is not None:
            self._workspace.close()
            self._workspace = None


@pytest.fixture
def project(tmp_path: Path) -> Iterator[SourceProject]:
    """Return an empty project, closed after the test."""
    # Processes of the tests import this module as well, and do not find what is only on pytest's path.
    from blank_state import add_state

    made = SourceProject(tmp_path / "project", add_state)
    yield made
    made.close()


@dataclass(frozen=True)
class Request:
    """A request as the server saw it."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    method: str = "GET"
    content: bytes = b""


@dataclass
class Reply:
    """What the server is to answer: `body` as JSON, or bytes as they are; status 0 hangs up."""

    body: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class APIServer:
    """A real HTTP server whose answers a test decides, one function for all requests."""

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        handler = type("Handler", (_Handler,), {"api": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def stop(self) -> None:
        """Stop answering; the address then refuses connections."""
        with suppress(OSError):
            self._server.shutdown()
            self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    api: ClassVar[APIServer]

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(
            parts.path, dict(parse_qsl(parts.query)), dict(self.headers.items()), self.command, content
        )
        self.api.requests.append(request)
        reply = self.api.answer(request)
        if reply.status == 0:
            self.close_connection = True
            return
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        # A client that gave up does not wait for its answer.
        with suppress(ConnectionError):
            self._reply(reply, body)

    def do_POST(self) -> None:
        self.do_GET()

    def _reply(self, reply: Reply, body: bytes) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """Keep the test's output free of requests."""


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[Request], Reply]], APIServer]]:
    """Return a function that starts a server with the given answers; failing requests are retried quickly."""
    monkeypatch.setattr("ropewalk.dataops.sources.fetch.FIRST_PAUSE_S", 0.001)
    started: list[APIServer] = []

    def start(answer: Callable[[Request], Reply]) -> APIServer:
        started.append(APIServer(answer))
        return started[-1]

    yield start
    for server in started:
        server.stop()
