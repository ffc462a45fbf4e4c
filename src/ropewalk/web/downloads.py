"""Downloads: the rows of a query as CSV."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission, Route
from ropewalk.web.grid import as_csv
from ropewalk.web.page import Visit
from ropewalk.web.views.sql import sql_result


def csv_route(workspace: Workspace) -> Route:
    """Return the route that answers a query with CSV; an error in the query is an error of the request."""

    async def answer(request: Request) -> Response:
        visit = Visit(workspace, request.path_params, request.query_params)
        text = await run_in_threadpool(lambda: as_csv(sql_result(visit)))
        # A file to save, never a page: its text is data.
        headers = {"content-disposition": 'attachment; filename="result.csv"'}
        return Response(text, headers=headers, media_type="text/csv")

    return Route("GET", "/sql.csv", Permission.READ, answer)
