"""The forge: where issues are kept; files of the project's state until a forge is connected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ropewalk.doors import lazy_names

if TYPE_CHECKING:
    from ropewalk.devops.forge.errors import IssueMissing, IssueUnreadable
    from ropewalk.devops.forge.files import Issue, IssueFiles

__all__ = ["Issue", "IssueFiles", "IssueMissing", "IssueUnreadable"]

__getattr__ = lazy_names(__name__, __file__)
