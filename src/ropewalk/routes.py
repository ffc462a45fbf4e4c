"""One row per HTTP route: method, path, permission and endpoint.

Rooms that answer HTTP (tracking, serving, pages) hand over rows; `access.mount` turns them into one application and
refuses a row without a permission, so that no route can be left open by accident.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    # Permissions are read by commands too, which do not wait for a web framework.
    from starlette.requests import Request
    from starlette.responses import Response

    from ropewalk.errors import RopewalkError

Endpoint: TypeAlias = "Callable[[Request], Awaitable[Response]]"


class Permission(Enum):
    """What a caller must be allowed to do; the strings appear in the API reference and as scopes of tokens."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"
    MANAGE = "manage"
    PREDICT = "predict"
    PERSONAL = "personal"
    ADMINISTER = "administer"
    SELF = "self"
    PUBLIC = "public"


@dataclass(frozen=True)
class Route:
    """One method on one path (Starlette's path syntax), what it needs and who answers.

    Attributes:
        asks: the struct that the request is read into, where there is one; the OpenAPI document shows it.
        refuse: how an error before the endpoint is told, where the route has a form of its own for errors.
        is_audited: whether each request is written down, also one that needs no more than writing.
    """

    method: str
    path: str
    permission: Permission
    endpoint: Endpoint
    asks: type | None = field(default=None, kw_only=True)
    refuse: Callable[[RopewalkError], Response] | None = field(default=None, kw_only=True)
    is_audited: bool = field(default=False, kw_only=True)
