"""Documents of Elasticsearch and OpenSearch as rows: types, points in time, slices, cursors, and all that goes wrong."""

from __future__ import annotations

import datetime as dt
import json
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from search_peer import SearchPeer, running_peer

from ropewalk.dataops.sources import (
    Document,
    ElasticsearchSource,
    SearchClusterAddress,
    SearchClusterWriter,
    open_search_cluster,
)
from ropewalk.dataops.sources.elastic import ClusterReader, cluster_authorizer
from ropewalk.dataops.sources.elastic_mapping import knows_all_fields, mapped_fields
from ropewalk.errors import Place, RopewalkError

from .conftest import Reply, SourceProject

PLACE = Place("ropewalk.yaml", 3, 3)

LOG = [{"n": n, "at": f"2013-01-0{n}T00:00:00Z", "tag": "odd" if n % 2 else "even"} for n in range(1, 8)]
requires_elasticsearch = pytest.mark.skipif(
    "ROPEWALK_TEST_ELASTICSEARCH_URL" not in os.environ,
    reason="ROPEWALK_TEST_ELASTICSEARCH_URL names no real cluster",
)
FEW = settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=[("elasticsearch", None), ("opensearch", None), ("opensearch", "2.19.0")], ids=str)
def peer(request: pytest.FixtureRequest) -> Iterator[SearchPeer]:
    """Return a peer of either product, and of a version without a tie-breaker."""
    with running_peer(*request.param) as running:
        yield running


@pytest.fixture
def elastic() -> Iterator[SearchPeer]:
    """Return a peer that is Elasticsearch."""
    with running_peer() as running:
        yield running


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry without long pauses."""
    monkeypatch.setattr("ropewalk.dataops.sources.fetch.FIRST_PAUSE_S", 0.001)


def declare(project: SourceProject, peer: SearchPeer, options: str = "", index: str = "log") -> SourceProject:
    more = f", {options}" if options else ""
    return project.declare(f"{{kind: elasticsearch, url: '{peer.url}', index: '{index}'{more}}}")


def read(url: str, **options: Any) -> list[dict[str, Any]]:
    """Return the documents that a declaration reads, without a lake."""
    source = ElasticsearchSource(kind="elasticsearch", url=url, **options)
    address = SearchClusterAddress(url, cluster_authorizer(source.auth))
    with open_search_cluster(address, PLACE, threading.Event()) as cluster:
        pages = ClusterReader(source, cluster).pages(None)
        return [json.loads(record) for page in pages for record in page.records]


def refusal(url: str, **options: Any) -> RopewalkError:
    """Return the error that reading ends with, which names the declaration's place."""
    with pytest.raises(RopewalkError) as caught:
        read(url, **options)
    assert caught.value.place == PLACE
    return caught.value


@pytest.mark.parametrize("options", ["page_size: 2", "slices: 3, page_size: 2"])
def test_all_documents_arrive(project, peer, options: str) -> None:
    """Page by page, in slices, from both products; the point in time is closed after."""
    peer.fill("log", LOG, shards=3)

    output = declare(project, peer, options).load()

    assert output.summary["rows"] == 7
    assert project.rows("SELECT n, tag")[:2] == [(1, "odd"), (2, "even")]
    assert project.types() == {
        "_id": "VARCHAR", "_index": "VARCHAR", "n": "BIGINT", "at": "TIMESTAMP WITH TIME ZONE", "tag": "VARCHAR",
    }  # fmt: skip
    assert output.origins == (f"elasticsearch:{peer.url}/log",)
    assert peer.points == {}
    assert project.is_hit()


