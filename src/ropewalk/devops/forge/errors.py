"""What can be wrong with issues kept as files.

RopewalkError
├── NotFound
│   └── IssueMissing      no issue has the number
└── Failed
    └── IssueUnreadable   an issue's file was changed so that its head cannot be read
"""

from __future__ import annotations

from ropewalk.errors import Failed, NotFound


class IssueMissing(NotFound):
    """No issue has the number."""

    code = "RW278"


class IssueUnreadable(Failed):
    """The head of an issue's file cannot be read; a person may have edited it."""

    code = "RW478"
