"""The forge: where issues are kept; files of the project's state until a forge is connected."""

from ropewalk.devops.forge.errors import IssueMissing, IssueUnreadable
from ropewalk.devops.forge.files import Issue, IssueFiles

__all__ = ["Issue", "IssueFiles", "IssueMissing", "IssueUnreadable"]
