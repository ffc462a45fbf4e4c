"""A project whose webhooks may call a receiver on this machine, and that receiver."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ropewalk.mlops.tracking.webhooks import Courier, create_webhook
from ropewalk.pipeline import Workspace
from ropewalk.project import load_project
from ropewalk.settings import load_settings
from ropewalk.store.tracking.webhooks import NewWebhook, Webhook

SECRET = "swordfish"
Add = Callable[..., Webhook]


@dataclass
class Receiver:
    """What was received, and how the next requests are answered: the last answer stays."""

    url: str
    taken: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=lambda: [(200, {}, b"thanks")])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return a server on a free port of this machine that keeps what it is sent."""
    received = Receiver("")

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.taken.append((self.path, dict(self.headers), body))
            answers = received.answers
            status, headers, content = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        received.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield received
        server.shutdown()
        thread.join()


@pytest.fixture
def project(tmp_path: Path, environ: dict[str, str]) -> Iterator[Workspace]:
    """Return an open project that may call this machine."""
    (tmp_path / "ropewalk.yaml").write_text("project: test\n", encoding="utf-8")
    settings = replace(load_settings(environ), webhook_hosts="127.0.0.1")
    with Workspace(load_project(tmp_path, []), settings) as opened:
        yield opened


@pytest.fixture
def add(project: Workspace, receiver: Receiver) -> Add:
    """Return a function that adds a webhook for the receiver."""

    def make(*events: str, secret: str | None = SECRET, status: str = "ACTIVE", name: str = "ci") -> Webhook:
        new = NewWebhook(name, None, receiver.url, events, None, status)
        return create_webhook(project, new, secret)

    return make


@pytest.fixture
def courier(project: Workspace) -> Courier:
    """Return a courier of the project."""
    return Courier(project)
