"""GitLab's resources as sources of the kind `rest`: addresses, parents, keys, cursors, and the types of their columns.

Source: the REST API pages of GitLab's documentation (commits, repositories, merge requests, issues, notes, labels,
members). Only fields that every supported release has are typed here; others come as they are found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from ropewalk.dataops.sources.gitlab_declarations import GitLabSource
from ropewalk.dataops.sources.rest_resources import RESTSource

_TIME, _TEXT, _WHOLE = "TIMESTAMP WITH TIME ZONE", "VARCHAR", "BIGINT"
# The most that GitLab gives at once.
PAGE = 100
# While pages are read, what changes moves to the front: a page may show a record twice, and never misses one. What
# moved is newer than the watermark, which is that of the first page, so the next load has it.
_NEWEST_FIRST = {"scope": "all", "state": "all", "order_by": "updated_at", "sort": "desc"}


@dataclass(frozen=True)
class _Resource:
    """One resource: its path after the project, what it is asked with, and what its records have."""

    path: str
    key: tuple[str, ...]
    types: dict[str, str]
    params: dict[str, Any] = field(default_factory=dict)
    cursor: tuple[str, str] | None = None
    parent: str | None = None
    has_ref: bool = False


def _columns(texts: str = "", wholes: str = "", times: str = "", **others: str) -> dict[str, str]:
    named = {_TEXT: texts, _WHOLE: wholes, _TIME: times}
    return {name: kind for kind, names in named.items() for name in names.split()} | others


_NOTE = _columns("body noteable_type", "id", "created_at updated_at", author="JSON", system="BOOLEAN")
_FILE = _columns(
    "old_path new_path a_mode b_mode diff", new_file="BOOLEAN", renamed_file="BOOLEAN", deleted_file="BOOLEAN"
)
_CHANGE = ("updated_at", "updated_after")
_RESOURCES = {
    "commits": _Resource(
        "repository/commits",
        ("id",),
        _columns(
            "id short_id title message author_name author_email committer_name committer_email",
            times="authored_date committed_date created_at",
            parent_ids="JSON",
        ),
        cursor=("committed_date", "since"),
        has_ref=True,
    ),
    "commit_files": _Resource(
        "repository/commits/{parent.id}/diff",
        ("_commits_id", "old_path", "new_path"),
        _FILE,
        parent="commits",
    ),
    "authors": _Resource("repository/contributors", ("email", "name"), _columns("name email", "commits")),
    "files": _Resource(
        "repository/tree",
        ("path",),
        _columns("id name type path mode"),
        # Pages of a tree are told by their last entry: counting them is slow, and refused beyond some number.
        {"recursive": True, "pagination": "keyset"},
        has_ref=True,
    ),
    "merge_requests": _Resource(
        "merge_requests",
        ("iid",),
        _columns(
            "title description state source_branch target_branch sha merge_commit_sha web_url",
            "id iid project_id",
            "created_at updated_at merged_at closed_at",
            author="JSON",
            assignees="JSON",
            reviewers="JSON",
            labels="JSON",
        ),
        _NEWEST_FIRST,
        _CHANGE,
    ),
    "merge_request_files": _Resource(
        "merge_requests/{parent.iid}/diffs",
        ("_merge_requests_iid", "old_path", "new_path"),
        _FILE,
        parent="merge_requests",
    ),
    "merge_request_notes": _Resource(
        "merge_requests/{parent.iid}/notes", ("id",), _NOTE, parent="merge_requests"
    ),
    "issues": _Resource(
        "issues",
        ("iid",),
        _columns(
            "title description state web_url",
            "id iid project_id",
            "created_at updated_at closed_at",
            author="JSON",
            assignees="JSON",
            labels="JSON",
        ),
        _NEWEST_FIRST,
        _CHANGE,
    ),
    "issue_notes": _Resource("issues/{parent.iid}/notes", ("id",), _NOTE, parent="issues"),
    "labels": _Resource("labels", ("id",), _columns("name color description", "id")),
    "members": _Resource("members/all", ("id",), _columns("username name state", "id access_level")),
}


def expand_gitlab(name: str, source: GitLabSource) -> Iterator[tuple[str, RESTSource]]:
    """Yield the table's name without its schema, and the source, of each chosen resource and of the parents of these."""
    chosen: set[str] = {*source.resources}
    chosen |= {parent for one in source.resources if (parent := _RESOURCES[one].parent)}
    for resource, about in _RESOURCES.items():
        if resource in chosen:
            yield f"{name}_{resource}", _source_of(name, about, source)


def _source_of(name: str, about: _Resource, source: GitLabSource) -> RESTSource:
    project = quote(str(source.project), safe="")
    given: dict[str, Any] = {
        "kind": "rest",
        "url": f"{source.url.rstrip('/')}/api/v4/projects/{project}/{about.path}",
        "params": {"per_page": PAGE, **about.params, **_ref(about, source)},
        "paginate": {"kind": "link_header"},
        "key": list(about.key),
        "types": about.types,
        "on_unreachable": source.on_unreachable,
        "at_once": source.at_once,
        "max_requests_per_minute": source.max_requests_per_minute,
        "timeout": source.timeout,
    }
    if source.token is not None:
        given["auth"] = {"type": "bearer", "token": source.token}
    if about.cursor is not None:
        column, param = about.cursor
        overlap = source.commit_overlap if param == "since" else source.overlap
        given["cursor"] = {"field": column, "param": param, "overlap": overlap}
    elif about.parent is None:
        given["refresh"] = source.refresh
    else:
        # One that was deleted between two requests has nothing any more.
        given |= {"parent": f"raw.{name}_{about.parent}", "parent_name": about.parent, "ignore": [404]}
    return RESTSource(**given)


def _ref(about: _Resource, source: GitLabSource) -> dict[str, str]:
    if source.ref is None or not about.has_ref:
        return {}
    return {"ref_name" if about.cursor else "ref": source.ref}
