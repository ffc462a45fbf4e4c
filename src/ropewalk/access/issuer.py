"""An issuer of identity tokens: its discovery document and its keys, fetched once and again when they change.

Formats: OpenID Connect Discovery 1.0 and RFC 7517 (JSON Web Key).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ropewalk.access.boundary import LOOPBACK
from ropewalk.access.errors import CredentialRefused, IssuerUnreachable
from ropewalk.access.rules import is_trustworthy

if TYPE_CHECKING:
    import jwt

TIMEOUT_S = 5.0
MOST_BYTES = 1 << 19
# Keys are changed some times a year; one that is withdrawn counts this long at most.
FRESH_S = 3600.0
# An issuer that is away for some hours stops no training.
STALE_S = 86_400.0
# Whoever sends tokens with made-up key ids must not make us ask the issuer each time.
RETRY_S = 60.0
MOST_KEYS = 100


class Issuer:
    """One issuer, its addresses and its keys by id."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.url = url
        self._clock = clock
        self._lock = threading.Lock()
        self._document: dict[str, Any] = {}
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched = self._tried = float("-inf")
        self._trouble: IssuerUnreachable | None = None

    def address(self, name: str) -> str:
        """Return one of the issuer's addresses, such as `token_endpoint`.

        Raises:
            IssuerUnreachable: it cannot be asked, or has none.
        """
        with self._lock:
            found = self._discovered().get(name)
        if not isinstance(found, str) or not is_trustworthy(found):
            raise IssuerUnreachable(f"{self.url} names no {name} that begins with https://")
        return found

    def key(self, identifier: str) -> jwt.PyJWK:
        """Return the issuer's key of that id, asking for the keys again when it is new.

        Raises:
            CredentialRefused: the issuer has no such key.
            IssuerUnreachable: it does not answer.
        """
        with self._lock:
            now = self._clock()
            is_due = now - self._fetched > FRESH_S or identifier not in self._keys
            if is_due and now - self._tried > RETRY_S:
                self._tried = now
                self._renew()
            found = self._keys.get(identifier) if now - self._fetched < STALE_S else None
            trouble = self._trouble
        if found is None:
            raise trouble or CredentialRefused(
                "the identity token is signed with a key that its issuer does not have"
            )
        return found

    def _renew(self) -> None:
        """Ask for the keys; when the issuer is away, those that are known hold for a while."""
        try:
            self._fetch_keys()
            self._trouble = None
        except IssuerUnreachable as error:
            self._trouble = error

    def _discovered(self) -> dict[str, Any]:
        if not self._document:
            document = fetch_json(f"{self.url.rstrip('/')}/.well-known/openid-configuration")
            # Else one issuer could speak for another.
            if document.get("issuer") != self.url:
                raise IssuerUnreachable(f"{self.url} says that it is another issuer")
            self._document = document
        return self._document

    def _fetch_keys(self) -> None:
        address = self._discovered().get("jwks_uri")
        if not isinstance(address, str) or not is_trustworthy(address):
            raise IssuerUnreachable(f"{self.url} names no jwks_uri that begins with https://")
        given = fetch_json(address).get("keys")
        # All of them anew: one that the issuer withdrew must not count any longer.
        self._keys = _read_keys(given if isinstance(given, list) else [])
        self._fetched = self._clock()


def _read_keys(given: list[Any]) -> dict[str, jwt.PyJWK]:
    import jwt

    found: dict[str, jwt.PyJWK] = {}
    for item in given[:MOST_KEYS]:
        # A shared secret among public keys would let anybody sign; keys for encryption sign nothing.
        if not isinstance(item, dict) or item.get("kty") == "oct" or item.get("use", "sig") != "sig":
            continue
        try:
            key = jwt.PyJWK(item)
        except (jwt.PyJWTError, ValueError, TypeError):
            # A kind of key from after our time: others may be fine.
            continue
        if isinstance(item.get("kid"), str) and getattr(key.key, "key_size", 2048) >= _least_bits(item):
            found[item["kid"]] = key
    return found


def _least_bits(item: Mapping[str, object]) -> int:
    return 2048 if item.get("kty") == "RSA" else 0


def fetch_json(
    url: str, *, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the JSON object at `url`, or what it answers to `form`; no redirect is followed.

    Raises:
        IssuerUnreachable: it does not answer in time, with an error, too much, or no object.
    """
    import httpx

    method = "POST" if form is not None else "GET"
    body = bytearray()
    # A proxy is for the world outside of this machine.
    is_outside = httpx.URL(url).host not in LOOPBACK
    try:
        with (
            httpx.Client(timeout=TIMEOUT_S, trust_env=is_outside) as client,
            client.stream(
                method, url, data=form, headers={"accept": "application/json", **(headers or {})}
            ) as answer,
        ):
            for block in answer.iter_bytes():
                body += block
                if len(body) > MOST_BYTES:
                    raise IssuerUnreachable(f"{_place(url)} answers with more than {MOST_BYTES} bytes")
            status = answer.status_code
    except httpx.HTTPError as error:
        raise IssuerUnreachable(f"{_place(url)} does not answer: {type(error).__name__}") from error
    if status != 200:
        raise IssuerUnreachable(f"{_place(url)} answers {status}")
    return _object(bytes(body), url)


def _object(body: bytes, url: str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise IssuerUnreachable(f"{_place(url)} does not answer with a JSON object")
    return found


def _place(url: str) -> str:
    """Return an address without its query, which may hold what is secret."""
    return url.partition("?")[0]
