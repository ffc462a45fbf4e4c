"""Why somebody may not, and what can be wrong with people, tokens and issuers.

RopewalkError
├── InvalidInput
│   ├── Refused                RW181  the request did not come from a page or program that may ask
│   │   ├── ForeignHost        RW182  its Host header names another machine
│   │   └── ForeignOrigin      RW183  a page of another site sent it
│   ├── NotSignedIn            RW184  nothing was shown, and the route is not open to everybody
│   ├── CredentialRefused      RW185  a token, session or login that does not count (any more)
│   ├── NotAllowed             RW186  whoever asks is known, and has no right to this
│   └── InvalidAccess          RW187  a role, scope, name, lifetime or address that does not fit
├── NotFound
│   ├── UnknownPerson          RW283
│   └── UnknownToken           RW284
├── Conflict
│   ├── PersonExists           RW383  the name is taken
│   └── TooManyFailures        RW384  too many credentials from one address did not fit
├── Failed
│   └── UnguardedRoute         RW480  a route was handed over without a permission, or twice
└── Unavailable
    └── IssuerUnreachable      RW683  the issuer of identity tokens does not answer as it should
"""

from __future__ import annotations

from typing import ClassVar

from ropewalk.errors import Conflict, Failed, InvalidInput, NotFound, Unavailable


class Refused(InvalidInput):
    """The request did not come from a page or program that may ask."""

    code = "RW181"


class ForeignHost(Refused):
    """The Host header names a machine that this server does not answer for."""

    code = "RW182"


class ForeignOrigin(Refused):
    """A page of another site asked for a change."""

    code = "RW183"


class NotSignedIn(InvalidInput):
    """The route is not open to everybody, and nothing was shown that says who asks."""

    code = "RW184"
    # No `Basic`: a browser would ask for a password, which nobody has.
    headers: ClassVar[dict[str, str]] = {"www-authenticate": 'Bearer realm="ropewalk"'}


# No NotSignedIn: whoever shows something wrong is told so, and not led to the login.
class CredentialRefused(InvalidInput):
    """A token, a session or an identity token does not count, or not any more."""

    code = "RW185"
    headers: ClassVar[dict[str, str]] = {"www-authenticate": 'Bearer realm="ropewalk", error="invalid_token"'}


class NotAllowed(InvalidInput):
    """Whoever asks is known, and their role or the scopes of their token do not reach this far."""

    code = "RW186"


class InvalidAccess(InvalidInput):
    """A role, a scope, a name, a lifetime or an address to listen on does not fit."""

    code = "RW187"


class UnknownPerson(NotFound):
    """There is nobody of that name."""

    code = "RW283"


class UnknownToken(NotFound):
    """There is no token of that id, or it is revoked already."""

    code = "RW284"


class PersonExists(Conflict):
    """Somebody of that name is there already."""

    code = "RW383"


class TooManyFailures(Conflict):
    """Too many credentials that came from one address did not fit; it has to wait."""

    code = "RW384"
    headers: ClassVar[dict[str, str]] = {"retry-after": "60"}


class UnguardedRoute(Failed):
    """A route was handed over without a permission, or twice."""

    code = "RW480"


class IssuerUnreachable(Unavailable):
    """The issuer of identity tokens does not answer, or not as the standard says."""

    code = "RW683"
