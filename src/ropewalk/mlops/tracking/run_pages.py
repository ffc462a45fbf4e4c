"""Pages of found runs for programs: each answer has the token of the next page and the true number of all."""

from __future__ import annotations

from dataclasses import replace

from ropewalk.mlops.tracking.finding import FoundRuns, RunQuery, find_runs
from ropewalk.mlops.tracking.wire.pages import next_token, read_page
from ropewalk.pipeline import Workspace


def page_of_runs(workspace: Workspace, query: RunQuery, token: str | None) -> tuple[FoundRuns, str | None]:
    """Return the page of the runs that `token` (None: the first) asks for, and the token of the next one.

    Raises:
        InvalidRequest: the token is none, or is another search's.
        InvalidFilter, UnknownExperiment, TooManyRuns: as `find_runs` says.
    """
    search = (query.experiments, query.filter, query.order_by, query.view, query.with_archived)
    page = read_page(workspace, token, query.limit, *search)
    found = find_runs(workspace, replace(query, limit=page.limit, offset=page.offset, page=page))
    following = next_token(workspace, page, len(found.runs), *search)
    # One more than asked for was read, to see whether more follow.
    return replace(found, runs=found.runs[: query.limit], values=found.values[: query.limit]), following
