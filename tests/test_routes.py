"""Routes as values: a method, a path, a permission, an endpoint."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
from starlette.requests import Request
from starlette.responses import Response

from ropewalk.routes import Permission, Route


async def answer(request: Request) -> Response:
    return Response()


def test_route_is_a_value() -> None:
    """Rows can be compared and never change."""
    route = Route("GET", "/x", Permission.READ, answer)

    assert route == Route("GET", "/x", Permission.READ, answer)
    with pytest.raises(FrozenInstanceError):
        route.path = "/y"  # type: ignore[misc]


def test_permission_is_required() -> None:
    """A row without a permission cannot be written."""
    with pytest.raises(TypeError, match="positional argument"):
        Route("GET", "/x", answer)  # type: ignore[call-arg, arg-type]


def test_permissions() -> None:
    """The permissions of the product, as the API reference names them."""
    named = ["read", "write", "delete", "manage", "predict", "personal", "administer", "self", "public"]
    assert [p.value for p in Permission] == named
