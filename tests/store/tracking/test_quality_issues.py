"""Issues of quality: kept field by field, the worst first, changed without losing what must not change."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ropewalk.store import Database
from ropewalk.store.connections import Connection
from ropewalk.store.search import Condition, Page
from ropewalk.store.tracking.quality_issues import (
    QualityIssue,
    change_issue,
    find_issue,
    insert_issue,
    search_issues,
)


@pytest.fixture
def connection(shared: Database) -> Iterator[Connection]:
    """Return a connection that writes."""
    with shared.write() as connection:
        yield connection


def _issue(connection: Connection, status: str = "pending", rank: int = 0, at: int = 1) -> QualityIssue:
    causes, categories = ("prompt", "tool"), ("accuracy",)
    made = QualityIssue(
        uuid.uuid4().hex, 0, "slow", "ü", status, None, rank, causes, categories, None, at, at, "ada"
    )
    insert_issue(connection, made)
    return made


def test_an_issue_comes_back(connection: Connection) -> None:
    """Lists come back as lists, and what nobody said as nothing."""
    made = _issue(connection)

    assert find_issue(connection, made.id) == made
    assert find_issue(connection, "nobody") is None


def test_the_worst_first_then_the_newest(connection: Connection) -> None:
    """Severity decides before time does."""
    status = uuid.uuid4().hex
    old, new = _issue(connection, status, at=1), _issue(connection, status, at=2)
    worst = _issue(connection, status, rank=3)

    found = search_issues(connection, [Condition("attribute", "status", "=", status)], Page(10))

    assert [issue.id for issue in found] == [worst.id, new.id, old.id]


def test_pages_hold_each_once(connection: Connection) -> None:
    """Issues of one rank and one moment do not change places between two pages."""
    status = uuid.uuid4().hex
    made = {_issue(connection, status).id for _ in range(5)}
    conditions = [Condition("attribute", "status", "=", status)]

    pages = [search_issues(connection, conditions, Page(2, offset)) for offset in (0, 2, 4)]

    found = [issue.id for page in pages for issue in page]
    assert len(found) == 5
    assert set(found) == made


def test_a_change_leaves_the_rest(connection: Connection) -> None:
    """Where an issue came from and what it is about stay; what people decide is written."""
    made = _issue(connection)
    wanted = replace(
        made, name="n", description="d", status="resolved", severity="high", rank=3, updated_at=8
    )

    change_issue(connection, replace(wanted, created_by="bob", categories=("x",), experiment=7))

    assert find_issue(connection, made.id) == wanted
