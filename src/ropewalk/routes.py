"""One row per HTTP route: method, path, permission and endpoint.

Rooms that answer HTTP (tracking, serving, pages) hand over rows; `web` turns them into one application and
refuses a row without a permission, so that no route can be left open by accident.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from starlette.requests import Request
from starlette.responses import Response

Endpoint = Callable[[Request], Awaitable[Response]]


class Permission(Enum):
    """What a caller must be allowed to do; the strings appear in the API reference."""

    READ = "read"
    WRITE = "write"
    PREDICT = "predict"
    ADMINISTER = "administer"
    PUBLIC = "public"


@dataclass(frozen=True)
class Route:
    """One method on one path (Starlette's path syntax), what it needs and who answers."""

    method: str
    path: str
    permission: Permission
    endpoint: Endpoint