def test_documents_are_those_of_one_moment(project, elastic, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written between two pages is in the next load."""
    elastic.fill("log", LOG)
    declare(project, elastic, "page_size: 3")
    searched = elastic._search

    def search(request: Any, index: str | None) -> dict[str, Any]:
        told = searched(request, index)
        elastic.fill("log", [*LOG, {"n": 8}])
        return told

    monkeypatch.setattr(elastic, "_search", search)

    assert project.load().summary["rows"] == 7
    assert project.load().summary["rows"] == 8


def test_a_cursor_asks_for_what_is_newer(project, peer) -> None:
    """Later documents are merged by their ids; a plan with none says fresh."""
    peer.fill("log", LOG[:5])
    declare(project, peer, "cursor: {column: at}")
    assert project.load().summary["watermark"] == "2013-01-05T00:00:00Z"
    assert project.is_hit()

    peer.fill("log", [*LOG[:4], {**LOG[4], "tag": "changed"}, *LOG[5:]])
    output = project.load()

    assert (output.summary["added"], output.summary["changed"], output.summary["rows"]) == (2, 1, 7)


@pytest.mark.parametrize(("overlap", "rows"), [("overlap: 3d", 8), ("overlap: 1h", 7)])
def test_an_overlap_is_counted_by_the_cluster(project, elastic, overlap: str, rows: int) -> None:
    """A document that came late, within the overlap, is loaded."""
    elastic.fill("log", LOG)
    declare(project, elastic, f"cursor: {{column: at, {overlap}}}").load()

    elastic.fill("log", [*LOG, {"n": 99, "at": "2013-01-05T12:00:00Z"}])
    project.run()

    assert len(project.rows("SELECT n")) == rows


def test_a_query_and_fields(project, elastic) -> None:
    """The query is the cluster's own; other fields are not loaded."""
    elastic.fill("log", LOG)

    declare(project, elastic, "query: {term: {tag: even}}, fields: [n]").load()

    assert project.rows("SELECT *") == [("1", "log", 2), ("3", "log", 4), ("5", "log", 6)]


def test_a_pattern_of_indices(project, elastic) -> None:
    """Equal ids in two indices are two documents."""
    elastic.fill("log-1", LOG[:2])
    elastic.fill("log-2", LOG[:2])
    elastic.fill("other", LOG)

    declare(project, elastic, "cursor: {column: n}", index="log-*").load()

    assert project.rows("SELECT _index, _id") == [
        ("log-1", "0"),
        ("log-1", "1"),
        ("log-2", "0"),
        ("log-2", "1"),
    ]


def mapping(**types: str | dict[str, Any]) -> dict[str, Any]:
    return {"properties": {k: {"type": t} if isinstance(t, str) else t for k, t in types.items()}}


TYPES: list[tuple[Any, Any, str, object]] = [
    ("keyword", "x", "VARCHAR", "x"),
    ("text", ["a", "b"], "VARCHAR", '["a","b"]'),
    ("long", 2**53 + 1, "BIGINT", 2**53 + 1),
    ("long", "12", "BIGINT", 12),
    ("integer", -5, "INTEGER", -5),
    ("unsigned_long", 2**63, "DECIMAL(38,0)", 2**63),
    ("half_float", 1.5, "DOUBLE", 1.5),
    ("scaled_float", "2.5", "DOUBLE", 2.5),
    ("boolean", True, "BOOLEAN", True),
    ("boolean", "false", "BOOLEAN", False),
    ("ip", "::1", "VARCHAR", "::1"),
    ("object", {"a": {"b": 1}}, "JSON", '{"a":{"b":1}}'),
    ("nested", [{"a": 1}, {"a": 2}], "JSON", '[{"a":1},{"a":2}]'),
    ("flattened", {"a": "1"}, "JSON", '{"a":"1"}'),
    ("geo_point", [1.5, 2], "JSON", "[1.5,2]"),
    ("dense_vector", [1.5, 2], "FLOAT[]", [1.5, 2.0]),
    ("new_in_some_version", 1, "JSON", "1"),
    ("date_nanos", "2013-01-01T00:00:00.123456789Z", "VARCHAR", "2013-01-01T00:00:00.123456789Z"),
    ({"type": "date", "format": "dd/MM/yyyy"}, "01/02/2013", "VARCHAR", "01/02/2013"),
]


def test_types(project, elastic) -> None:
    """Each type of the mapping has its own here, and keeps the value."""
    fields = mapping(**{f"v{n}": about for n, (about, _, _, _) in enumerate(TYPES)})
    elastic.fill("log", [{f"v{n}": value for n, (_, value, _, _) in enumerate(TYPES)}, {}], fields)

    declare(project, elastic).load()

    kinds = list(project.types().values())[2:]
    assert kinds == [kind for _, _, kind, _ in TYPES]
    assert project.rows("SELECT * EXCLUDE (_id, _index)")[0] == tuple(loaded for _, _, _, loaded in TYPES)


TIMES: list[tuple[str | None, Any]] = [
    (None, "2013-01-02T03:04:05Z"),
    (None, "2013-01-02T04:04:05+01:00"),
    (None, 1357095845000),
    (None, "1357095845000"),
    ("epoch_second", 1357095845),
    ("strict_date_optional_time||epoch_second", "2013-01-02T03:04:05.000Z"),
]


def test_times(project, elastic) -> None:
    """In whatever of the cluster's own formats: the moment is the same."""
    abouts = {f"v{n}": {"type": "date", **({"format": f} if f else {})} for n, (f, _) in enumerate(TIMES)}
    elastic.fill("log", [{f"v{n}": value for n, (_, value) in enumerate(TIMES)}], mapping(**abouts))

    declare(project, elastic).load()

    moment = dt.datetime(2013, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    assert project.rows("SELECT * EXCLUDE (_id, _index)")[0] == (moment,) * len(TIMES)


def test_years_and_months_are_dates(project, elastic) -> None:
    """Their first moments."""
    elastic.fill("log", [{"v": "2013"}, {"v": "2013-02"}, {"v": "2013-02-03"}], mapping(v="date"))

    declare(project, elastic).load()

    assert project.rows("SELECT strftime(v, '%Y-%m-%d')") == [
        ("2013-01-01",),
        ("2013-02-01",),
        ("2013-02-03",),
    ]


def test_a_list_where_a_number_was_declared(project, elastic) -> None:
    """The mapping allows it; the document is kept aside and told of, unless a list is declared."""
    elastic.fill("log", [{"v": 1}, {"v": [1, 2]}, {"v": 3}], mapping(v="long"))
    declare(project, elastic)
    assert project.load().summary["quarantined"] == 1

    declare(project, elastic, "types: {v: 'JSON'}").load()

    assert project.rows("SELECT v") == [("1",), ("3",), ("[1,2]",)]


def test_fields_that_the_mapping_leaves_out(project, elastic) -> None:
    """With `dynamic: false` documents have them all the same: they are loaded as JSON."""
    elastic.fill("log", [{"n": 1, "secret field": {"a": 1}}], {"dynamic": False, **mapping(n="long")})

    declare(project, elastic).load()

    assert project.rows('SELECT n, "secret field"') == [(1, '{"a":1}')]


def test_fields_that_are_written_with_dots(project, elastic) -> None:
    """The cluster takes `user.id` for a field of the object `user`; the document keeps the way it was written."""
    about = {"properties": {"user": {"properties": {"id": {"type": "long"}}}}}
    elastic.fill("log", [{"user": {"id": 1}}, {"user.id": 2}], about)

    declare(project, elastic).load()

    assert project.rows('SELECT "user", "user.id"') == [('{"id":1}', None), (None, "2")]


def test_a_password_in_the_url(project) -> None:
    """It lets in, and stands in no fact, output or error."""
    with running_peer(user="me:hunter2") as peer:
        peer.fill("log", LOG)
        url = peer.url.replace("//", "//me:hunter2@")
        project.declare(f"{{kind: elasticsearch, url: '{url}', index: log}}")
        shown = f"{project.plan()}{project.load()}{project.plan()}"
        error = project.declare(f"{{kind: elasticsearch, url: '{url}', index: nope}}").fail()

    assert "hunter2" not in f"{shown}{error.as_json()}{project.run()}"


def test_how_it_is_read_is_no_reason(project, elastic) -> None:
    """Slices and page sizes change nothing of what is loaded."""
    elastic.fill("log", LOG)
    declare(project, elastic).load()

    assert declare(project, elastic, "slices: 2, page_size: 3, keep_alive: 1m").is_hit()


def test_mappings_that_disagree() -> None:
    """Several indices have a common type where there is one, and text or JSON where there is none."""
    one = mapping(a="long", b="integer", c="keyword", d="object", e="date", f="alias")
    two = mapping(a="integer", b="float", c="long", d="keyword", e={"type": "date", "format": "epoch_second"})

    found = mapped_fields([one, two])

    assert {name: field.type for name, field in found.items()} == {
        "a": "BIGINT", "b": "DOUBLE", "c": "VARCHAR", "d": "JSON", "e": "VARCHAR",
    }  # fmt: skip
    assert knows_all_fields([one, {"dynamic": "strict"}])
    assert not knows_all_fields([one, {"dynamic": "runtime"}])


def test_a_point_in_time_that_runs_out(project, elastic) -> None:
    """Half a table is none: nothing is loaded, and trying again may help."""
    elastic.fill("log", LOG)
    elastic.searches_until_expiry = 2

    error = declare(project, elastic, "page_size: 2").fail()

    assert (error.code, error.may_pass) == ("RW391", True)
    assert project.lake.table_names() == ()


def test_shards_that_fail(project, elastic) -> None:
    """Partial results are asked for never, and taken never."""
    elastic.fill("log", LOG)
    elastic.failing_shards = 2

    error = declare(project, elastic).fail()

    assert error.code == "RW692"
    assert project.lake.table_names() == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"timed_out": True}, "did not answer in time"),
        ({"_shards": {"failed": 1}}, "misses 1 shards"),
        ({"hits": {"total": {"value": 9, "relation": "eq"}, "hits": []}}, "finds 9 documents, and 0 came"),
        ({"hits": {"hits": [{"_id": "1", "_index": "log"}]}}, "does not keep the source"),
        ({"hits": None}, "answers a search with something else"),
    ],
)
def test_answers_that_are_not_whole(serve, change: dict[str, Any], message: str) -> None:
    """Each is an error, whatever the HTTP status says."""
    told = {
        "/": {"version": {"number": "9.1.0"}, "tagline": "You Know, for Search"},
        "/log/_mapping": {"log": {"mappings": mapping(n="long")}},
        "/log/_pit": {"id": "p"},
        "/_search": {"hits": {"hits": []}, **change},
    }
    server = serve(lambda request: Reply(told.get(request.path, {})))

    error = refusal(server.url, index="log")

    assert message in error.message


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ({"index": "nope"}, "RW292", "no such index"),
        ({"index": "nope-*"}, "RW292", "no index that fits 'nope-*'"),
        ({"index": "log", "query": {"fuzzy": {"a": "b"}}}, "RW193", "unknown query [fuzzy]"),
        ({"index": "log", "cursor": {"column": "tag"}}, "RW125", "'tag' is no number or time"),
        ({"index": "log", "cursor": {"column": "nope"}}, "RW125", "not a field at the top of the mapping"),
    ],
)
def test_wrong_declarations(elastic, options: dict[str, Any], code: str, message: str) -> None:
    """The cluster's own words, with the place of the declaration."""
    elastic.fill("log", LOG)

    error = refusal(elastic.url, **options)

    assert (error.code, message in error.message) == (code, True)


