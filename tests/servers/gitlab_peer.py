"""A small GitLab on the loopback: one project, the endpoints that are read, payloads of the documentation's shape.

It refuses what it does not know (paths, parameters) with GitLab's error JSON, wants a token, pages by 20 unless asked,
by number or by key where GitLab does, and links to the next page.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

TOKEN = "glpat-of-the-test"
PAGING = {"page", "per_page"}
LISTS = {"scope", "state", "order_by", "sort", "updated_after"}
# Path after the project, allowed parameters, and what answers.
ROUTES = (
    ("repository/commits", PAGING | {"ref_name", "since", "until", "all"}, "commits"),
    ("repository/commits/([^/]+)/diff", PAGING, "commit_files"),
    ("repository/contributors", PAGING | {"order_by", "sort"}, "authors"),
    ("repository/tree", PAGING | {"ref", "path", "recursive", "pagination", "page_token"}, "files"),
    ("merge_requests", PAGING | LISTS, "merge_requests"),
    (r"merge_requests/(\d+)/diffs", PAGING, "merge_request_files"),
    (r"merge_requests/(\d+)/notes", PAGING | {"order_by", "sort"}, "merge_request_notes"),
    ("issues", PAGING | LISTS, "issues"),
    (r"issues/(\d+)/notes", PAGING | {"order_by", "sort"}, "issue_notes"),
    ("labels", PAGING, "labels"),
    ("members/all", PAGING, "members"),
)


def user(number: int) -> dict[str, Any]:
    return {
        "id": number, "username": f"user{number}", "name": f"User {number}", "state": "active", "locked": False,
        "avatar_url": None, "web_url": f"https://gitlab.example.com/user{number}",
    }  # fmt: skip


def commit(number: int, day: str = "2024-01-01") -> dict[str, Any]:
    who = {"name": f"User {number % 3}", "email": f"user{number % 3}@example.com"}
    at = f"{day}T10:00:{number % 60:02}.000+02:00"
    return {
        "id": f"{number:040x}", "short_id": f"{number:08x}", "created_at": at, "parent_ids": [f"{number - 1:040x}"],
        "title": f"Change {number}", "message": f"Change {number}\n\nBecause.\r\n", "author_name": who["name"],
        "author_email": who["email"], "authored_date": at, "committer_name": who["name"],
        "committer_email": who["email"], "committed_date": at, "trailers": {}, "extended_trailers": {},
        "web_url": f"https://gitlab.example.com/g/p/-/commit/{number:040x}",
    }  # fmt: skip


def changed_file(path: str) -> dict[str, Any]:
    return {
        "diff": f"--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-a\n+b\n", "new_path": path, "old_path": path, "a_mode": "100644",
        "b_mode": "100644", "new_file": False, "renamed_file": False, "deleted_file": False,
    }  # fmt: skip


def issue(number: int, updated: str = "2024-01-01T00:00:00.000Z") -> dict[str, Any]:
    return {
        "id": 1000 + number, "iid": number, "project_id": 7, "title": f"Issue {number}", "description": None,
        "state": "opened", "created_at": "2024-01-01T00:00:00.000Z", "updated_at": updated, "closed_at": None,
        "closed_by": None, "labels": ["bug"], "milestone": None, "assignees": [user(1)], "author": user(2),
        "type": "ISSUE", "user_notes_count": 1, "confidential": False, "weight": None,
        "web_url": f"https://gitlab.example.com/g/p/-/issues/{number}",
    }  # fmt: skip


def merge_request(number: int, updated: str = "2024-01-01T00:00:00.000Z") -> dict[str, Any]:
    return {
        "id": 2000 + number, "iid": number, "project_id": 7, "title": f"Merge {number}", "description": "",
        "state": "merged", "created_at": "2024-01-01T00:00:00.000Z", "updated_at": updated,
        "merged_at": "2024-01-02T00:00:00.000Z", "closed_at": None, "merge_user": user(1), "author": user(2),
        "target_branch": "main", "source_branch": f"b{number}", "assignees": [], "reviewers": [user(3)],
        "labels": [], "draft": False, "sha": f"{number:040x}", "merge_commit_sha": None, "squash_commit_sha": None,
        "references": {"short": f"!{number}"}, "web_url": f"https://gitlab.example.com/g/p/-/merge_requests/{number}",
    }  # fmt: skip


def note(number: int, kind: str, iid: int) -> dict[str, Any]:
    return {
        "id": number, "type": None, "body": f"Comment {number}\r\n", "attachment": None, "author": user(1),
        "created_at": "2024-01-01T09:56:03.000Z", "updated_at": "2024-01-01T09:56:03.000Z", "system": False,
        "noteable_id": 1, "noteable_type": kind, "project_id": 7, "resolvable": False, "confidential": False,
        "internal": False, "imported": False, "imported_from": "none", "noteable_iid": iid, "commands_changes": {},
    }  # fmt: skip


class GitLabPeer:
    """The project's content, and the server that answers for it.

    Attributes:
        content: the records of each resource; those of children by their parent.
        requests: path and query of all requests.
    """

    def __init__(self, project: str = "group/sub/name") -> None:
        self.project = project
        self.content: dict[str, Any] = {name: [] for *_, name in ROUTES}
        for child in ("commit_files", "merge_request_files", "merge_request_notes", "issue_notes"):
            self.content[child] = {}
        self.requests: list[str] = []
        handler = type("Handler", (_Handler,), {"peer": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, path: str, query: dict[str, str], token: str | None) -> tuple[int, Any, str | None]:
        """Return status, JSON, and the query of the next page."""
        if token != f"Bearer {TOKEN}":
            return 401, {"message": "401 Unauthorized"}, None
        found = re.fullmatch(r"/api/v4/projects/([^/]+)/(.+)", path)
        if found is None or unquote(found[1]) not in {self.project, "7"}:
            return 404, {"message": "404 Project Not Found"}, None
        for pattern, allowed, name in ROUTES:
            if match := re.fullmatch(pattern, found[2]):
                if unknown := query.keys() - allowed:
                    return 400, {"error": f"{min(unknown)} is invalid"}, None
                records = self._records(name, [unquote(group) for group in match.groups()], query)
                return (404, {"message": "404 Not found"}, None) if records is None else _page(records, query)
        return 404, {"error": "404 Not Found"}, None

    def _records(self, name: str, parents: list[str], query: dict[str, str]) -> list[dict[str, Any]] | None:
        records = self.content[name]
        if parents:
            found: list[dict[str, Any]] | None = records.get(parents[0])
            return found
        for param, field in (("updated_after", "updated_at"), ("since", "committed_date")):
            if param in query:
                since = datetime.fromisoformat(query[param])
                records = [record for record in records if datetime.fromisoformat(record[field]) >= since]
        if query.get("order_by") == "updated_at":
            records = sorted(
                records, key=lambda r: r["updated_at"], reverse=query.get("sort", "desc") == "desc"
            )
        return list(records)


def _page(records: list[dict[str, Any]], query: dict[str, str]) -> tuple[int, Any, str | None]:
    size = min(100, int(query.get("per_page", 20)))
    if query.get("pagination") == "keyset":
        after = query.get("page_token", "")
        left = [record for record in records if record["path"] > after]
        following = {"page_token": left[size - 1]["path"]} if len(left) > size else None
        shown = left[:size]
    else:
        page = int(query.get("page", 1))
        following = {"page": str(page + 1)} if len(records) > page * size else None
        shown = records[(page - 1) * size : page * size]
    return 200, shown, urlencode({**query, **following}) if following else None


class _Handler(BaseHTTPRequestHandler):
    peer: ClassVar[GitLabPeer]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.peer.requests.append(f"{parts.path.partition('/projects/')[2].partition('/')[2]}?{parts.query}")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        status, told, following = self.peer.answer(parts.path, query, self.headers.get("Authorization"))
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("RateLimit-Remaining", "100")
        if following:
            self.send_header(
                "Link",
                f'<{self.peer.url}{parts.path}?{following}>; rel="next", <{self.peer.url}/>; rel="first"',
            )
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """Keep the test's output free of requests."""


@contextmanager
def running_gitlab() -> Iterator[GitLabPeer]:
    """Yield a GitLab that answers until the block ends."""
    peer = GitLabPeer()
    thread = threading.Thread(target=peer.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield peer
    finally:
        peer.server.shutdown()
        peer.server.server_close()
        thread.join()
