"""Identity tokens (JSON Web Tokens, RFC 7519) of people and CI jobs, held against their issuers' keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ropewalk.access.errors import CredentialRefused
from ropewalk.access.issuer import Issuer
from ropewalk.access.roles import GRANTS, Caller, Role
from ropewalk.access.rules import JobIssuer, role_by
from ropewalk.routes import Permission

# By kind of key, so that no token chooses how it is checked: neither `none` nor a shared secret is among them.
ALGORITHMS = {
    "RSA": frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    "EC": frozenset({"ES256", "ES384", "ES512"}),
    "OKP": frozenset({"EdDSA"}),
}
# Clocks of two machines differ by seconds.
LEEWAY_S = 30
LONGEST = 8192
_REQUIRED = ["iss", "aud", "exp", "iat", "sub"]
# A job runs what its branch says, so it never manages people.
_JOB_SCOPES = GRANTS[Role.MAINTAINER] - {Permission.PERSONAL}


def looks_like_identity(text: str) -> bool:
    """Return whether `text` has the form of an identity token, without believing anything in it."""
    return text.startswith("ey") and text.count(".") == 2


def verify(text: str, issuer: Issuer, audience: str) -> dict[str, Any]:
    """Return the claims of an identity token that `issuer` made for `audience`.

    Raises:
        CredentialRefused: it did not, or the token is over, not yet begun, or in a form that is not taken.
        IssuerUnreachable: the issuer's keys cannot be had.
    """
    import jwt

    algorithm, key_id = _header(text)
    key = issuer.key(key_id)
    if algorithm not in ALGORITHMS.get(key.key_type or "", frozenset()):
        raise CredentialRefused(
            f"an identity token cannot be signed by {algorithm!r} with the key that it names"
        )
    try:
        claims: dict[str, Any] = jwt.decode(
            text,
            key=key.key,
            algorithms=[algorithm],
            audience=audience,
            issuer=issuer.url,
            leeway=LEEWAY_S,
            options={"require": _REQUIRED},
        )
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise CredentialRefused(f"the identity token does not count: {_reason(error)}") from error
    return claims


def _reason(error: Exception) -> str:
    """Return why, in our words: the library's sentences may quote what the token says."""
    reasons = {
        "ExpiredSignatureError": "it is over",
        "ImmatureSignatureError": "it has not begun",
        "InvalidAudienceError": "it was made for another audience",
        "InvalidIssuerError": "it is of another issuer",
        "InvalidSignatureError": "its signature is wrong",
        "MissingRequiredClaimError": f"it lacks one of {', '.join(_REQUIRED)}",
    }
    return reasons.get(type(error).__name__, "it is not well-formed")


def _header(text: str) -> tuple[str, str]:
    import jwt

    if len(text) > LONGEST:
        raise CredentialRefused(f"an identity token has at most {LONGEST} characters")
    try:
        header = jwt.get_unverified_header(text)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise CredentialRefused("this is no identity token") from error
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not any(algorithm in known for known in ALGORITHMS.values()) or not isinstance(key_id, str):
        raise CredentialRefused(
            "the identity token is signed in a way that is not taken",
            hint="it needs a `kid`, and one of RS, PS, ES",
        )
    return str(algorithm), key_id


class Jobs:
    """The CI jobs that may ask, by the rules of the access file."""

    def __init__(self, declared: Iterable[JobIssuer]) -> None:
        self._declared = [(one, Issuer(one.issuer)) for one in declared]

    def caller(self, text: str) -> Caller:
        """Return which job shows the identity token `text`, and what it is here.

        Raises:
            CredentialRefused: it does not count.
            IssuerUnreachable: its issuer's keys cannot be had.
        """
        claimed = _claimed_issuer(text)
        # An issuer may be declared for several audiences.
        fitting = [(one, issuer) for one, issuer in self._declared if one.issuer == claimed]
        if not fitting:
            raise CredentialRefused(
                "the identity token is of an issuer that is not trusted here",
                hint="`jobs` in the access file (ROPEWALK_ACCESS_FILE) names those that are",
            )
        refused: CredentialRefused | None = None
        for declared, issuer in fitting:
            try:
                claims = verify(text, issuer, declared.audience)
            except CredentialRefused as error:
                refused = error
                continue
            return _job(claims, role_by(declared.rules, claims))
        raise refused or CredentialRefused("the identity token does not count")


def _job(claims: dict[str, Any], role: Role | None) -> Caller:
    whose = claims.get("project_path") or claims.get("repository") or claims.get("sub")
    number = claims.get("job_id") or claims.get("run_id") or claims.get("jti") or ""
    return Caller(f"ci:{whose}#{number}"[:200], "ci", role, _JOB_SCOPES)


def _claimed_issuer(text: str) -> str:
    """Return who the token says made it; believed only as a name to look up among the trusted."""
    import jwt

    _header(text)
    try:
        claims = jwt.decode(text, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise CredentialRefused("this is no identity token") from error
    return str(claims.get("iss", ""))
