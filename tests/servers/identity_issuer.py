"""An OpenID issuer for tests: discovery, keys, authorization code with PKCE, user info, and tokens of CI jobs.

It is strict where issuers differ in leniency: a client id, a redirect address, a state, a nonce and an S256 challenge must
be there, and a code counts once, for the verifier that fits its challenge.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

CLIENT, SECRET = "ropewalk", "issuer-secret"


@dataclass
class Issuer:
    """The issuer's state, which tests change: its keys, who is logged in, and what it was asked."""

    url: str = ""
    keys: dict[str, Any] = field(default_factory=dict)
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "7", "preferred_username": "ada"})
    about: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    override: dict[str, Any] = field(default_factory=dict)

    def add_key(self, identifier: str, kind: str = "RSA") -> None:
        """Make a key that the issuer signs with, and shows under its id."""
        if kind == "RSA":
            self.keys[identifier] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        else:
            self.keys[identifier] = ec.generate_private_key(ec.SECP256R1())

    def claims(self, audience: str, **more: Any) -> dict[str, Any]:
        """Return the claims of a token that counts now."""
        now = int(time.time())
        return {
            "iss": self.url,
            "aud": audience,
            "sub": "x",
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            **more,
        }

    def sign(self, claims: dict[str, Any], key: str = "one", **header: Any) -> str:
        """Return a token signed with one of the keys."""
        private = self.keys[key]
        algorithm = "RS256" if isinstance(private, rsa.RSAPrivateKey) else "ES256"
        return jwt.encode(claims, private, algorithm, headers={"kid": key, **header})

    def job(self, audience: str, **claims: Any) -> str:
        """Return the token of a GitLab job on a protected branch."""
        about = {
            "sub": "project_path:acme/flights:ref_type:branch:ref:main",
            "project_path": "acme/flights",
            "project_id": "42",
            "ref": "main",
            "ref_protected": "true",
            "job_id": "1001",
            **claims,
        }
        return self.sign(self.claims(audience, **about))

    def jwks(self) -> list[dict[str, Any]]:
        """Return the public halves of the keys."""
        found = []
        for identifier, key in self.keys.items():
            kind = (
                jwt.algorithms.RSAAlgorithm
                if isinstance(key, rsa.RSAPrivateKey)
                else jwt.algorithms.ECAlgorithm
            )
            public = kind.to_jwk(key.public_key(), as_dict=True)
            found.append({**public, "kid": identifier, "use": "sig"})
        return found

    def authorize(self, query: dict[str, str]) -> str:
        """Return where the browser is sent back to, after its person agreed."""
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        assert query["redirect_uri"].endswith("/login/callback")
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return (
            f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state'], 'iss': self.url})}"
        )

    def exchange(self, form: dict[str, str]) -> dict[str, Any] | None:
        """Return the tokens for a code, once; None when anything does not fit."""
        asked = self.codes.pop(form.get("code", ""), None)
        digest = sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            asked is None
            or asked["code_challenge"] != challenge
            or form.get("client_secret") != SECRET
            or form.get("redirect_uri") != asked["redirect_uri"]
            or form.get("grant_type") != "authorization_code"
        ):
            return None
        claims = self.claims(CLIENT, **self.person, nonce=asked["nonce"]) | self.override
        return {"access_token": "about-me", "token_type": "Bearer", "id_token": self.sign(claims)}


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """Serve an issuer with one key, called `one`, on a free loopback port."""
    issuer = Issuer()
    issuer.add_key("one")

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, query = _split(self.path)
            issuer.asked.append(path)
            if path == "/authorize":
                self.send_response(302)
                self.send_header("location", issuer.authorize(query))
                self.send_header("content-length", "0")
                self.end_headers()
                return
            self._reply(_documents(issuer).get(path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            issuer.asked.append(self.path)
            self._reply(issuer.exchange(_split(f"?{body}")[1]))

        def _reply(self, content: object | None) -> None:
            body = json.dumps(content).encode()
            self.send_response(200 if content is not None else 400)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    issuer.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _documents(issuer: Issuer) -> dict[str, object]:
    return {
        "/.well-known/openid-configuration": {
            "issuer": issuer.url,
            "jwks_uri": f"{issuer.url}/keys",
            "authorization_endpoint": f"{issuer.url}/authorize",
            "token_endpoint": f"{issuer.url}/token",
            "userinfo_endpoint": f"{issuer.url}/userinfo",
        },
        "/keys": {"keys": issuer.jwks()},
        "/userinfo": {"sub": issuer.person["sub"], **issuer.about},
    }


def _split(address: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(address)
    return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}
