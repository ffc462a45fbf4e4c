"""Publishing to search clusters: the alias moves to a whole version, on a strict peer of both products."""

from __future__ import annotations

import pytest
from elasticsearch import Elasticsearch
from search_peer import SearchPeer, running_peer

from ropewalk import plugins
from ropewalk.dataops.publish import PublishFailed, TargetTaken, publish_again, read_standings
from ropewalk.pipeline import State, declare_graph

MORE = "SELECT * FROM (VALUES (2, 'bea', 2.5::DOUBLE), (4, 'dan', 4.0)) AS v (id, who, price)"


@pytest.fixture(params=["elasticsearch", pytest.param("opensearch", marks=pytest.mark.slow)])
def peer(request, monkeypatch):
    """Return a cluster of each product in turn, whose URL is the secret CLUSTER."""
    with running_peer(request.param, user="me:hunter2") as running:
        monkeypatch.setenv("CLUSTER", running.url)
        monkeypatch.setenv("CLUSTER_AUTH", "Basic bWU6aHVudGVyMg==")
        yield running


@pytest.fixture
def to(peer):
    """Return how the cluster is declared."""
    return "{kind: elasticsearch, url: 'secret://CLUSTER', index: orders, headers: {Authorization: 'secret://CLUSTER_AUTH'}}"


def found(peer: SearchPeer):
    (index,) = peer.aliases["orders"]
    return sorted(peer.indices[index].visible.values(), key=lambda row: row["id"])


def node_of(workspace):
    return declare_graph(workspace.project, plugins.kinds()).nodes["publish:orders"]


def test_alias_leads_to_the_rows(shop, peer, to):
    """Searches of the alias find the table's rows."""
    shop.declare(to)

    shop.run()

    assert found(peer)[0] == {"id": 1, "who": "ann", "price": 1.5}
    assert [row["id"] for row in found(peer)] == [1, 2, 3]


def test_second_run_writes_nothing(shop, peer, to):
    """A version that is there is not written again."""
    shop.declare(to)
    shop.run()
    before = len([request for request in peer.requests if "_bulk" in request])

    workspace = shop.open()

    assert shop.run().state is State.HIT
    assert publish_again(workspace, node_of(workspace)).is_new is False
    assert len([request for request in peer.requests if "_bulk" in request]) == before


def test_new_version_takes_the_place_of_the_old(shop, peer, to):
    """Replace: the alias moves and the old index goes in one request."""
    shop.declare(to)
    shop.run()

    shop.run(MORE)

    assert [row["id"] for row in found(peer)] == [2, 4]
    assert len(peer.indices) == 1


def test_merge_by_id(shop, peer, to):
    """Merge: documents of the same key are replaced, others stay."""
    shop.declare(to, write="merge", key="[id]")
    shop.run()

    shop.run(MORE)

    assert [(row["id"], row["who"]) for row in found(peer)] == [(1, "ann"), (2, "bea"), (3, None), (4, "dan")]


def test_append_adds_each_version_once(shop, peer, to):
    """Append: a version that comes back is not added again."""
    shop.declare(to, write="append")
    first = (shop.root / "tables/mart/orders.sql").read_text()
    for sql in (None, MORE, first):
        shop.run(sql)

    assert [row["id"] for row in found(peer)] == [1, 2, 2, 3, 4]


def test_half_written_index_is_made_anew(shop, peer, to):
    """What a kill left of a version does not show, and does not stay."""
    shop.declare(to)
    shop.run()
    (index,) = peer.aliases.pop("orders")
    peer.indices[index].documents["stray"] = {"id": 99}
    workspace = shop.open()

    publish_again(workspace, node_of(workspace))

    assert [row["id"] for row in found(peer)] == [1, 2, 3]


def test_index_of_others(shop, peer, to):
    """An index that has the alias's name stays as it is."""
    shop.declare(to)
    with Elasticsearch(peer.url, basic_auth=("me", "hunter2")) as client:
        if peer.is_elastic:
            client.indices.create(index="orders")
        else:
            pytest.skip("the official client speaks to its own product only")

    assert isinstance(shop.run().error, TargetTaken)


def test_standing(shop, peer, to):
    """The target is asked what it has."""
    shop.declare(to)
    shop.run()
    workspace = shop.open()

    assert [item.state for item in read_standings(workspace, [node_of(workspace)])] == ["current"]
    peer.aliases.clear()
    assert [item.state for item in read_standings(workspace, [node_of(workspace)])] == ["missing"]


def test_numbers_that_json_does_not_have(shop, to):
    """NaN is counted and refused."""
    shop.declare(to)

    failed = shop.run("SELECT 1 AS id, 'nan'::DOUBLE AS price")

    assert isinstance(failed.error, PublishFailed)
    assert "1 values of column 'price' are NaN or infinite" in failed.error.message


def test_types(shop, peer, to):
    """Times come as the clusters read them, decimals exactly, nested values as they are."""
    shop.declare(to)
    shop.run(
        "SELECT 1 AS id, 12.30::DECIMAL(9, 2) AS d, TIMESTAMPTZ '2024-02-29 01:02:03+01' AS tz, DATE '2024-02-29' AS day,"
        " [1, 2] AS l, {'a': 'x'} AS s, '\\x00'::BLOB AS b, TIME '10:00' AS t"
    )
    (index,) = peer.aliases["orders"]
    kinds = {name: field.get("type") for name, field in peer.indices[index].mapping["properties"].items()}

    assert found(peer)[0] | {"t": None} == {
        "id": 1, "d": 12.3, "tz": "2024-02-29T00:02:03.000000Z", "day": "2024-02-29", "l": [1, 2], "s": {"a": "x"},
        "b": "AA==", "t": None,
    }  # fmt: skip
    assert (kinds["d"], kinds["tz"], kinds["b"], kinds.get("s")) == ("scaled_float", "date", "binary", None)


def test_secrets_are_not_shown(shop, peer, to, monkeypatch):
    """A cluster that refuses is told of without the credentials."""
    monkeypatch.setenv("CLUSTER_AUTH", "Basic c2VjcmV0OnNlY3JldA==")
    shop.declare(to)

    failed = shop.run().error

    assert failed is not None
    assert "c2VjcmV0" not in str(failed.as_json())
