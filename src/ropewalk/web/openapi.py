"""The OpenAPI document (3.1) of everything that is answered, drawn from the same rows that are mounted."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

import ropewalk
from ropewalk.routes import Permission, Route

ADDRESS = "/api/openapi.json"
_PARAMETER = re.compile(r"\{(\w+)(?::(\w+))?\}")
_SCHEMAS = "#/components/schemas/{name}"
_READING = frozenset({"GET", "HEAD"})


def openapi_route(rows: Iterable[Route]) -> Route:
    """Return the route that answers with the document about `rows`."""
    rows = list(rows)
    drawn: list[bytes] = []

    async def answer(_request: Request) -> Response:
        # Drawn at the first question: most servers are never asked.
        if not drawn:
            drawn.append(msgspec.json.encode(await run_in_threadpool(openapi_document, rows)))
        return Response(drawn[0], media_type="application/json")

    return Route("GET", ADDRESS, Permission.SELF, answer)


def openapi_document(rows: Iterable[Route]) -> dict[str, Any]:
    """Return the OpenAPI document of `rows`, with the permission that each needs as `x-permission`."""
    rows = list(rows)
    shapes = list(dict.fromkeys(row.asks for row in rows if row.asks))
    schemas, components = msgspec.json.schema_components(shapes, ref_template=_SCHEMAS)
    asks = dict(zip(shapes, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in rows:
        path = _PARAMETER.sub(r"{\1}", row.path)
        paths[path].setdefault(row.method.lower(), _operation(row, asks, components))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ropewalk", "version": ropewalk.__version__},
        "paths": dict(paths),
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic"},
            },
        },
        "security": [{"token": []}, {"password": []}],
    }


def _operation(row: Route, asks: dict[type, dict[str, Any]], components: dict[str, Any]) -> dict[str, Any]:
    names = [name for name, _ in _PARAMETER.findall(row.path)]
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in names
    ]
    found: dict[str, Any] = {
        "operationId": f"{row.method} {row.path}",
        "x-permission": row.permission.value,
        "responses": {
            "default": {"description": "The answer, or an error that says what is wrong and what to do next"}
        },
    }
    if row.permission is Permission.PUBLIC:
        found["security"] = []
    if row.asks and row.method in _READING:
        parameters += _query(asks[row.asks], components, set(names))
    elif row.asks:
        found["requestBody"] = {"content": {"application/json": {"schema": asks[row.asks]}}}
    if parameters:
        found["parameters"] = parameters
    return found


def _query(schema: dict[str, Any], components: dict[str, Any], taken: set[str]) -> list[dict[str, Any]]:
    name = schema.get("$ref", "").rpartition("/")[2]
    fields = components.get(name, schema).get("properties", {})
    required = components.get(name, schema).get("required", [])
    return [
        {"name": field, "in": "query", "required": field in required, "schema": kind}
        for field, kind in fields.items()
        if field not in taken
    ]
