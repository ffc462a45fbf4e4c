"""Issues of quality: faults of an application, with a state and a severity."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from ropewalk.errors import nearest
from ropewalk.mlops.tracking import limits
from ropewalk.mlops.tracking.errors import InvalidRequest, UnknownIssue
from ropewalk.mlops.tracking.experiments import require_active_experiment
from ropewalk.mlops.tracking.filter import ISSUES, parse_filter
from ropewalk.pipeline import Workspace
from ropewalk.store import Connection, now_ms
from ropewalk.store.search import Condition, Page
from ropewalk.store.tracking import quality_issues as table
from ropewalk.store.tracking.quality_issues import QualityIssue

STATUSES = ("pending", "rejected", "resolved")
# From the least to the worst, which is the order in which searches count.
SEVERITIES = ("not_an_issue", "low", "medium", "high")
NAME = 250
DESCRIPTION = 50_000


@dataclass(frozen=True)
class IssueChange:
    """What is said of an issue; None leaves it as it is."""

    name: str | None = None
    description: str | None = None
    status: str | None = None
    severity: str | None = None


@dataclass(frozen=True)
class IssueOrigin:
    """Where an issue comes from: the experiment, who found it in which run, and why it is there."""

    experiment: str
    source_run_id: str | None = None
    root_causes: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    created_by: str | None = None


def create_issue(workspace: Workspace, said: IssueChange, origin: IssueOrigin) -> QualityIssue:
    """Keep an issue, pending unless said otherwise, and return it.

    Raises:
        InvalidRequest: the name or description is missing or too long, or the status or severity is none.
        UnknownExperiment: there is no such experiment.
        NotActive: it is deleted.
    """
    _check(said)
    now = now_ms()
    with workspace.database.write() as connection:
        require_active_experiment(connection, origin.experiment)
        made = QualityIssue(
            id=f"iss-{uuid.uuid4().hex}",
            experiment=int(origin.experiment),
            name=said.name or "",
            description=said.description or "",
            status=said.status or STATUSES[0],
            severity=said.severity,
            rank=_rank(said.severity),
            root_causes=origin.root_causes,
            categories=origin.categories,
            source_run_id=origin.source_run_id,
            created_at=now,
            updated_at=now,
            created_by=origin.created_by,
        )
        table.insert_issue(connection, made)
    return made


def _check(said: IssueChange) -> None:
    limits.check_length("Issue name", said.name or "", NAME)
    limits.check_length("Issue description", said.description or "", DESCRIPTION)
    for what, value, words in (("status", said.status, STATUSES), ("severity", said.severity, SEVERITIES)):
        if value is not None and value not in words:
            raise InvalidRequest(
                f"Invalid value '{value[:50]}' for parameter '{what}' supplied: It must be one of {', '.join(words)}",
                nearest=nearest(value[:50], words),
            )


def _rank(severity: str | None) -> int:
    return -1 if severity is None else SEVERITIES.index(severity)


def get_issue(workspace: Workspace, identifier: str) -> QualityIssue:
    """Return an issue.

    Raises:
        UnknownIssue: there is none of that id.
    """
    with workspace.database.read() as connection:
        return _require(connection, identifier)


def _require(connection: Connection, identifier: str) -> QualityIssue:
    found = table.find_issue(connection, identifier)
    if found is None:
        raise UnknownIssue(f"Issue with ID '{identifier[:100]}' not found")
    return found


def update_issue(workspace: Workspace, identifier: str, change: IssueChange) -> QualityIssue:
    """Change what is said of an issue and return it.

    Raises:
        UnknownIssue: there is none of that id.
        InvalidRequest: a text is too long, or the status or severity is none.
    """
    _check(change)
    with workspace.database.write() as connection:
        before = _require(connection, identifier)
        severity = change.severity or before.severity
        changed = replace(
            before,
            name=change.name or before.name,
            description=change.description or before.description,
            status=change.status or before.status,
            severity=severity,
            rank=_rank(severity),
            updated_at=now_ms(),
        )
        table.change_issue(connection, changed)
    return changed


def search_issues(
    workspace: Workspace, experiment: str | None, filter_text: str | None, page: Page
) -> list[QualityIssue]:
    """Return one page of the issues of an experiment (None: of all) that a filter finds, the most severe first.

    Raises:
        InvalidFilter: the filter does not parse, or names what cannot be searched.
    """
    conditions = parse_filter(filter_text, ISSUES)
    if experiment:
        conditions.append(Condition("attribute", "experiment_id", "IN", (experiment,)))
    with workspace.database.read() as connection:
        return table.search_issues(connection, conditions, page)
