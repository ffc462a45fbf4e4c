"""A project of GitLab as tables: what is asked, what arrives, and what a second run leaves alone."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from gitlab_peer import (
    TOKEN,
    GitLabPeer,
    changed_file,
    commit,
    issue,
    merge_request,
    note,
    running_gitlab,
    user,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ropewalk import plugins
from ropewalk.dataops.sources import SourceKind
from ropewalk.dataops.sources.gitlab_declarations import GitLabSource
from ropewalk.dataops.sources.gitlab_resources import expand_gitlab
from ropewalk.pipeline import RunResult, State, Workspace, declare_graph, execute
from ropewalk.project import load_project
from ropewalk.settings import load_settings

from .conftest import SourceProject, Watcher

ALL = "commits, commit_files, authors, files, merge_requests, merge_request_files, merge_request_notes, issues, issue_notes, labels, members"
requires_gitlab = pytest.mark.skipif(
    "ROPEWALK_TEST_GITLAB_URL" not in os.environ or "ROPEWALK_TEST_GITLAB_PROJECT" not in os.environ,
    reason="ROPEWALK_TEST_GITLAB_URL and ROPEWALK_TEST_GITLAB_PROJECT name no real GitLab",
)
FEW = settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Mirror:
    """A project that loads a GitLab's."""

    def __init__(self, project: SourceProject, peer: GitLabPeer) -> None:
        self.project = project
        self.peer = peer

    def run(self, resources: str, more: str = "", name: str = "group/sub/name") -> RunResult:
        """Run the chosen resources, and return what became of them."""
        self.project.close()
        options = f"project: {name}, token: 'secret://GITLAB_TOKEN', resources: [{resources}]{more}"
        entry = f"{{kind: gitlab, url: '{self.peer.url}', {options}}}"
        self.project.write("ropewalk.yaml", f"project: test\nsources:\n  lab: {entry}\n")
        kinds = {"source": SourceKind()}
        with Workspace(load_project(self.project.root, plugins.sections()), load_settings({})) as workspace:
            return execute(declare_graph(workspace.project, kinds), kinds, workspace, Watcher())

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        with self.project.lake.cursor() as connection:
            return connection.execute(sql + " ORDER BY ALL").fetchall()

    def asked(self) -> list[str]:
        """Return the paths asked for since the last time."""
        paths = [request.partition("?")[0] for request in self.peer.requests]
        self.peer.requests.clear()
        return paths


