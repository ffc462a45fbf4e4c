"""SQL: one read-only query over the environment's tables, its result, and what can be asked."""

from __future__ import annotations

from dataclasses import dataclass

from ropewalk.dataops.lake import TableInfo, list_environment_tables, query_environment
from ropewalk.dataops.privacy import project_masks
from ropewalk.errors import RopewalkError
from ropewalk.web.errors import status_of
from ropewalk.web.grid import Grid, GridColumn, make_grid
from ropewalk.web.page import Visit

LIMIT = 1_000
MOST = 100_000


@dataclass(frozen=True)
class QueryProblem:
    """Why a query was not answered, with what helps to mend it."""

    code: str
    message: str
    place: str | None
    nearest: str | None
    hint: str | None
    detail: str | None


@dataclass(frozen=True)
class SchemaTable:
    """A table that can be asked for."""

    name: str
    rows: int
    columns: tuple[GridColumn, ...]


@dataclass(frozen=True)
class SQLPage:
    """A query and its answer.

    Attributes:
        query: the text of the query; empty when none was asked.
        limit: the most rows that are given.
        result: the rows found.
        is_cut: whether there are more.
        problem: why there is no result.
        status: the HTTP status that says the same.
        tables: what can be asked.
    """

    query: str
    limit: int
    result: Grid | None = None
    is_cut: bool = False
    problem: QueryProblem | None = None
    status: int = 200
    tables: tuple[SchemaTable, ...] = ()


def sql_page(visit: Visit) -> SQLPage:
    """Return the answer to `q`, at most `limit` rows of it; what is wrong with the query is part of the answer.

    Raises:
        InvalidQuery: the limit is not a number.
    """
    query, limit = visit.query.get("q", "").strip(), visit.number("limit", LIMIT, MOST)
    tables = tuple(map(_table, list_environment_tables(visit.workspace)))
    if not query:
        return SQLPage(query, limit, tables=tables)
    try:
        found = query_environment(visit.workspace, query, limit, masks=project_masks(visit.workspace))
    except RopewalkError as error:
        # A wrong query is this page's daily business: it stays in its field, with the reason beside it.
        return SQLPage(query, limit, problem=problem_of(error), status=status_of(error), tables=tables)
    grid = make_grid(((column.name, column.type) for column in found.columns), found.rows)
    return SQLPage(query, limit, grid, not found.is_complete, tables=tables)


def sql_result(visit: Visit) -> Grid:
    """Return the rows of `q` alone, for a download.

    Raises:
        RopewalkError: the query cannot be answered.
    """
    limit = visit.number("limit", MOST, MOST)
    masks = project_masks(visit.workspace)
    found = query_environment(visit.workspace, visit.query.get("q", ""), limit, masks=masks)
    return make_grid(((column.name, column.type) for column in found.columns), found.rows)


def _table(info: TableInfo) -> SchemaTable:
    columns = tuple(GridColumn(column.name, column.type) for column in info.columns)
    return SchemaTable(f"{info.schema}.{info.name}", info.rows, columns)


def problem_of(error: RopewalkError) -> QueryProblem:
    """Return what a page shows of an error that is part of its answer."""
    place = str(error.place) if error.place else None
    return QueryProblem(error.code, error.message, place, error.nearest, error.hint, error.detail)
