"""Issues: what Ropewalk itself raised, told in files until a forge is connected."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ropewalk.devops.forge import Issue, IssueFiles
from ropewalk.errors import nearest
from ropewalk.web.errors import NothingCalled
from ropewalk.web.page import Visit

FOLDER = "issues"
# Monitors mark what they told of already; the marks are for them alone.
_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)


@dataclass(frozen=True)
class IssueLine:
    """One issue in a list; `created` is ISO 8601 in UTC."""

    number: int
    state: str
    title: str
    about: str
    created: str
    comments: int


@dataclass(frozen=True)
class IssueList:
    """All issues, the open ones first, the newest first."""

    issues: tuple[IssueLine, ...]
    open: int


@dataclass(frozen=True)
class IssuePage:
    """One issue with its text (Markdown) and the deployment it is about."""

    issue: IssueLine
    text: str
    file: str


def issue_list(visit: Visit) -> IssueList:
    """Return all issues."""
    lines = sorted(map(_line, _files(visit).issues()), key=lambda line: (line.state != "open", -line.number))
    return IssueList(tuple(lines), sum(line.state == "open" for line in lines))


def issue_page(visit: Visit) -> IssuePage:
    """Return one issue.

    Raises:
        NothingCalled: no issue has the number.
    """
    wanted = visit.names["number"]
    found = {str(issue.number): issue for issue in _files(visit).issues()}
    if wanted not in found:
        raise NothingCalled(
            f"there is no issue {wanted!r}", nearest=nearest(wanted, found), hint="/issues lists them all"
        )
    issue = found[wanted]
    return IssuePage(_line(issue), _COMMENT.sub("", issue.text).strip(), issue.path.name)


def _files(visit: Visit) -> IssueFiles:
    return IssueFiles(visit.workspace.state / FOLDER)


def _line(issue: Issue) -> IssueLine:
    return IssueLine(
        number=issue.number,
        state=issue.state,
        title=issue.title,
        about=issue.fingerprint,
        created=issue.created,
        comments=issue.text.count("\n## Comment, "),
    )
