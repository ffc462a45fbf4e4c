"""Who may ask: people, roles, tokens, logins, the gate in front of every route, and the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.access.boundary import LOOPBACK, Guard, allowed_hosts, host_name
    from ropewalk.access.credentials import session_cookie
    from ropewalk.access.errors import (
        CredentialRefused,
        ForeignHost,
        ForeignOrigin,
        InvalidAccess,
        IssuerUnreachable,
        NotAllowed,
        NotSignedIn,
        PersonExists,
        Refused,
        TooManyFailures,
        UnguardedRoute,
        UnknownPerson,
        UnknownToken,
    )
    from ropewalk.access.gate import PROJECT, Gate, address_of, check_exposure, mount
    from ropewalk.access.login import Login, declared_login, safe_target
    from ropewalk.access.people import add_person, drop_person, get_person, give_role
    from ropewalk.access.roles import (
        GRANTS,
        Caller,
        Role,
        allows,
        current_caller,
        enter,
        read_role,
        read_scopes,
        sees_personal,
    )
    from ropewalk.access.sessions import (
        begin_session,
        drop_cookie,
        end_session,
        is_secure,
        set_cookie,
        write_login,
    )
    from ropewalk.access.tokens import TokenRequest, create_token, end_token, step_token, token_caller

__all__ = [
    "GRANTS",
    "LOOPBACK",
    "PROJECT",
    "Caller",
    "CredentialRefused",
    "ForeignHost",
    "ForeignOrigin",
    "Gate",
    "Guard",
    "InvalidAccess",
    "IssuerUnreachable",
    "Login",
    "NotAllowed",
    "NotSignedIn",
    "PersonExists",
    "Refused",
    "Role",
    "TokenRequest",
    "TooManyFailures",
    "UnguardedRoute",
    "UnknownPerson",
    "UnknownToken",
    "add_person",
    "address_of",
    "allowed_hosts",
    "allows",
    "begin_session",
    "check_exposure",
    "create_token",
    "current_caller",
    "declared_login",
    "drop_cookie",
    "drop_person",
    "end_session",
    "end_token",
    "enter",
    "get_person",
    "give_role",
    "host_name",
    "is_secure",
    "mount",
    "read_role",
    "read_scopes",
    "safe_target",
    "sees_personal",
    "session_cookie",
    "set_cookie",
    "step_token",
    "token_caller",
    "write_login",
]

__getattr__ = lazy_names(__name__, __file__)
