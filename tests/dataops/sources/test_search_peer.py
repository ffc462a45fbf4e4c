"""The stand-in for a search cluster, driven by the official clients: what they accept is what a cluster says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from search_peer import SearchPeer, running_peer

elasticsearch = pytest.importorskip("elasticsearch")
opensearchpy = pytest.importorskip("opensearchpy")
elastic_helpers = pytest.importorskip("elasticsearch.helpers")
opensearch_helpers = pytest.importorskip("opensearchpy.helpers")
DOCUMENTS = [
    {"n": n, "at": f"2013-01-0{n}T00:00:00Z", "tag": "even" if n % 2 == 0 else "odd"} for n in range(1, 8)
]


@pytest.fixture
def elastic() -> Iterator[tuple[SearchPeer, Any]]:
    """Return a peer and the official client of Elasticsearch, connected with a password."""
    with (
        running_peer(user="me:pw") as peer,
        elasticsearch.Elasticsearch(peer.url, basic_auth=("me", "pw"), max_retries=0) as client,
    ):
        yield peer, client


@pytest.fixture
def opensearch() -> Iterator[tuple[SearchPeer, Any]]:
    """Return a peer and the official client of OpenSearch."""
    with running_peer("opensearch") as peer, opensearchpy.OpenSearch(peer.url, max_retries=0) as client:
        yield peer, client


def fill(helpers: Any, client: Any) -> None:
    """Write the documents with the client's own helper for bulk requests."""
    actions = ({"_index": "log", "_id": str(doc["n"]), "_source": doc} for doc in DOCUMENTS)
    assert helpers.bulk(client, actions, refresh=True) == (7, [])


def test_elasticsearch_takes_it_for_one(elastic) -> None:
    """The client checks the product's header, the vendor's content type, and the version."""
    _, client = elastic

    assert client.info()["version"]["number"] == "9.5.1"
    assert client.ping()


def test_elasticsearch_pages_through_a_point_in_time(elastic) -> None:
    """All documents come once, also those changed meanwhile as they were."""
    _, client = elastic
    fill(elastic_helpers, client)
    point = client.open_point_in_time(index="log", keep_alive="1m")["id"]
    client.bulk(index="log", operations=[{"index": {"_id": "8"}}, {"n": 8}], refresh=True)
    found, after = [], None

    while True:
        page = client.search(
            pit={"id": point, "keep_alive": "1m"}, size=3, sort=["_shard_doc"], search_after=after
        )["hits"]["hits"]
        if not page:
            break
        found += [hit["_source"]["n"] for hit in page]
        after = page[-1]["sort"]

    assert sorted(found) == [1, 2, 3, 4, 5, 6, 7]
    assert client.close_point_in_time(id=point)["num_freed"] == 1


def test_elasticsearch_slices(elastic) -> None:
    """The slices of a point in time have no document in common and miss none."""
    _, client = elastic
    fill(elastic_helpers, client)
    point = client.open_point_in_time(index="log", keep_alive="1m")["id"]

    parts = [
        {
            h["_id"]
            for h in client.search(pit={"id": point}, size=10, slice={"id": n, "max": 3})["hits"]["hits"]
        }
        for n in range(3)
    ]

    assert sorted(id_ for part in parts for id_ in part) == ["1", "2", "3", "4", "5", "6", "7"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"match_all": {}}, 7),
        ({"term": {"tag.keyword": "even"}}, 3),
        ({"terms": {"n": [1, 2, 99]}}, 2),
        ({"range": {"at": {"gte": "2013-01-05T00:00:00Z||-1d", "format": "strict_date_optional_time"}}}, 4),
        ({"range": {"n": {"gt": 6}}}, 1),
        ({"bool": {"filter": [{"range": {"n": {"lte": 4}}}], "must_not": {"term": {"tag": "odd"}}}}, 2),
        ({"ids": {"values": ["1", "x"]}}, 1),
        ({"exists": {"field": "nope"}}, 0),
    ],
)
def test_queries(elastic, query: dict[str, Any], count: int) -> None:
    """The few that it knows count what they should."""
    _, client = elastic
    fill(elastic_helpers, client)

    assert client.count(index="log", query=query)["count"] == count


