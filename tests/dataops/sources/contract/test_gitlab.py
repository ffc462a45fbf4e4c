"""Projects of GitLab keep the contract of all sources; issues stand for all resources, which are declared alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from gitlab_peer import TOKEN, GitLabPeer, issue, running_gitlab

from .suite import SECRET, Adapter, Row, SourceContract

# Beside what REST proves in the fast lane, it is the declarations that count here.
pytestmark = pytest.mark.slow
RESERVED = {"id", "name"}
OPTIONS = ("", "types: {id: BIGINT, name: VARCHAR}", "on_unreachable: keep")


class Issues(Adapter):
    """A project with an issue for each row: its number and title, and what else the row has as fields of their own."""

    increments = ""

    def __init__(self, project, peer: GitLabPeer, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(project)
        self.peer = peer
        self.secret = "token: 'secret://CONTRACT_SECRET'"
        monkeypatch.setenv("GITLAB_TOKEN", TOKEN)

    def entry(self) -> str:
        return f"kind: gitlab, url: '{self.peer.url}', project: group/sub/name, resources: [issues]"

    def declare(self, *options: str):
        own = [option for option in options if option not in OPTIONS[:2]]
        if any(option not in {*OPTIONS, self.secret} for option in options):
            pytest.skip("a resource of GitLab has its own key and cursor, and is always merged")
        token = [] if self.secret in own else ["token: 'secret://GITLAB_TOKEN'"]
        return self.project.declare("{" + ", ".join([self.entry(), *token, *own]) + "}")

    def put(self, rows: Sequence[Row]) -> None:
        self.peer.content["issues"] = [
            issue(
                0,
                f"2024-01-01T00:{int(row.get('seen') or 0) // 60:02}:{int(row.get('seen') or 0) % 60:02}.000Z",
            )
            | {"iid": row["id"], "title": row.get("name")}
            | {name: value for name, value in row.items() if name not in RESERVED}
            for row in rows
        ]

    def stop(self) -> None:
        self.peer.server.server_close()
        self.peer.server.shutdown()

    def loaded(self, columns: str = "id, name") -> list[tuple[object, ...]]:
        told = ", ".join({"id": "iid", "name": "title"}.get(name, name) for name in columns.split(", "))
        with self.project.lake.cursor() as connection:
            return connection.execute(f"SELECT {told} FROM raw.things_issues ORDER BY ALL").fetchall()


class TestGitLab(SourceContract):
    @pytest.fixture
    def adapter(self, project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Issues]:
        with running_gitlab() as peer:
            monkeypatch.setattr("ropewalk.dataops.sources.fetch.FIRST_PAUSE_S", 0.001)
            yield Issues(project, peer, monkeypatch)

    def test_whatever_comes_arrives(self, adapter: Adapter) -> None:
        pytest.skip("what a project has no more stays; test_gitlab.py tries issues of any kind")

    def test_secrets_show_nowhere(self, adapter, monkeypatch: pytest.MonkeyPatch) -> None:
        """With a server that wants the token."""
        monkeypatch.setattr("gitlab_peer.TOKEN", SECRET)
        super().test_secrets_show_nowhere(adapter, monkeypatch)
