"""Credentials of a web API: added to each request, renewed when they run out, shown nowhere."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

HIDDEN = "***"
# A token is renewed a little before it runs out, as a request takes its time too.
MARGIN_S = 10.0


@dataclass(frozen=True)
class Credentials:
    """What is added to a request: headers, query parameters."""

    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)


class Authorizer(Protocol):
    """A way of proving who asks."""

    def credentials(self) -> Credentials:
        """Return what to add to a request; it may ask for a token first."""

    def renew(self) -> bool:
        """Forget what was refused; return whether asking again may help."""

    def conceal(self, text: str) -> str:
        """Return `text`, which the API wrote, with every secret in it replaced."""


@dataclass(frozen=True)
class FixedAuth:
    """Credentials that stay as they are: a token, a key, a user with a password."""

    given: Credentials = Credentials()
    secrets: tuple[str, ...] = ()

    def credentials(self) -> Credentials:
        """Return them."""
        return self.given

    def renew(self) -> bool:
        """Return False: there are no others."""
        return False

    def conceal(self, text: str) -> str:
        """Replace them."""
        return conceal(text, self.secrets)


NO_AUTH = FixedAuth()


def bearer(token: str) -> FixedAuth:
    """Return the authorizer for `Authorization: Bearer TOKEN`."""
    return FixedAuth(Credentials({"Authorization": f"Bearer {token}"}), (token,))


def basic(username: str, password: str) -> FixedAuth:
    """Return the authorizer for HTTP's basic authentication (RFC 7617)."""
    packed = base64.b64encode(f"{username}:{password}".encode()).decode()
    return FixedAuth(Credentials({"Authorization": f"Basic {packed}"}), (password, packed))


def api_key(name: str, key: str, location: str) -> FixedAuth:
    """Return the authorizer for a key in a header, a query parameter or a cookie of that name."""
    match location:
        case "query":
            given = Credentials(params={name: key})
        case "cookie":
            given = Credentials({"Cookie": f"{name}={key}"})
        case _:
            given = Credentials({name: key})
    return FixedAuth(given, (key,))


@dataclass(frozen=True)
class Token:
    """An access token and the time (`time.monotonic`) from which it is too old."""

    text: str
    until: float


# One token for all resources of a source, and for the plan and the run after it. In memory only.
_tokens: dict[str, Token] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class ClientCredentials:
    """OAuth 2's client credentials grant (RFC 6749, section 4.4).

    Attributes:
        request: asks the token's address with the form's fields and returns the answer's JSON.
        form: the fields, the client's id and secret among them.
        lifetime: seconds a token lives that does not say so itself.
        address: where tokens come from, so that equal clients of two servers are told apart.
    """

    request: Callable[[Mapping[str, str]], Mapping[str, object]]
    form: Mapping[str, str]
    lifetime: float
    address: str

    def credentials(self) -> Credentials:
        """Return the token that is good now, asking for one if there is none.

        Raises:
            RopewalkError: whatever `request` raises.
        """
        with _lock:
            token = _tokens.get(self._key)
            if token is None or token.until <= time.monotonic():
                token = _tokens[self._key] = self._ask()
        return Credentials({"Authorization": f"Bearer {token.text}"})

    def renew(self) -> bool:
        """Forget the token, so that the next request asks for a new one."""
        with _lock:
            return _tokens.pop(self._key, None) is not None

    def conceal(self, text: str) -> str:
        """Replace the token and the client's secret."""
        token = _tokens.get(self._key)
        return conceal(text, (self.form["client_secret"], token.text if token else ""))

    @property
    def _key(self) -> str:
        told = json.dumps([self.address, dict(self.form)], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()

    def _ask(self) -> Token:
        answer = self.request(self.form)
        lifetime = answer.get("expires_in")
        # Some servers write the number as text.
        seconds = float(lifetime) if str(lifetime).isdecimal() else self.lifetime  # type: ignore[arg-type]  # checked
        return Token(str(answer["access_token"]), time.monotonic() + seconds - MARGIN_S)


def conceal(text: str, secrets: tuple[str, ...]) -> str:
    """Return `text` with each of `secrets` replaced."""
    # Longer ones first, as one may hold another.
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN) if secret else text
    return text