def test_documents_are_seen_after_a_refresh(elastic) -> None:
    """As in a cluster: what was just written is not found yet."""
    _, client = elastic
    client.indices.create(index="log", mappings={"properties": {"n": {"type": "long"}}})
    client.bulk(index="log", operations=[{"index": {"_id": "1"}}, {"n": 1}])
    assert client.count(index="log")["count"] == 0

    client.indices.refresh(index="log")

    assert client.count(index="log")["count"] == 1


def test_the_mapping_is_learned_and_held(elastic) -> None:
    """New fields get types; a value of another one is refused, by item."""
    _, client = elastic
    fill(elastic_helpers, client)
    kinds = client.indices.get_mapping(index="log")["log"]["mappings"]["properties"]
    assert {name: about["type"] for name, about in kinds.items()} == {
        "n": "long",
        "at": "date",
        "tag": "text",
    }

    told = client.bulk(index="log", operations=[{"index": {"_id": "x"}}, {"n": "many"}])

    assert told["errors"]
    assert told["items"][0]["index"]["error"]["type"] == "document_parsing_exception"


def test_elasticsearch_understands_the_refusals(elastic) -> None:
    """Each is the client's own error for it."""
    _, client = elastic
    fill(elastic_helpers, client)
    with pytest.raises(elasticsearch.NotFoundError, match="no such index"):
        client.search(index="none")
    with pytest.raises(elasticsearch.BadRequestError, match="unknown query"):
        client.search(index="log", query={"fuzzy": {"a": "b"}})
    with pytest.raises(elasticsearch.BadRequestError, match="no handler found"):
        client.cat.indices()
    with pytest.raises(elasticsearch.AuthenticationException):
        client.options(basic_auth=("me", "wrong")).info()
    with pytest.raises(elasticsearch.NotFoundError, match="search_context_missing"):
        client.search(pit={"id": "gone"})


def test_opensearch_takes_it_for_one(opensearch) -> None:
    """Its client writes, pages through a point in time and closes it."""
    _, client = opensearch
    assert client.info()["version"]["distribution"] == "opensearch"
    fill(opensearch_helpers, client)
    point = client.create_pit(index="log", params={"keep_alive": "1m"})["pit_id"]

    body = {"pit": {"id": point, "keep_alive": "1m"}, "size": 4, "sort": ["_shard_doc"]}
    first = client.search(body=body)["hits"]["hits"]
    rest = client.search(body={**body, "search_after": first[-1]["sort"]})["hits"]["hits"]

    assert sorted(hit["_id"] for hit in [*first, *rest]) == ["1", "2", "3", "4", "5", "6", "7"]
    assert client.delete_pit(body={"pit_id": [point]})["pits"][0]["successful"]


def test_an_older_opensearch_has_no_tie_breaker() -> None:
    """Before 3.3 it refuses to sort by it, as the real one does."""
    with running_peer("opensearch", "2.19.0") as peer, opensearchpy.OpenSearch(peer.url) as client:
        fill(opensearch_helpers, client)
        point = client.create_pit(index="log", params={"keep_alive": "1m"})["pit_id"]

        with pytest.raises(opensearchpy.RequestError, match="No mapping found for"):
            client.search(body={"pit": {"id": point}, "sort": ["_shard_doc"]})
        assert client.search(body={"pit": {"id": point}, "sort": ["_id"]})["hits"]["total"]["value"] == 7


def test_each_product_has_its_own_endpoints(opensearch) -> None:
    """OpenSearch has no `_pit`, as Elasticsearch has no `_search/point_in_time`."""
    _, client = opensearch
    fill(opensearch_helpers, client)

    with pytest.raises(opensearchpy.RequestError, match="no handler found"):
        client.transport.perform_request("POST", "/log/_pit", params={"keep_alive": "1m"})
