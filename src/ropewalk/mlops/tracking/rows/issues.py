"""The protocol's rows for issues of quality."""

from __future__ import annotations

from ropewalk.mlops.tracking.evaluation import issues
from ropewalk.mlops.tracking.evaluation.issues import IssueChange, IssueOrigin
from ropewalk.mlops.tracking.rows.experiments import check_page_size
from ropewalk.mlops.tracking.rows.row import Row
from ropewalk.mlops.tracking.wire import answers
from ropewalk.mlops.tracking.wire import issues as ask
from ropewalk.mlops.tracking.wire.compat import NEW
from ropewalk.mlops.tracking.wire.pages import next_token, read_page
from ropewalk.pipeline import Workspace
from ropewalk.routes import Permission
from ropewalk.store.tracking.quality_issues import QualityIssue

DEFAULT_PAGE = 100
MOST = 1000


def _written(found: QualityIssue) -> ask.Issue:
    return ask.Issue(
        issue_id=found.id,
        experiment_id=str(found.experiment),
        name=found.name,
        description=found.description,
        status=found.status,
        severity=found.severity,
        root_causes=list(found.root_causes),
        source_run_id=found.source_run_id,
        created_timestamp=found.created_at,
        last_updated_timestamp=found.updated_at,
        created_by=found.created_by,
        categories=list(found.categories),
    )


def _create(workspace: Workspace, asked: ask.CreateIssue) -> ask.CreateIssueResponse:
    origin = IssueOrigin(
        answers.need(asked.experiment_id, "experiment_id"),
        asked.source_run_id or None,
        tuple(asked.root_causes),
        tuple(asked.categories),
        asked.created_by or None,
    )
    said = IssueChange(asked.name, asked.description, asked.status, asked.severity)
    return ask.CreateIssueResponse(_written(issues.create_issue(workspace, said, origin)))


def _get(workspace: Workspace, asked: ask.GetIssue) -> ask.GetIssueResponse:
    return ask.GetIssueResponse(
        _written(issues.get_issue(workspace, answers.need(asked.issue_id, "issue_id")))
    )


def _update(workspace: Workspace, asked: ask.UpdateIssue) -> ask.UpdateIssueResponse:
    change = IssueChange(asked.name, asked.description, asked.status, asked.severity)
    found = issues.update_issue(workspace, answers.need(asked.issue_id, "issue_id"), change)
    return ask.UpdateIssueResponse(_written(found))


def _search(workspace: Workspace, asked: ask.SearchIssues) -> ask.SearchIssuesResponse:
    limit = check_page_size(DEFAULT_PAGE if asked.max_results is None else asked.max_results, MOST)
    search = (asked.experiment_id, asked.filter_string)
    page = read_page(workspace, asked.page_token, limit, *search)
    found = issues.search_issues(workspace, asked.experiment_id, asked.filter_string, page)
    # The last page has an empty token here, and none elsewhere: clients of this route read it without asking.
    return ask.SearchIssuesResponse(
        [_written(one) for one in found[:limit]], next_token(workspace, page, len(found), *search) or ""
    )


_READ, _WRITE = Permission.READ, Permission.WRITE
_AT = "/mlflow/issues"
ROWS = (
    Row("POST", _AT, _WRITE, ask.CreateIssue, _create, api=NEW),
    Row("POST", f"{_AT}/search", _READ, ask.SearchIssues, _search, api=NEW),
    Row("GET", f"{_AT}/{{issue_id}}", _READ, ask.GetIssue, _get, api=NEW),
    Row("PATCH", f"{_AT}/{{issue_id}}", _WRITE, ask.UpdateIssue, _update, api=NEW),
)
