"""What stands below `sources:` for a project of GitLab."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ropewalk.dataops.sources.entries import Entry, Name, Overlap
from ropewalk.dataops.sources.refreshing import Refresh
from ropewalk.dataops.sources.rest_declarations import URL, Secret

GitLabResource = Literal[
    "commits",
    "commit_files",
    "authors",
    "files",
    "merge_requests",
    "merge_request_files",
    "merge_request_notes",
    "issues",
    "issue_notes",
    "labels",
    "members",
]


class GitLabSource(Entry):
    """A project of GitLab as tables: each resource becomes `raw.SOURCE_RESOURCE`."""

    kind: Literal["gitlab"]
    project: Name | int = Field(description="The project's path, such as group/name, or its number")
    url: URL = Field("https://gitlab.com", description="The server's address")
    token: Secret | None = Field(None, description="secret://NAME of a token that may read the API")
    resources: list[GitLabResource] = Field(
        ["commits", "authors", "merge_requests", "issues", "labels", "members"],
        description="Resources to load; files, notes and changed files only when they are named",
        min_length=1,
    )
    ref: Name | None = Field(
        None, description="Branch or tag of commits and files; by default the default branch"
    )
    overlap: Overlap = Field("1h", description="How far before the newest change changes are asked for again")
    commit_overlap: Overlap = Field(
        "90d", description="The same for commits: an older one that is merged later is not seen"
    )
    refresh: Refresh | None = Field(
        None, description="How old lists may be that GitLab cannot tell the news of, such as labels: 6h"
    )
    on_unreachable: Literal["keep", "fail"] = "fail"
    at_once: int = Field(4, description="Requests at the same time for notes and changed files", ge=1, le=32)
    max_requests_per_minute: int | None = Field(None, description="Requests are spread evenly", ge=1)
    timeout: float = Field(60.0, description="Seconds to wait for one answer", gt=0)
