"""`ropewalk webhook`: added, listed, tried, removed; what became of deliveries; and secrets that nobody prints."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

KEY = "swordfish-" * 4
EVENT = ("--event", "model_version.created")


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the address of a receiver that this server may call, in an empty project."""
    (tmp_path / "ropewalk.yaml").write_text("project: flights\n", encoding="utf-8")

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200 if "X-MLflow-Signature" in self.headers else 403)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        place = f"127.0.0.1:{server.server_address[1]}"
        monkeypatch.setenv("ROPEWALK_WEBHOOK_HOSTS", place)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"http://{place}/hook"
        server.shutdown()
        thread.join()


def test_added_listed_tried_and_removed(ropewalk, receiver: str) -> None:
    """A webhook is signed with the variable's value, which stands in no output."""
    named = ("--secret", "secret://HOOK_KEY")
    made = ropewalk("webhook", "add", "ci", receiver, *EVENT, *named, "--json", HOOK_KEY=KEY)
    listed = ropewalk("webhook", "list")
    tried = ropewalk("webhook", "test", made.json["id"])
    deliveries = ropewalk("webhook", "deliveries", made.json["id"], "--retry", "--json")
    removed = ropewalk("webhook", "remove", made.json["id"])

    assert (made.json["signed"], made.json["events"]) == (True, ["model_version.created"])
    assert (tried.code, tried.out) == (0, "taken: it answered 200\n")
    assert deliveries.json == {"revived": 0, "deliveries": []}
    assert (removed.code, ropewalk("webhook", "list", "--json").json) == (0, {"webhooks": []})
    assert KEY not in "".join(one.out + one.err for one in (made, listed, tried, deliveries))


def test_not_taken(ropewalk, receiver: str) -> None:
    """A receiver that refuses is told by the exit code."""
    made = ropewalk("webhook", "add", "ci", receiver, *EVENT, "--json").json["id"]

    said = ropewalk("webhook", "test", made, "--event", "registered_model.created")

    assert (said.code, said.out) == (1, "not taken: it answered 403\n")


def test_nobody_answers(ropewalk, receiver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that is not there is told in words, without a traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("ROPEWALK_WEBHOOK_HOSTS", place)
        made = ropewalk("webhook", "add", "ci", f"http://{place}", *EVENT, "--json").json["id"]
        said = ropewalk("webhook", "test", made, "--json")

    assert (said.code, said.json["taken"], said.json["status"], bool(said.json["problem"])) == (
        1,
        False,
        None,
        True,
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "ci", "https://example.org", *EVENT, "--secret", KEY), "named, not written"),
        (("add", "ci", "https://example.org", *EVENT, "--secret", "secret://NONE_HERE"), "NONE_HERE"),
        (("add", "ci", "https://127.0.0.1/", *EVENT), "127.0.0.1"),
        (("add", "ci", "https://example.org", "--event", "model_version.create"), "model_version.created"),
        (("remove", "nothing"), "not found"),
        (("test", "nothing"), "not found"),
        (("deliveries", "nothing"), "not found"),
    ],
)
def test_refused(ropewalk, receiver: str, arguments: tuple[str, ...], said: str) -> None:
    """What cannot be is refused with its reason, and a secret on the command line is not repeated."""
    refused = ropewalk("webhook", *arguments)

    assert (refused.code != 0, said in refused.err, KEY in refused.err) == (True, True, False)