@pytest.mark.parametrize(
    ("auth", "secret", "works"),
    [
        ({"type": "http_basic", "username": "me", "password": "secret://ES"}, "pw", True),
        ({"type": "api_key", "api_key": "secret://ES"}, "bWU6cHc=", True),
        ({"type": "http_basic", "username": "me", "password": "secret://ES"}, "hunter2", False),
        ({"type": "bearer", "token": "secret://ES"}, "hunter2", False),
    ],
)
def test_credentials(monkeypatch: pytest.MonkeyPatch, auth: dict[str, str], secret: str, works: bool) -> None:
    """Taken or refused; shown never."""
    monkeypatch.setenv("ES", secret)
    with running_peer(user="me:pw") as peer:
        peer.fill("log", LOG)
        if works:
            assert len(read(peer.url, index="log", auth=auth)) == 7
        else:
            error = refusal(peer.url, index="log", auth=auth)
            assert error.code == "RW623"
            assert "hunter2" not in str(error.as_json())


def test_an_index_without_documents(project, elastic) -> None:
    """It has columns: those of its mapping; and one that was emptied empties the table."""
    elastic.fill("log", [], mapping(n="long"))
    assert declare(project, elastic).load().summary["rows"] == 0
    assert project.types()["n"] == "BIGINT"

    elastic.fill("log", LOG)
    assert project.load().summary["rows"] == 7
    elastic.fill("log", [], mapping(n="long"))

    assert project.load().summary["rows"] == 0


