"""Search clusters spoken to: told apart, written to, and their refusals in our words."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from search_peer import SearchPeer, running_peer

from ropewalk.dataops.sources import Document, SearchCluster, SearchClusterAddress, SearchClusterWriter
from ropewalk.dataops.sources.errors import (
    DocumentsRefused,
    IndexMissing,
    InvalidSearch,
    InvalidSource,
    SourceBroken,
    SourceRefused,
    SourceUnreachable,
)
from ropewalk.dataops.sources.rest_auth import basic
from ropewalk.dataops.sources.search_cluster import open_search_cluster, path_of
from ropewalk.errors import Place

from .conftest import Reply

PLACE = Place("ropewalk.yaml", 3, 3)
Open = Callable[[SearchPeer], SearchCluster]


@pytest.fixture
def connect() -> Iterator[Callable[[SearchClusterAddress], SearchCluster]]:
    """Return a function that opens a connection; all are closed after the test."""
    with ExitStack() as stack:
        yield lambda address: stack.enter_context(open_search_cluster(address, PLACE, threading.Event()))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry without long pauses."""
    monkeypatch.setattr("ropewalk.dataops.sources.fetch.FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr("ropewalk.dataops.sources.search_cluster_bulk.FIRST_PAUSE_S", 0.001)


@pytest.fixture(params=["elasticsearch", "opensearch"])
def peer(request: pytest.FixtureRequest) -> Iterator[SearchPeer]:
    """Return a peer of either product."""
    with running_peer(request.param) as running:
        yield running


@pytest.fixture
def cluster(peer: SearchPeer, connect) -> SearchCluster:
    """Return a connection to the peer."""
    return connect(SearchClusterAddress(peer.url))


def documents(count: int, text: str = "x") -> list[Document]:
    return [Document(str(n), json.dumps({"n": n, "text": text}).encode()) for n in range(count)]


def kept(peer: SearchPeer, index: str = "log") -> dict[str, object]:
    return peer.indices[index].documents


@pytest.mark.parametrize(
    ("product", "version", "has_shard_doc"),
    [("elasticsearch", "9.5.1", True), ("opensearch", "2.19.0", False), ("opensearch", "3.3.0", True)],
)
def test_products_are_told_apart(connect, product: str, version: str, has_shard_doc: bool) -> None:
    """By what the root says; newer OpenSearch has a tie-breaker, older has not."""
    with running_peer(product, version) as peer:
        found = connect(SearchClusterAddress(peer.url)).product

    assert (found.name, found.version) == (product, tuple(map(int, version.split("."))))
    assert found.has_shard_doc is has_shard_doc


@pytest.mark.parametrize(("product", "version"), [("elasticsearch", "7.9.3"), ("opensearch", "1.3.0")])
def test_a_version_without_points_in_time(connect, product: str, version: str) -> None:
    """It is refused before anything is read, with the oldest that will do."""
    with (
        running_peer(product, version) as peer,
        pytest.raises(SourceBroken, match="no points in time") as caught,
    ):
        connect(SearchClusterAddress(peer.url)).product  # noqa: B018  # asking is what is tested

    assert "or later is needed" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "body", [{"hello": 1}, {"version": "1"}, {"version": {"number": "9.1"}}, [1], b"<html>"]
)
def test_something_else_at_that_address(connect, serve, body: object) -> None:
    """It is no search cluster, and that is said."""
    server = serve(lambda _: Reply(body))

    with pytest.raises(SourceBroken) as caught:
        connect(SearchClusterAddress(server.url)).product  # noqa: B018  # asking is what is tested

    assert caught.value.place == PLACE


def test_a_wrong_password(connect) -> None:
    """The error shows none."""
    with running_peer(user="me:right") as peer, pytest.raises(SourceRefused) as caught:
        connect(SearchClusterAddress(peer.url, basic("me", "hunter2"))).ask("GET", "/")

    assert "hunter2" not in str(caught.value.as_json())


def test_a_file_of_certificates(connect, tmp_path: Path) -> None:
    """One that is none is refused."""
    (tmp_path / "ca.pem").write_text("no certificate")

    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(InvalidSource, match="holds no certificates"):
            connect(SearchClusterAddress("https://127.0.0.1:1", ca=str(tmp_path / name)))


def test_refusals_of_the_cluster(cluster) -> None:
    """A missing index, a query that is not understood, an endpoint that is not there."""
    with pytest.raises(IndexMissing, match=r"no such index \[none\]"):
        cluster.ask("POST", path_of("none", "_search"), body={})
    SearchClusterWriter(cluster, "log").make_index()
    with pytest.raises(InvalidSearch, match=r"unknown query \[fuzzy\]"):
        cluster.ask("POST", path_of("log", "_search"), body={"query": {"fuzzy": {}}})
    with pytest.raises(InvalidSearch, match="no handler found"):
        cluster.ask("POST", "/_cat/indices")


