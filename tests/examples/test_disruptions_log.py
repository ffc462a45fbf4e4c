"""The operations log of the example: what it answers to a reader of Elasticsearch, and how far it goes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import disruptions_log
import httpx
import pytest
from elasticsearch import Elasticsearch, NotFoundError

SINCE = {"bool": {"filter": [{"match_all": {}}, {"range": {"happened_at": {"gte": "2013-07-31T00:00:00Z"}}}]}}


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    """A company whose clock shows the end of July."""
    (tmp_path / "clock.json").write_text('{"month": 7}', encoding="utf-8")
    return tmp_path


@pytest.fixture
def url(landing: Path) -> Iterator[str]:
    """The address of a running log."""
    with disruptions_log.serve(0, landing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def client(url: str) -> Iterator[Elasticsearch]:
    """The official client, pointed at it."""
    with Elasticsearch(url) as connected:
        yield connected


def read(client: Elasticsearch, size: int, query: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return all documents of a search at one point in time, page by page."""
    point = client.open_point_in_time(index="disruptions", keep_alive="1m")["id"]
    found: list[dict[str, Any]] = []
    after: dict[str, Any] = {}
    while True:
        hits = client.search(
            pit={"id": point}, size=size, query=query or {"match_all": {}}, sort="_shard_doc", **after
        )["hits"]["hits"]
        if not hits:
            break
        found += [hit["_source"] | {"_id": hit["_id"]} for hit in hits]
        after = {"search_after": hits[-1]["sort"]}
    client.close_point_in_time(id=point)
    return found


def test_pages(client: Elasticsearch) -> None:
    """Whatever the size of a page, each document comes once, oldest first, and has an id of its own."""
    small, large = read(client, 700), read(client, 5000)

    assert small == large
    times = [found["happened_at"] for found in small]
    assert times == sorted(times)
    assert len({found["_id"] for found in small}) == len(small) > 5000


def test_since(client: Elasticsearch) -> None:
    """A search from a time on finds what happened then or later."""
    found = read(client, 5000, SINCE)

    assert {item["happened_at"][:10] for item in found} <= {"2013-07-31", "2013-08-01"}
    assert found == [item for item in read(client, 5000) if item["happened_at"] >= "2013-07-31"] != []


def test_the_companys_clock(client: Elasticsearch, landing: Path) -> None:
    """What has not happened yet is not in the log; an open point in time does not see what happens meanwhile."""
    before = read(client, 5000)
    point = client.open_point_in_time(index="disruptions", keep_alive="1m")["id"]
    (landing / "clock.json").write_text('{"month": 8}', encoding="utf-8")

    total = client.search(pit={"id": point}, size=1)["hits"]["total"]["value"]

    assert total == len(before) < len(read(client, 5000))


def test_the_kinds_of_disruption(client: Elasticsearch) -> None:
    """Cancelled, diverted and very late departures are in it, with the minutes that are known."""
    found = read(client, 5000)

    assert {item["what"] for item in found} == {"cancelled", "diverted", "delayed"}
    assert all(item["minutes"] >= 180 for item in found if item["what"] == "delayed")
    assert all(item["minutes"] is None for item in found if item["what"] == "cancelled")


def test_the_mapping(client: Elasticsearch) -> None:
    """Every field of a document is in the mapping."""
    mapping = client.indices.get_mapping(index="disruptions")["disruptions"]["mappings"]["properties"]

    assert {*mapping, "_id"} == {*read(client, 5000, SINCE)[0]}


def test_what_it_is_not(client: Elasticsearch, url: str) -> None:
    """Another index, a closed point in time and other requests are refused as a cluster refuses them."""
    with pytest.raises(NotFoundError, match="index_not_found"):
        client.indices.get_mapping(index="orders")
    with pytest.raises(NotFoundError, match="search_context_missing"):
        client.search(pit={"id": "point-0"}, size=1)
    assert httpx.post(f"{url}/_bulk", content=b"{}").status_code == 404
    assert httpx.put(f"{url}/orders").status_code == 501
