"""What the example's services have in common: JSON over HTTP on this machine, until somebody stops them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

HOST = "127.0.0.1"
LANDING = Path(__file__).resolve().parent / "landing"


class JSONHandler(BaseHTTPRequestHandler):
    """Answers requests with JSON; a service says to which."""

    protocol_version = "HTTP/1.1"
    landing: ClassVar[Path] = LANDING
    more_headers: ClassVar[Mapping[str, str]] = {}

    def reply(self, status: HTTPStatus, body: object) -> None:
        """Answer with `body`."""
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        for name, value in self.more_headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """Keep the demo's terminal free of one line per page."""


def answer_on(port: int, serve: Callable[[int], ThreadingHTTPServer]) -> int:
    """Answer on `port` until Ctrl-C; return the exit code."""
    try:
        server = serve(port)
    except OSError as error:
        print(f"cannot listen on {HOST} port {port}: {error.strerror}", file=sys.stderr)
        print("ropewalk.yaml names this port: stop the program that uses it", file=sys.stderr)
        return 1
    with server, suppress(KeyboardInterrupt):
        server.serve_forever()
    return 0