@pytest.fixture
def mirror(project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """Return a project over a GitLab with some content."""
    monkeypatch.setenv("GITLAB_TOKEN", TOKEN)
    monkeypatch.setattr("ropewalk.dataops.sources.fetch.FIRST_PAUSE_S", 0.001)
    with running_gitlab() as peer:
        peer.content |= {
            "commits": [commit(n) for n in (3, 2, 1)],
            "commit_files": {f"{n:040x}": [changed_file(f"src/{n}.py"), changed_file("README.md")] for n in (1, 2, 3)},
            "authors": [{"name": "A", "email": "a@example.com", "commits": 3, "additions": 0, "deletions": 0}],
            "files": [{"id": f"{n:040x}", "name": f"{n}.py", "type": "blob", "path": f"src/{n:03}.py", "mode": "100644"}
                      for n in range(250)],
            "merge_requests": [merge_request(1), merge_request(2)],
            "merge_request_files": {"1": [changed_file("a.py")], "2": []},
            "merge_request_notes": {"1": [note(11, "MergeRequest", 1)], "2": []},
            "issues": [issue(n) for n in range(1, 6)],
            "issue_notes": {str(n): [note(20 + n, "Issue", n)] for n in range(1, 6)},
            "labels": [{"id": 1, "name": "bug", "color": "#d9534f", "description": None, "priority": 10}],
            "members": [{**user(1), "access_level": 40, "expires_at": None}],
        }  # fmt: skip
        yield Mirror(project, peer)


def test_every_resource_has_its_table(mirror) -> None:
    """With the columns that one works with; a second run finds all fresh and asks for no child."""
    result = mirror.run(ALL)
    assert [node.error for node in result.nodes] == [None] * 11

    counts = {name: mirror.rows(f"SELECT count(*) FROM raw.lab_{name}")[0][0] for name in ALL.split(", ")}
    assert counts == {
        "commits": 3, "commit_files": 6, "authors": 1, "files": 250, "merge_requests": 2, "merge_request_files": 1,
        "merge_request_notes": 1, "issues": 5, "issue_notes": 5, "labels": 1, "members": 1,
    }  # fmt: skip
    assert mirror.rows("SELECT _issues_iid, id, author ->> 'username' FROM raw.lab_issue_notes")[0] == (
        1,
        21,
        "user1",
    )
    assert mirror.rows("SELECT typeof(committed_date), typeof(parent_ids), b_mode FROM raw.lab_commits, raw.lab_commit_files")[0] == (
        "TIMESTAMP WITH TIME ZONE", "JSON", "100644",
    )  # fmt: skip
    mirror.asked()
    assert mirror.run(ALL).count(State.HIT) == 11
    assert not [path for path in mirror.asked() if path.endswith(("diff", "diffs", "notes"))]


def test_only_what_changed_is_asked_for(mirror) -> None:
    """An issue that was changed, its notes, and nothing else's."""
    mirror.run("issue_notes")
    mirror.peer.content["issues"][1] = {
        **issue(2, "2024-03-01T00:00:00.000Z"),
        "title": "Renamed",
        "state": "closed",
    }
    mirror.peer.content["issue_notes"]["2"] = [note(22, "Issue", 2), note(99, "Issue", 2)]
    mirror.asked()

    result = mirror.run("issue_notes")

    assert [path for path in mirror.asked() if path.endswith("notes")] == ["issues/2/notes"]
    assert mirror.rows("SELECT iid, title, state FROM raw.lab_issues WHERE iid <= 2") == [
        (1, "Issue 1", "opened"), (2, "Renamed", "closed"),
    ]  # fmt: skip
    assert mirror.rows("SELECT count(*), max(id) FROM raw.lab_issue_notes") == [(6, 99)]
    assert result.nodes[0].output.summary["changed"] == 1


def test_what_is_asked_overlaps(mirror) -> None:
    """By an hour for changes, by three months for commits, newest first; the watermark is GitLab's own time."""
    mirror.run("issues, commits")
    mirror.peer.requests.clear()

    mirror.run("issues, commits")

    asked = {request.partition("?")[0]: request for request in mirror.peer.requests}
    assert "updated_after=2023-12-31T23%3A00%3A00.000Z" in asked["issues"]
    assert "sort=desc" in asked["issues"]
    assert "since=2023-10-03T10%3A00%3A03.000%2B02%3A00" in asked["repository/commits"]


def test_a_tree_is_paged_by_its_last_entry(mirror) -> None:
    """As large trees can be; a branch is named where one is declared."""
    mirror.run("files", ", ref: v1")

    assert [request.count("page_token") for request in mirror.peer.requests] == [0, 1, 1]
    assert all("ref=v1" in request for request in mirror.peer.requests)


def test_an_empty_project(mirror) -> None:
    """Its tables are there, with their columns."""
    for name, records in mirror.peer.content.items():
        mirror.peer.content[name] = type(records)()

    result = mirror.run(ALL)

    assert [node.error for node in result.nodes] == [None] * 11
    assert mirror.rows("SELECT iid, state, updated_at FROM raw.lab_issues") == []
    assert mirror.rows("SELECT _issues_iid, body FROM raw.lab_issue_notes") == []
    assert mirror.run(ALL).count(State.HIT) == 11


def test_an_issue_that_is_gone_meanwhile(mirror) -> None:
    """It has no notes any more."""
    del mirror.peer.content["issue_notes"]["3"]

    assert mirror.run("issue_notes").count(State.EXECUTED) == 2
    assert mirror.rows("SELECT DISTINCT _issues_iid FROM raw.lab_issue_notes") == [(1,), (2,), (4,), (5,)]


@pytest.mark.parametrize(
    ("token", "name", "code", "message"),
    [("wrong-hunter2", "group/sub/name", "RW623", "401"), (TOKEN, "group/other", "RW622", "404")],
)
def test_refusals(
    mirror, monkeypatch: pytest.MonkeyPatch, token: str, name: str, code: str, message: str
) -> None:
    """A wrong token and a wrong project, without the token."""
    monkeypatch.setenv("GITLAB_TOKEN", token)

    error = mirror.run("labels", name=name).nodes[0].error

    assert (error.code, message in error.message) == (code, True)
    assert token not in str(error.as_json())


def test_children_bring_their_parents() -> None:
    """Notes are asked for by issue, so issues are loaded too; the project's path is one part of the address."""
    source = GitLabSource(kind="gitlab", project="a/b c", resources=["issue_notes"])

    found = dict(expand_gitlab("lab", source))

    assert set(found) == {"lab_issues", "lab_issue_notes"}
    assert found["lab_issues"].url == "https://gitlab.com/api/v4/projects/a%2Fb%20c/issues"
    assert found["lab_issue_notes"].parent == "raw.lab_issues"


@FEW
@given(
    issues=st.dictionaries(
        st.integers(1, 40),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9),
        max_size=30,
    )
)
def test_whatever_the_issues_are(mirror, issues: dict[int, str]) -> None:
    """Each arrives once, with its title as it was written, whatever was there before."""
    moment = f"2024-05-01T00:00:{len(mirror.peer.requests) % 60:02}.000Z"
    mirror.peer.content["issues"] = [{**issue(n, moment), "title": title} for n, title in issues.items()]
    mirror.run("issues")

    found = dict(mirror.rows("SELECT iid, title FROM raw.lab_issues"))

    assert {number: found[number] for number in issues} == issues


@requires_gitlab
def test_a_real_gitlab(project: SourceProject) -> None:
    """Each resource of a real project loads; without news in between a second run adds nothing."""
    url, name = os.environ["ROPEWALK_TEST_GITLAB_URL"], os.environ["ROPEWALK_TEST_GITLAB_PROJECT"]
    token = ", token: 'secret://ROPEWALK_TEST_GITLAB_TOKEN'" * ("ROPEWALK_TEST_GITLAB_TOKEN" in os.environ)
    resources = "commits, authors, merge_requests, issues, labels"
    project.declare(f"{{kind: gitlab, url: '{url}', project: '{name}', resources: [{resources}]{token}}}")

    for added in (None, 0):
        graph = declare_graph(project.workspace.project, project.kinds)
        nodes = execute(graph, project.kinds, project.workspace, project.watcher).nodes
        assert [node.error for node in nodes if node.error] == []
        if added is not None:
            assert (
                sum(node.output.summary.get("added", 0) for node in nodes if node.state is not State.HIT) == 0
            )
