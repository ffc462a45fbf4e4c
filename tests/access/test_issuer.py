"""An issuer that is away, wrong or hostile: known keys hold for a while, nothing else is believed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from identity_issuer import Issuer, running_issuer

from ropewalk.access import CredentialRefused, IssuerUnreachable
from ropewalk.access.identity import verify
from ropewalk.access.issuer import Issuer as Client
from ropewalk.access.issuer import fetch_json
from ropewalk.access.rules import is_trustworthy

Serve = Callable[[dict[str, Any]], str]


@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    """Return a function that sets what a small server answers by path, and returns its address."""
    answers: dict[str, Any] = {}

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answers.get(self.path, b"")
            status = found if isinstance(found, int) else 200
            body = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(status)
            self.send_header("location", "/elsewhere")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}"

    def set_answers(given: dict[str, Any]) -> str:
        answers.clear()
        answers.update(given)
        return address

    yield set_answers
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"{", b"\xff", 302, 404, 500, b"[" * 100_000, b'{"a": "' + b"x" * 600_000 + b'"}']
)
def test_bad_answers(serve: Serve, answer: object) -> None:
    """What is no JSON object of a usual size, or leads elsewhere, is told and not followed."""
    address = serve({"/x": answer, "/elsewhere": {"keys": []}})

    with pytest.raises(IssuerUnreachable):
        fetch_json(f"{address}/x?secret=hush")


def test_nobody_listens() -> None:
    """An issuer that is away is told without the query of its address."""
    with pytest.raises(IssuerUnreachable) as caught:
        fetch_json("http://127.0.0.1:9/keys?secret=hush")

    assert "hush" not in str(caught.value)


def test_other_issuers_document(serve: Serve) -> None:
    """A document that names another issuer is not believed."""
    address = serve({"/.well-known/openid-configuration": {"issuer": "https://other", "jwks_uri": "x"}})

    with pytest.raises(IssuerUnreachable, match="another issuer"):
        Client(address).key("one")


@pytest.mark.parametrize("jwks", [None, 7, "http://10.0.0.1/keys", "file:///etc/passwd", "ftp://x/y"])
def test_keys_from_elsewhere(serve: Serve, jwks: object) -> None:
    """Keys come by https, or from this machine, and from no file."""
    address = serve({})
    serve({"/.well-known/openid-configuration": {"issuer": address, "jwks_uri": jwks}})

    with pytest.raises(IssuerUnreachable, match="jwks_uri"):
        Client(address).key("one")


@pytest.mark.parametrize(
    "keys",
    [
        None,
        {"one": 1},
        [7, None, "x"],
        [{"kty": "oct", "k": "c2VjcmV0", "kid": "one"}],
        [{"kty": "RSA", "kid": "one", "n": "AQAB", "e": "AQAB"}],
        [{"kty": "RSA", "kid": "one"}],
        [{"kty": "new", "kid": "one"}],
        [{"kty": "EC", "crv": "P-256", "x": "!", "y": "?", "kid": "one"}],
    ],
)
def test_keys_that_sign_nothing(serve: Serve, keys: object) -> None:
    """A shared secret, a short key, or what is none at all, is passed over."""
    address = serve({})
    document = {"issuer": address, "jwks_uri": f"{address}/keys"}
    serve({"/.well-known/openid-configuration": document, "/keys": {"keys": keys}})

    with pytest.raises(CredentialRefused, match="does not have"):
        Client(address).key("one")


def test_issuer_that_goes_away() -> None:
    """Known keys hold for a day when the issuer cannot be asked; an unknown one is a trouble of the issuer's."""
    now = [0.0]
    with running_issuer() as issuer:
        client, token = Client(issuer.url, lambda: now[0]), issuer.job("a")
        verify(token, client, "a")
        unknown = Issuer(issuer.url, keys={"two": issuer.keys["one"]})

    now[0] = 7200.0
    assert verify(token, client, "a")
    with pytest.raises(IssuerUnreachable):
        verify(unknown.sign(unknown.claims("a"), "two"), client, "a")
    now[0] = 90_000.0
    with pytest.raises(IssuerUnreachable):
        verify(token, client, "a")


@pytest.mark.parametrize(
    ("url", "is_fine"),
    [
        ("https://gitlab.example.com", True),
        ("http://127.0.0.1:5", True),
        ("http://localhost", True),
        ("http://gitlab.example.com", False),
        ("http://127.0.0.1.evil.example", False),
        ("file:///etc", False),
        ("", False),
    ],
)
def test_trustworthy_addresses(url: str, is_fine: bool) -> None:
    """Only https, or this machine itself."""
    assert is_trustworthy(url) is is_fine
