"""The route of GraphQL, by POST or GET; it reads and never writes."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ropewalk.mlops.tracking.rows.row import translated
from ropewalk.mlops.tracking.wire import compat
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission, Route

# The query's own bound with room for its variables.
BODY_BYTES = 1_000_000


class AskGraphQL(Struct, rename="camel"):
    """A query with its variables."""

    query: str = ""
    variables: dict[str, Any] | None = None
    operation_name: str | None = None


def graphql_routes(workspace: Workspace) -> list[Route]:
    """Return `/graphql`."""

    async def answer(request: Request) -> Response:
        asked = await _read(request)
        if not asked.query:
            raise compat.missing("query")
        # The library loads with the first query; most servers never get one.
        from ropewalk.mlops.tracking.graphql.answers import answer_query

        found = await run_in_threadpool(
            answer_query, workspace, asked.query, asked.variables, asked.operation_name
        )
        return Response(msgspec.json.encode(found), media_type="application/json")

    return [Route(method, "/graphql", Permission.READ, translated(answer)) for method in ("GET", "POST")]


async def _read(request: Request) -> AskGraphQL:
    if request.method == "POST":
        return compat.decode(await compat.read_body(request, BODY_BYTES), AskGraphQL)
    query = request.query_params
    values: dict[str, object] = {name: query[name] for name in ("query", "operationName") if name in query}
    if text := query.get("variables"):
        values["variables"] = compat.parsed(text.encode())
    return compat.convert(values, AskGraphQL)
