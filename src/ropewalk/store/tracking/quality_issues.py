"""Issues of quality in the metadata database: faults that somebody found in what an experiment does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ropewalk.store.connections import Connection, Row
from ropewalk.store.search import Condition, Page, Searched, search

ISSUES = Searched(
    table="quality_issue",
    identity=("id",),
    attributes={
        "experiment_id": "quality_issue.experiment",
        "status": "quality_issue.status",
        "source_run_id": "quality_issue.source_run_id",
    },
    satellites={},
    # The worst first, as MLflow's own page expects it.
    ties="quality_issue.rank DESC, quality_issue.created_at DESC, quality_issue.id DESC",
    numbers=frozenset({"experiment_id"}),
)


@dataclass(frozen=True)
class QualityIssue:
    """A fault with its state; `rank` orders by severity."""

    id: str
    experiment: int
    name: str
    description: str
    status: str
    severity: str | None
    rank: int
    root_causes: tuple[str, ...]
    categories: tuple[str, ...]
    source_run_id: str | None
    created_at: int
    updated_at: int
    created_by: str | None


def insert_issue(connection: Connection, new: QualityIssue) -> None:
    """Add an issue."""
    connection.execute(
        "INSERT INTO quality_issue (id, experiment, name, description, status, severity, rank, root_causes, categories,"
        " source_run_id, created_at, updated_at, created_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            new.id,
            new.experiment,
            new.name,
            new.description,
            new.status,
            new.severity,
            new.rank,
            json.dumps(new.root_causes),
            json.dumps(new.categories),
            new.source_run_id,
            new.created_at,
            new.updated_at,
            new.created_by,
        ),
    )


def change_issue(connection: Connection, changed: QualityIssue) -> None:
    """Write an issue's name, description, status and severity."""
    connection.execute(
        "UPDATE quality_issue SET name = ?, description = ?, status = ?, severity = ?, rank = ?, updated_at = ?"
        " WHERE id = ?",
        (
            changed.name,
            changed.description,
            changed.status,
            changed.severity,
            changed.rank,
            changed.updated_at,
            changed.id,
        ),
    )


def find_issue(connection: Connection, identifier: str) -> QualityIssue | None:
    """Return the issue of that id, or None."""
    return next(iter(_read(connection, [identifier])), None)


def search_issues(connection: Connection, conditions: Sequence[Condition], page: Page) -> list[QualityIssue]:
    """Return one page of the issues that meet all conditions, the most severe first, then the newest."""
    return _read(connection, [row["id"] for row in search(connection, ISSUES, conditions, [], page)])


def _read(connection: Connection, identifiers: Sequence[str]) -> list[QualityIssue]:
    rows = connection.execute(
        "SELECT * FROM quality_issue WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(identifiers)),),
    )
    found = {row["id"]: _issue(row) for row in rows}
    return [found[identifier] for identifier in identifiers if identifier in found]


def _issue(row: Row) -> QualityIssue:
    values = {name: row[name] for name in row.keys()}  # noqa: SIM118  # a row yields its values
    values |= {name: tuple(json.loads(values[name])) for name in ("root_causes", "categories")}
    return QualityIssue(**values)