@FEW
@given(
    documents=st.lists(
        st.dictionaries(
            st.sampled_from(["a", "b", "c d", "é"]),
            st.none()
            | st.integers(-(2**60), 2**60)
            | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=5),
            max_size=4,
        ),
        min_size=1,
        max_size=6,
    ),
    slices=st.integers(1, 3),
)
def test_whatever_the_documents_are(project, elastic, documents: list[dict[str, Any]], slices: int) -> None:
    """Each arrives once, and its values come out as they went in."""
    fields = {"properties": {name: {"type": "keyword"} for name in ("a", "b", "c d", "é")}}
    elastic.fill("log", documents, fields, shards=2)

    declare(project, elastic, f"slices: {slices}, page_size: 2").load()

    found = {str(row[0]): row[1:] for row in project.rows('SELECT _id, a, b, "c d", "é"')}
    expected = {
        str(number): tuple(None if doc.get(k) is None else str(doc[k]) for k in ("a", "b", "c d", "é"))
        for number, doc in enumerate(documents)
    }
    assert found == expected


@requires_elasticsearch
@pytest.mark.parametrize("slices", [1, 2])
def test_a_real_cluster(project, slices: int) -> None:
    """Write, read by slices, read what is newer: against the cluster that the environment names."""
    url, index = os.environ["ROPEWALK_TEST_ELASTICSEARCH_URL"], f"ropewalk-test-{os.getpid()}"
    with open_search_cluster(SearchClusterAddress(url), PLACE, threading.Event()) as cluster:
        writer = SearchClusterWriter(cluster, index)
        writer.make_index(mapping(n="long", at="date", tag="keyword"), {"number_of_shards": 2})
        try:
            writer.write(Document(str(doc["n"]), json.dumps(doc).encode()) for doc in LOG)
            writer.refresh()
            entry = f"{{kind: elasticsearch, url: '{url}', index: {index}, slices: {slices}, page_size: 2, cursor: {{column: at}}}}"
            assert project.declare(entry).load().summary["rows"] == 7
            assert project.is_hit()
            writer.write([Document("8", b'{"n": 8, "at": "2013-02-01T00:00:00Z"}')])
            writer.refresh()
            assert project.load().summary["added"] == 1
        finally:
            cluster.ask("DELETE", f"/{index}")
