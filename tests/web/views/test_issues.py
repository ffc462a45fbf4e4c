"""Issues: the list, one of them, and those that do not exist."""

from __future__ import annotations

import pytest

from ropewalk.devops.forge import IssueFiles
from ropewalk.pipeline import Workspace
from ropewalk.web.errors import NothingCalled
from ropewalk.web.page import Visit
from ropewalk.web.views.issues import issue_list, issue_page


def test_open_ones_come_first(empty: Workspace) -> None:
    """Open issues stand before closed ones, the newest first."""
    files = IssueFiles(empty.state / "issues")
    for number in range(1, 4):
        files.open(f"issue {number}", f"about/{number}", "text")
    files.close(3)

    found = issue_list(Visit(empty))

    assert [issue.number for issue in found.issues] == [2, 1, 3]
    assert found.open == 2


def test_no_issues(empty: Workspace) -> None:
    """A project without issues has an empty list."""
    assert issue_list(Visit(empty)).issues == ()


def test_comments_are_counted(empty: Workspace) -> None:
    """Each later breach is a comment."""
    files = IssueFiles(empty.state / "issues")
    files.open("drift", "late/psi", "text")
    files.comment(1, "again", "late/psi/2013-12")

    assert issue_list(Visit(empty)).issues[0].comments == 1


def test_page_hides_the_marks(empty: Workspace) -> None:
    """What issues carry for programs is not shown to people."""
    IssueFiles(empty.state / "issues").open("drift", "late/psi", "text\n<!-- late/psi/2013-12 -->\n")

    page = issue_page(Visit(empty, {"number": "1"}))

    assert page.text == "text"
    assert page.file == "0001-drift.md"


@pytest.mark.parametrize("number", ["99", "0", "-1", "one", "../1"])
def test_unknown_issue(flights: Workspace, number: str) -> None:
    """A number that no issue has is told."""
    with pytest.raises(NothingCalled, match="there is no issue"):
        issue_page(Visit(flights, {"number": number}))