def test_names_stay_names(cluster, peer) -> None:
    """An index called like a path reaches no other endpoint."""
    with pytest.raises(InvalidSearch):
        SearchClusterWriter(cluster, "../_all").make_index()

    assert peer.indices == {}


def test_documents_are_written_once(cluster, peer) -> None:
    """Written again they replace themselves; deleted twice they are gone."""
    writer = SearchClusterWriter(cluster, "log")
    assert writer.write(documents(3)) == 3
    assert writer.write(documents(3, "later")) == 3
    assert {id_: doc["text"] for id_, doc in kept(peer).items()} == {"0": "later", "1": "later", "2": "later"}

    assert writer.delete(["1", "none"]) == 2

    assert sorted(kept(peer)) == ["0", "2"]


def test_many_documents_go_in_batches(cluster, peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """By size and by number; nothing to write asks nothing."""
    monkeypatch.setattr("ropewalk.dataops.sources.search_cluster_bulk.BATCH_DOCUMENTS", 4)
    monkeypatch.setattr("ropewalk.dataops.sources.search_cluster_bulk.BATCH_BYTES", 200)
    writer = SearchClusterWriter(cluster, "log")
    assert writer.write([]) == 0
    assert peer.requests == []

    writer.write([*documents(9), Document("big", json.dumps({"text": "y" * 500}).encode())])

    assert len(kept(peer)) == 10
    assert len(peer.requests) >= 4


def test_items_of_a_busy_cluster_are_sent_again(cluster, peer) -> None:
    """Only these, and until they are taken."""
    peer.busy = 4

    assert SearchClusterWriter(cluster, "log").write(documents(10)) == 10

    assert len(kept(peer)) == 10
    assert len(peer.requests) == 2


def test_a_cluster_that_stays_busy(cluster, peer) -> None:
    """It is said how many documents are left."""
    peer.busy = 1000

    with pytest.raises(SourceUnreachable, match="too busy to take 10 documents"):
        SearchClusterWriter(cluster, "log").write(documents(10))


def test_documents_that_do_not_fit_the_mapping(cluster, peer) -> None:
    """The error counts and names them; the others are there."""
    writer = SearchClusterWriter(cluster, "log")
    writer.make_index({"properties": {"n": {"type": "long"}}})
    bad = [Document(f"bad{n}", b'{"n": "many"}') for n in range(7)]

    with pytest.raises(DocumentsRefused, match="refuses 7 of 9 documents") as caught:
        writer.write([*documents(2), *bad])

    assert "bad0: " in (caught.value.detail or "")
    assert (caught.value.detail or "").endswith("and 2 more")
    assert sorted(kept(peer)) == ["0", "1"]


def test_line_breaks_within_a_document(cluster, peer) -> None:
    """They end no document."""
    SearchClusterWriter(cluster, "log").write([Document("1", b'{\n  "n": 1,\n  "s": "a\\nb"\n}')])

    assert kept(peer) == {"1": {"n": 1, "s": "a\nb"}}


def test_an_index_is_made_once(cluster, peer) -> None:
    """With its mapping; later calls leave it as it is."""
    writer = SearchClusterWriter(cluster, "log")

    assert writer.make_index({"properties": {"n": {"type": "long"}}}, {"number_of_shards": 2})
    assert not writer.make_index()
    assert peer.indices["log"].mapping["properties"] == {"n": {"type": "long"}}
    assert peer.indices["log"].shards == 2


def test_a_note_is_kept_with_the_index(cluster, peer) -> None:
    """Beside what others keep there; a refresh shows what was written."""
    writer = SearchClusterWriter(cluster, "log")
    writer.make_index({"_meta": {"theirs": 1}})
    assert writer.read_note() == {}

    writer.write_note({"snapshot": 14})
    writer.write(documents(1))
    writer.refresh()

    assert writer.read_note() == {"snapshot": 14}
    assert peer.indices["log"].mapping["_meta"]["theirs"] == 1
    assert len(peer.indices["log"].visible) == 1


@pytest.mark.parametrize("items", [None, [], [{"index": {"status": 201}}]])
def test_an_answer_that_does_not_match(connect, serve, items: object) -> None:
    """Items that are missing may have been lost: an error, not a success."""
    server = serve(lambda _: Reply({"errors": False, "items": items}))

    with pytest.raises(SourceBroken, match="something else than as many items"):
        SearchClusterWriter(connect(SearchClusterAddress(server.url)), "log").write(documents(2))
