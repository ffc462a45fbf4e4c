"""Documents of a search cluster keep the contract of all sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from search_peer import SearchPeer, running_peer

from .suite import SECRET, Adapter, Row, SourceContract

NAMES = {"properties": {"name": {"type": "keyword"}, "seen": {"type": "long"}}}


class Cluster(Adapter):
    """An index whose documents are the rows; what a column holds decides whether it may hold text."""

    increments = "cursor: {column: seen}, key: [id]"
    secret = "auth: {type: http_basic, username: me, password: 'secret://CONTRACT_SECRET'}"

    def __init__(self, project, peer: SearchPeer) -> None:
        super().__init__(project)
        self.peer = peer

    def entry(self) -> str:
        return f"kind: elasticsearch, url: '{self.peer.url}', index: things"

    def put(self, rows: Sequence[Row]) -> None:
        """Make the index anew, as no mapping takes text for a number."""
        documents = [{key: value for key, value in row.items() if value is not None} for row in rows]
        self.peer.fill("things", documents, {"properties": dict(NAMES["properties"])})

    def stop(self) -> None:
        self.peer.server.server_close()
        self.peer.server.shutdown()


class TestElasticsearch(SourceContract):
    @pytest.fixture
    def adapter(self, project) -> Iterator[Cluster]:
        with running_peer() as peer:
            yield Cluster(project, peer)

    def test_secrets_show_nowhere(self, adapter, monkeypatch) -> None:
        """With a cluster that wants the password."""
        adapter.peer.user = f"me:{SECRET}"
        super().test_secrets_show_nowhere(adapter, monkeypatch)
