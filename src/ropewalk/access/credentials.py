"""What a request shows to say who asks: a token in one of the usual headers, or the cookie of a session."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from starlette.requests import Request

from ropewalk.access.errors import CredentialRefused

COOKIE = "ropewalk_session"
# With this prefix browsers take it from nobody but this host, by https, and for all paths.
SECURE_COOKIE = f"__Host-{COOKIE}"
# The identity token of a CI job has some 2,000 characters.
LONGEST = 16_384


@dataclass(frozen=True)
class Shown:
    """A credential, unchecked: its text, and whether it came as a cookie."""

    text: str
    is_cookie: bool = False

    def __repr__(self) -> str:
        """The kind alone: what it says must not get into a log."""
        return f"Shown(is_cookie={self.is_cookie})"


def read_credential(request: Request) -> Shown | None:
    """Return what the request shows, or None; a header counts before a cookie, which is sent without being meant.

    Raises:
        CredentialRefused: it is longer than any could be, or not in a form that is known.
    """
    given = request.headers.get("authorization")
    # GitLab's own two headers, which its CI and its users know.
    text = (
        _of_header(given)
        if given
        else request.headers.get("private-token") or request.headers.get("job-token")
    )
    if text:
        if len(text) > LONGEST:
            raise CredentialRefused(f"a credential has at most {LONGEST} characters")
        return Shown(text)
    cookie = session_cookie(request)
    return Shown(cookie, is_cookie=True) if cookie and len(cookie) <= LONGEST else None


def session_cookie(request: Request) -> str | None:
    """Return the secret of the browser's session, if it sends one."""
    return request.cookies.get(SECURE_COOKIE) or request.cookies.get(COOKIE)


def _of_header(given: str) -> str:
    if len(given) > LONGEST + 100:
        raise CredentialRefused(f"a credential has at most {LONGEST} characters")
    scheme, _, rest = given.strip().partition(" ")
    if scheme.lower() == "bearer" and rest.strip():
        return rest.strip()
    if scheme.lower() == "basic":
        return _password(rest.strip())
    raise CredentialRefused(
        "the Authorization header has no form that is known here",
        hint="send `Bearer TOKEN`, or a user and a token as the password",
    )


def _password(encoded: str) -> str:
    """Return the password of `user:password` in base64: a token; whose it is, it says itself."""
    try:
        text = base64.b64decode(encoded, validate=True).decode("utf-8")
    except ValueError:
        # Also of letters that no base64 has: a header may hold any byte.
        raise CredentialRefused("the Authorization header is not base64 of user:password") from None
    _, colon, password = text.partition(":")
    if not colon or not password:
        raise CredentialRefused("a user came without a password", hint="the password is a token")
    return password
